"""`clbench claims` and `clbench check --claims`, on made-up records."""

import json
import shlex
import shutil

import pytest

from clbench.report.board import board
from clbench.report.values import entries
from clbench.results import records

MINE = """
[[claim]]
id   = "replay-helps"
says = "Replay helps."
test = "er > naive by 5"
on   = ["smoke/split_digits_class"]

[[claim]]
id   = "replay-helps-much"
says = "Replay helps by 60 points."
test = "er > naive by 60"
on   = ["smoke/split_digits_class"]

[[claim]]
id   = "replay-of-four"
says = "Four examples are enough."
test = "er(memory=4) > naive by 5"
on   = ["smoke/split_digits_class"]
"""


@pytest.fixture(autouse=True)
def known(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def rows(fabricated):
    """naive has an ACC of 46 %, er of 70, joint of 90, within a point; er is 24 ahead on each seed."""

    def make(benchmark, profile):
        return [
            fabricated.make(
                name,
                fabricated.two_tasks(*((old + d, 0.9 - d / 3) for d in (0, 0.01, -0.01, 0.02, -0.02))),
                benchmark=benchmark,
                profile=profile,
                costs={"memory_items": 500 if old > 0.1 else 0},
            )
            for name, old in (("naive", 0.02), ("er", 0.5), ("joint", 0.9))
        ]

    return make


@pytest.fixture
def place(tmp_path, rows):
    """A folder with results of two profiles, and a file of claims."""
    for record in [*rows("split_digits_class", "smoke"), *rows("split_mnist_class", "quick")]:
        records.write(record, tmp_path / "results")
    (tmp_path / "mine.toml").write_text(MINE)
    return tmp_path


@pytest.fixture
def claims(here, place):
    return lambda *options: here("claims", "--results", "results", *options, cwd=place)


@pytest.fixture
def check(here, place):
    def run(content, *options):
        (place / "mine.toml").write_text(content)
        return here("check", "--claims", "mine.toml", "--results", "results", *options, cwd=place)

    return run


def test_a_line_for_every_claim_of_the_field(claims):
    done = claims()
    assert done.returncode == 0
    lines = [line.split("  ")[0] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert lines[:2] == ["claim", "finetune-loses-old-classes"] and len(lines) == 1 + 61
    assert "\n61 claims: " in done.stdout


def test_the_report_has_them_in_markdown(here, place):
    assert here("report", "--results", "results", "--out", "reports", cwd=place).returncode == 0
    page = (place / "reports" / "quick.md").read_text(encoding="utf-8")
    assert "## Claims of the field" in page and "| finetune-loses-old-classes |" in page


def test_a_line_says_what_was_found(claims):
    first, second, third = claims("--claims", "mine.toml", "--format", "markdown").stdout.splitlines()[2:5]
    assert first.startswith(
        "| replay-helps | Replay helps. | holds on 1 of 1 | 24.0 points | 5 | smoke/split_digits_class |"
    )
    assert "contradicted on 1 of 1" in second
    assert "| not testable |" in third and "no record: er(memory=4) on smoke/split_digits_class" in third


def test_json_has_everything(claims):
    content = json.loads(claims("--claims", "mine.toml", "--format", "json").stdout)
    first, second, third = content["claims"]
    assert (first["word"], first["holds"], first["contradicted"], first["tested"]) == ("holds", 1, 0, 1)
    (cell,) = first["cells"]
    assert (
        cell["effect"] == pytest.approx(24) and cell["n"] == 5 and cell["place"] == "smoke/split_digits_class"
    )
    assert (first["effect"], first["n"], first["cell"]) == (cell["effect"], 5, cell["place"])
    assert third["effect"] is None and third["missing"].startswith("no record: er(memory=4)")
    assert second["cells"][0]["reverse"] is False and second["parsed"]["margin"] == 60
    assert third["cells"][0]["missing"][0]["strategy"] == "er(memory=4)"
    line = "clbench run -b split_digits_class -s 'er(memory=4)' --profile smoke --out results"
    assert third["commands"] == [line] == [one["line"] for one in content["commands"]]


def test_what_is_missing_is_a_command_that_runs(claims, here, place):
    told = claims("--claims", "mine.toml", "--missing").stdout.splitlines()
    assert told[0] == "# replay-of-four" and len(told) == 2
    done = here(*shlex.split(told[1])[1:], "--dry-run", cwd=place)
    assert done.returncode == 0 and "split_digits_class  er(memory=4)  seeds 0" in done.stdout
    none = claims("--claims", "mine.toml", "--missing", "--id", "*-helps")
    assert none.stdout == "# no run would make more of them testable\n"


def test_a_filter_changes_no_word(claims):
    whole = {
        (one["id"], cell["place"]): cell
        for one in json.loads(claims("--format", "json").stdout)["claims"]
        for cell in one["cells"]
    }
    part = json.loads(claims("--format", "json", "-b", "split_mnist_class", "--id", "er-beats-agem").stdout)
    (one,) = part["claims"]
    assert [cell["place"] for cell in one["cells"]] == ["quick/split_mnist_class"]
    assert all(cell == whole[one["id"], cell["place"]] for cell in one["cells"])


def test_a_benchmark_has_a_page(claims):
    done = claims("-b", "split_mnist_class", "--format", "markdown")
    lines = {line.split(" | ")[0]: line.split(" | ") for line in done.stdout.splitlines()}
    assert lines["| replay-beats-regularisers-class"][2] == "not testable"
    assert lines["| retraining-forgets"][2] == "contradicted (reversed)"
    assert "no-drift-no-replay" not in done.stdout and "claims:" not in done.stdout


def test_a_profile_takes_the_place_of_quick_and_full(claims, place):
    (place / "mine.toml").write_text(MINE.replace("smoke/", ""))
    assert "no record: er, naive on quick/split_digits_class" in claims("--claims", "mine.toml").stdout
    assert "holds on 1 of 1" in claims("--claims", "mine.toml", "--profile", "smoke").stdout
    shutil.rmtree(place / "results" / "quick")
    assert "these records ask for --profile smoke" in claims("--claims", "mine.toml").stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--id", "er-beats-agen"], 'no claim has the id "er-beats-agen": did you mean "er-beats-agem"?'),
        (["-b", "nowhere"], "no claim is tried on nowhere"),
        (["--claims", "nowhere.toml"], "nowhere.toml: there is no such file"),
        (["--claims", "results"], "results is a folder, not a file"),
        (["--results", "empty"], "no records in empty; make some with: clbench run --all"),
    ],
)
def test_a_mistake_is_one_line(options, said, claims):
    done = claims(*options)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr == f"clbench: {said}\n"


