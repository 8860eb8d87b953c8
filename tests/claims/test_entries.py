"""The entries of the field, and what may be wrong with a user's."""

import random
import tomllib

import pytest

from clbench import InputError
from clbench.claims.entries import FIELD, read
from clbench.claims.language import Atom, parse

FIELDS = ["id", "says", "source", "scope", "test", "on", "given", "caveats"]


def test_the_entries_of_the_field_are_whole():
    tables = tomllib.loads(FIELD.read_text(encoding="utf-8"))["claim"]
    assert len(tables) == 61 and all(list(table) == FIELDS and table["source"] for table in tables)
    claims = read()
    assert [claim.id for claim in claims] == [table["id"] for table in tables]
    kinds = [claim.statement.kind for claim in claims]
    assert {kind: kinds.count(kind) for kind in kinds} == {"order": 47, "equal": 9, "trend": 3, "differ": 2}


@pytest.mark.parametrize(
    ("text", "kind", "margin"),
    [
        ("er > lwf", "order", 1),
        ("er > 80", "order", 0),
        ("er = lwf", "equal", 2),
        ("er != lwf", "differ", 1),
        ("er(memory=1|2) ~ up", "trend", 0),
        ("er > lwf by -1.5", "order", -1.5),
        ("er = 0 within 0.01", "equal", 0.01),
    ],
)
def test_a_test_has_its_kind_and_margin(text, kind, margin):
    assert (parse(text).kind, parse(text).margin) == (kind, margin)


def test_marks_inside_of_brackets_and_quotes_are_no_marks():
    statement = parse("old: er(x='a > b, by 3') - lwf > {acc:ewc@full/stream(path='p/q@r'), -3} by 2")
    assert statement.atoms == (
        Atom("old", "er(x='a > b, by 3')"),
        Atom("old", "lwf"),
        Atom("acc", "ewc", "stream(path='p/q@r')", "full"),
    )
    assert statement.sides[1][1].number == -3 and statement.margin == 2


def test_the_smaller_side_may_stand_first():
    assert parse("a < b < c").sides == parse("c > b > a").sides


def test_a_sweep_is_one_row_for_each_value():
    statement = parse("acc: er(memory=1|20) - agem(memory=1 | 20)@news ~ down by 0.5")
    assert statement.sweep == (1, 20) and statement.direction == "down"
    assert [side[0].atoms[1].strategy for side in statement.sides] == ["agem(memory=1)", "agem(memory=20)"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no operator"),
        ("er", "no operator"),
        ("er>lwf", "with a space on both sides"),
        ("er > ", "nothing stands beside"),
        ("er > lwf = ewc", "one operator, please, not > and ="),
        ("er > lwf by two", '"by two": write a number'),
        ("er > lwf by", '"lwf by" is no name'),
        ("er > lwf within 2", 'write "by"'),
        ("er = lwf by 2", 'write "within"'),
        ("er = lwf within 0", "has to be above 0"),
        ("flops: er = lwf within x1", "above 1"),
        ("flops: er > lwf by x0", "above 0"),
        ("acc:er > flops:er", "different units"),
        ("flops:er > steps:er", "different units"),
        ("3 > 4", "two numbers"),
        ("er - 5 > lwf", "a difference is of two rows"),
        ("er - lwf - ewc > 3", "a difference is of two rows"),
        ("er > {lwf, }", 'cannot read ""'),
        ("er@ > lwf", 'cannot read ""'),
        ("{er, lwf > ewc", "never closed"),
        ("er) > lwf", "closes nothing"),
        ("er(memory=) > lwf", "cannot read"),
        ("er(memory=1|2) > lwf", "a sweep like 100|500 goes with ~"),
        ("er ~ up", "one term with one sweep"),
        ("er(memory=1|2, x=3|4) ~ up", "one term with one sweep"),
        ("er(memory=0|2) ~ up", "all above 0"),
        ("er(memory=1|2) ~ sideways", 'write "up" or "down"'),
        ("er(memory=1|2) ~ up by x2", "no ratio"),
        ("er > 1e400", "1e400 is too large"),
        ("er = lwf within 1e400", "1e400 is too large"),
        ("er(memory=1|1e400) ~ up", "1e400 is too large"),
    ],
)
def test_a_test_that_cannot_be_read_says_what_would_be_right(text, said):
    with pytest.raises(InputError) as error:
        parse(text)
    assert said in str(error.value) and str(error.value).startswith(f'test "{text}": ')


def test_any_text_is_read_or_refused():
    tests, rng = [claim.test for claim in read()], random.Random(0)
    outcomes = []
    for _ in range(1500):
        text = list(rng.choice(tests))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.randint(0, 2)] = rng.choice(
                ["", "(", "}", "'", "|", " - ", "@", "~", "3", "\0"]
            )
        try:
            outcomes.append(parse("".join(text)))
        except InputError as error:
            outcomes.append(str(error))
    assert 100 < sum(isinstance(one, str) for one in outcomes) < 1400


GOOD = {"id": '"mine"', "says": '"It is so."', "test": '"er > naive"', "on": '["split_mnist_class"]'}


def entry(**fields) -> str:
    return "[[claim]]\n" + "".join(f"{name} = {value}\n" for name, value in (GOOD | fields).items() if value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "tables [[claim]] and nothing else"),
        ("claim = 3", "tables [[claim]] and nothing else"),
        ("claim = [3]", "claim 1: Expected `object`, got `int`"),
        (entry() + "[other]\nx = 1", "tables [[claim]] and nothing else"),
        ("[[claim]\n", "no TOML: "),
        (b"\xff\xfe", "no TOML: "),
        ("x = " + "[" * 3000, "no TOML: "),
        (entry(says=None), 'claim "mine": says is missing'),
        (entry(says='" "'), "says is empty"),
        (entry(says="3"), 'write says like this: says = "Replay helps."'),
        (entry(id=None), "claim 1: id is missing"),
        (entry(id='"a b\\u001b"'), 'claim "a b\\x1b": an id is of letters'),
        (entry(on=None), "on is empty"),
        (entry(on='["split mnist"]'), 'cannot read "split mnist"'),
        (entry(on='"split_mnist_class"'), 'write on like this: on = ["split_mnist_class"]'),
        (entry(given='["rooms 3"]'), 'given "rooms 3": use memory, flops, steps, or "room"'),
        (entry(given='["room"]'), 'given "room"'),
        (entry(test='"er >> naive"'), 'claim "mine": test "er >> naive": no operator'),
        (entry(source='[{ paper = "x", read = "rumour" }]'), "Invalid enum value 'rumour'"),
        (entry(scope='{ colour = "red" }'), 'scope has no field "colour"; there are scenario, data, '),
        (entry(verdict='"holds"'), 'it has no field "verdict"; there are id, says, test, '),
        (entry(tests='"er > naive"'), 'it has no field "tests": did you mean "test"?'),
        (entry(source='"Doe 2024"'), 'write source like this: source = [{paper = "Doe 2024"'),
        (entry(source='["Doe 2024"]'), 'write source like this: source = [{paper = "Doe 2024"'),
        (entry(source="[{}]"), "paper is missing in source"),
        (entry() + entry(), 'claim "mine" stands there twice'),
    ],
)
def test_a_file_that_holds_no_claims_says_which_and_why(content, said, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        read(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and said in line and "\n" not in line, line


def test_a_user_needs_four_fields_or_three(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(entry() + entry(id='"two"', on=None, test='"er@news > naive@news"'))
    assert [claim.id for claim in read(path)] == ["mine", "two"]
