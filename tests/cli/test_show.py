"""`clbench show`: rows filtered, sorted, ranked, and written in five formats."""

import csv
import io
import json
import re

import pytest

from clbench.results import imported, records
from clbench.results.imported import Imported


@pytest.fixture(autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


@pytest.fixture(scope="module")
def place(fabricated, tmp_path_factory):
    """A folder with my_results/ in it, that tests only read."""
    folder = tmp_path_factory.mktemp("shown")
    for record in fabricated.toy() + fabricated.many():
        records.write(record, folder / "my_results")
    return folder


@pytest.fixture
def show(here, place):
    """What `clbench show` prints."""

    def run(*options):
        done = here("show", *options, cwd=place)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    return run


TOY = ("-b", "toy_class")


def first_words(text):
    """Of the rows of a table."""
    names = "naive joint joint_equal er lwf avalanche_replay ewc si pnn".split()
    return [line.split()[0] for line in text.splitlines() if line.split()[:1] and line.split()[0] in names]


def test_filters_sorting_and_ranks_together(show):
    text = show(
        *TOY,
        "--family",
        "replay",
        "--family",
        "regularisation",
        "--where",
        "seeds == 3",
        "--sort",
        "old",
        "--ranks",
    )
    table = text.split("accuracies in points")[0]
    assert first_words(table) == ["avalanche_replay", "er", "lwf"]
    assert table.splitlines()[0].startswith("toy_class") and "ties" in table
    assert first_words(show(*TOY, "--where", "acc > 0.5", "--where", "not stores"))[:2] == [
        "lwf",
        "avalanche_replay",
    ]


def test_spaces_between_families_stand_only_where_rows_are_in_their_order(show):
    between = {key: "\n \n" in re.sub(" +", " ", show(*TOY, "--sort", key)) for key in ("family", "acc")}
    assert between == {"family": True, "acc": False}


def test_the_short_forms_are_the_formats(show):
    for name in ("csv", "json"):
        assert show(f"--{name}") == show("--format", name) == show("--format", name, f"--{name}")
    assert show() == show("--format", "table")


def test_ranks_in_csv_and_json(show):
    lines = list(csv.DictReader(io.StringIO(show(*TOY, "--ranks", "--format", "csv"))))
    ranks = {line["strategy"]: line for line in lines if line["metric"] == "rank"}
    assert (ranks["er"]["value"], ranks["er"]["low"], ranks["er"]["high"]) == ("1.0", "1.0", "2.0")
    assert ranks["er"]["ties"] == "a" and ranks["joint"]["value"] == ranks["joint"]["ties"] == ""
    assert not any(line["ties"] for line in lines if line["metric"] != "rank")
    assert "ties" not in show(*TOY, "--format", "csv").splitlines()[0].split(",")
    (table,) = json.loads(show(*TOY, "--ranks", "--holm", "--json"))["tables"]
    cells = {row["strategy"]: row["cells"] for row in table["rows"]}
    assert cells["er"]["rank"]["value"] == 1 and cells["er"]["ties"]["text"] == "ab"
    assert cells["er"]["compute"]["value"] == 2


def test_stale_rows_are_ranked_where_that_is_asked(show):
    def ranks(*options):
        text = show("-b", "split_toy_class", "--ranks", "--json", *options)
        (table,) = json.loads(text)["tables"]
        return {row["strategy"]: row["cells"]["rank"]["value"] for row in table["rows"]}, text

    (without, said), (with_stale, said_then) = ranks(), ranks("--stale")
    assert without["mas"] is None and with_stale["mas"] is not None
    assert max(filter(None, with_stale.values())) == 1 + max(filter(None, without.values()))
    assert "stale rows take no rank; --stale ranks them too" in said
    assert "stale rows are ranked too, as asked" in said_then
    current, _ = ranks("--where", "not stale", "--stale")
    assert {name: rank for name, rank in without.items() if name != "mas"} == current


def test_several_benchmarks_are_ranked_in_one_table(show):
    (table,) = json.loads(show("--ranks", "-s", "er", "-s", "naive", "--json"))["tables"]
    assert [column["name"] for column in table["columns"]] == [
        "rank",
        "recovered",
        "split_toy_class",
        "toy_class",
    ]
    er, naive = table["rows"]
    assert (er["strategy"], er["cells"]["rank"]["value"]) == ("er", 1) and naive["cells"]["rank"][
        "value"
    ] == 2
    assert er["cells"]["recovered"]["value"] > 0.4  # though joint has no row
    lines = list(csv.DictReader(io.StringIO(show("--ranks", "-s", "er", "-s", "naive", "--csv"))))
    assert {line["metric"] for line in lines if not line["benchmark"]} == {"rank", "recovered"}


def test_markdown_and_latex(show):
    text = show(*TOY, "--format", "markdown", "--sort", "acc", "--where", "status == 'ok'")
    assert text.startswith("### toy\\_class, profile smoke") and text.count("\n| `") == 6
    assert text.index("| `er`") < text.index("| `lwf`")
    text = show("--metric", "acc", "--format", "latex")
    assert text.count(r"\begin{tabular}{lrr}") == 1 and r"lwf & 36.0 $\pm$ 1.1 & 51.7 $\pm$ 7.2 \\" in text


def test_a_narrow_terminal_leaves_benchmarks_out_and_says_so(here, place):
    text = here("show", "--ranks", "--metric", "acc", cwd=place, env={"COLUMNS": "60"}).stdout
    assert "left out for want of room: toy_class" in text and max(map(len, text.splitlines())) <= 60
    assert "\nderpp 1 a ★ 76.1 ± 0.9 \n" in re.sub(" +", " ", text)


def test_a_narrow_terminal_shows_what_rows_are_sorted_by(here, place):
    for key in ("recovered", "compute", "peak_mb"):
        text = here("show", *TOY, "--sort", key, cwd=place, env={"COLUMNS": "80"}).stdout
        title = {"recovered": "recovered", "compute": "naive", "peak_mb": "peak"}[key]
        assert title in text.split("─")[0] and "left out for want of room" in text


def test_imported_rows_stand_apart_from_ranks_and_pass_no_filter(here, fabricated, tmp_path):
    for record in fabricated.toy():
        records.write(record, tmp_path / "my_results")
    imported.write(
        tmp_path / "my_results",
        "smoke",
        [Imported("smoke", "toy_class", "FooBar", "acc", 0.9, 0.1, 3, "a paper")],
    )
    (table,) = json.loads(here("show", "--ranks", "--json").stdout)["tables"]
    assert table["rows"][-1]["strategy"] == "FooBar" and table["rows"][-1]["cells"]["rank"]["value"] is None
    ranks = [row["cells"]["rank"]["value"] for row in table["rows"]]
    assert max(one for one in ranks if one is not None) == 4
    for options in (
        (),
        ("--metric", "acc", "--sort", "acc"),
        ("--sort", "compute"),
        ("--format", "latex", "--ranks"),
    ):
        assert "FooBar" in here("show", *options).stdout
    for options in (("--where", "acc > 0.5"), ("--family", "replay")):
        assert "FooBar" not in here("show", *options).stdout
    alone = here("show", "--ranks", "-s", "FooBar")
    assert alone.returncode == 2 and "imported rows take no ranks" in alone.stderr


WRONG = {
    "memory_item == 0": 'unknown name "memory_item": did you mean "memory_items"?; there are acc, ',
    "kind == native": 'a text stands in quotes: "native"',
    "kind == 'nativ'": 'kind is never "nativ": did you mean "native"?; it is one of reference, ',
    "acc == 'high'": "acc is a number and 'high' is a text",
    "family > 'own'": "family is a text, so it is not less or more",
    "stale == 1": "stale is true or false and 1.0 is a number",
    "acc": "acc is a number, so compare it with one",
    "0.5": '"0.5" is no comparison',
    "0.5 < 1": "is no comparison",
    "acc = 1": "cannot be read; write comparisons of names with values",
    "acc >": "cannot be read",
    "": "cannot be read",
    "acc > 0.1 & stores": '"0.1 & stores" is no name and no value',
    "acc + 1 > 1": '"acc + 1" is no name and no value',
    "acc > -stores": "is no name and no value",
    "acc is 1": "is no comparison",
    "acc in 0.5": 'behind "in" stand values in brackets',
    "acc in ()": 'behind "in" stand values in brackets',
    "0.5 in (acc, 1)": "is no comparison",
    "acc > 1e999": "a number is too large",
    "acc > " + "9" * 400: "a number is too large",
    "acc.real > 0": '"acc.real" is no name and no value',
    "acc[0] > 0": '"acc[0]" is no name and no value',
    "@acc > 0": "cannot be read",
    "`acc` > 0": "cannot be read",
    "__import__('os').system('touch hacked')": "is no comparison",
    "acc > __import__('os').system('touch hacked')": "is no name and no value",
    "acc > (lambda: 1)()": "is no name and no value",
    "[acc for acc in (1,)]": "is no comparison",
    "(acc := 1) > 0": "is no name and no value",
    "acc > 0 or " * 100 + "acc > 0": "more than 100 comparisons",
    "not " * 300 + "stale": "more than 100 comparisons",
    "(" * 3000 + "stale" + ")" * 3000: "cannot be read",
    "acc > 0.99": "none of 29 rows passes",
}


@pytest.mark.parametrize(("condition", "said"), WRONG.items(), ids=[one[:30] for one in WRONG])
def test_a_wrong_condition_is_one_line_that_says_why(condition, said, here, place):
    done = here("show", "--where", condition, cwd=place)
    assert done.returncode == 2 and not done.stdout, done.stdout
    assert done.stderr.startswith("clbench: ") and done.stderr.count("\n") == 1 and said in done.stderr, (
        done.stderr
    )
    assert not (place / "hacked").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--csv", "--json"), "give one of --format, --json and --csv"),
        (("--csv", "--format", "latex"), "give one of --format, --json and --csv"),
        (("--format", "xml"), "'xml' is not one of"),
        (("--family", "replays"), "'replays' is not one of"),
        (("--sort", "rank"), "--sort rank needs --ranks"),
        (("--sort", "acx"), 'unknown key to sort by "acx": did you mean "acc"?'),
        (("--reverse",), "--reverse needs --sort"),
        (("--holm",), "--holm needs --ranks"),
        (("--stale",), "--stale needs --ranks"),
        (("--ranks", "--metric", "seconds"), "seconds is a cost"),
        (("--family", "sampling"), "none of 29 rows passes the filter"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said, here, place):
    done = here("show", *options, cwd=place)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_ranks_without_a_row_that_competes_say_so(show):
    assert "no ranks: no row competes" in show(*TOY, "-s", "joint*", "--ranks")