def test_without_records_all_is_missing(here, tmp_path):
    done = here("claims", "--missing", cwd=tmp_path)
    assert done.returncode == 0 and "clbench run -b split_mnist_class -s naive -s joint" in done.stdout


def parts(*which):
    return "[[claim]]".join(["", *(MINE.split("[[claim]]")[place] for place in which)])


@pytest.mark.parametrize(
    ("which", "code", "last"),
    [
        ([1], 0, "1 claim: 1 holds"),
        ([1, 2], 1, "2 claims: 1 contradicted, 1 holds"),
        ([1, 3], 3, "2 claims: 1 not testable, 1 holds"),
        ([2, 3], 1, "2 claims: 1 contradicted, 1 not testable"),
    ],
)
def test_the_gate(which, code, last, check):
    done = check(parts(*which))
    assert done.returncode == code and done.stdout.splitlines()[-1] == last
    assert len(done.stdout.splitlines()) == len(which) + 1


def test_the_gate_does_not_pass_what_it_could_not_look_at(check):
    """A benchmark without records, and a glob that no record matches."""
    on = 'on   = ["smoke/split_digits_class", "smoke/split_digits_task", "smoke/drift*"]'
    done = check(parts(1).replace('on   = ["smoke/split_digits_class"]', on))
    assert done.returncode == 3 and "holds on 1 of 1" in done.stdout
    assert "nothing is told on smoke/split_digits_task, smoke/drift*" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("er > naive", "err > naive", 'unknown strategy "err"'),
        ("er > naive", "er(memroy=100) > naive", 'er has no argument "memroy": did you mean "memory"?'),
        ("er > naive", "accuracy: er > naive", 'unknown metric "accuracy"'),
        ('class"]', 'class", "smoke/split_digts_task"]', 'unknown benchmark "split_digts_task"'),
        ('class"]', 'class", "smok/split_digits_task"]', 'unknown profile "smok": did you mean "smoke"?'),
    ],
)
def test_a_claim_on_what_there_is_not_is_a_mistake(old, new, said, check):
    """It would never be tested, and a gate that lets the undecided pass would pass it for ever."""
    done = check(parts(1).replace(old, new))
    assert (done.returncode, done.stdout) == (2, "") and 'mine.toml: claim "replay-helps": ' in done.stderr
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_the_gate_s_options_are_its_own(check):
    for other in (("--margin", "5"), ("--workers", "3"), ("--baselines", "elsewhere")):
        done = check(parts(1), *other)
        assert done.returncode == 2 and "--claims goes with" in done.stderr


def test_a_mixed_claim_fails_and_an_undecided_one_asks_for_seeds(check):
    both = parts(1).replace("er > naive by 5", "old_kept: {er, naive} > 50")
    assert check(both).returncode == 1
    unclear = check(parts(1).replace("er > naive by 5", "acc: er > 70.05"))
    assert unclear.returncode == 3 and "undecided" in unclear.stdout and "seeds would tell" in unclear.stdout


def test_the_gate_tells_github_the_line(check, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = check(MINE, "--format", "github")
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith(
        "::error file=mine.toml,line=9,title=clbench check::replay-helps-much: contradicted"
    )
    assert second.startswith(
        "::warning file=mine.toml,line=15,title=clbench check::replay-of-four: not testable"
    )
    assert (
        "| replay-helps-much | Replay helps by 60 points. | contradicted on 1 of 1 |"
        in (tmp_path / "summary.md").read_text()
    )


def test_the_gate_knows_the_values_tuned_beside_results_that_it_takes_by_default(here, place):
    (place / "results").rename(place / "my_results")
    (place / "my_results" / "tuned.toml").write_text("no TOML")
    for options in ((), ("--results", "my_results")):
        done = here("check", "--claims", "mine.toml", *options, cwd=place)
        assert done.returncode == 2 and "tuned.toml: no TOML" in done.stderr


def test_the_gate_refuses_what_it_cannot_use(check):
    for option in (["-s", "er"], ["--junit", "x.xml"], ["--against", "HEAD"]):
        done = check(MINE, *option)
        assert done.returncode == 2 and "--claims goes with --profile, --results and --format" in done.stderr
    done = check(MINE.replace("er > naive by 60", "er >"))
    assert done.returncode == 2 and 'mine.toml: claim "replay-helps-much": test "er >"' in done.stderr


def test_the_page_of_results_has_the_claims_that_it_tests(rows, tmp_path):
    made = {"quick": rows("split_mnist_class", "quick"), "smoke": rows("blobs_class", "smoke")}
    for record in [*made["quick"], *made["smoke"]]:
        records.write(record, tmp_path)
    judged = {profile: {own[0].benchmark: entries(own)} for profile, own in made.items()}
    profiles = board(judged, tmp_path, tmp_path).content["profiles"]
    whole, page = profiles["quick"]["sections"]
    assert profiles["smoke"]["sections"] == []
    assert (whole["benchmark"], page["benchmark"]) == (None, 0)
    assert all(len(row) == len(one["columns"]) for one in (whole, page) for row in one["rows"])
    line, cell = (next(row for row in one["rows"] if row[0] == "retraining-forgets") for one in (whole, page))
    assert line[2] == "contradicted on 1 of 1" and cell[2] == "contradicted (reversed)"
    assert {row[2] for row in page["rows"]} <= {
        "holds",
        "contradicted",
        "contradicted (reversed)",
        "undecided",
    }
    assert len([row for row in whole["rows"] if row[2] == "not testable"]) > 40
