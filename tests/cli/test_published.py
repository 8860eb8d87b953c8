"""`clbench published`, on made-up records."""

import csv
import io
import json
import shlex
from fnmatch import fnmatchcase

import pytest

from clbench.published.compare import compare
from clbench.published.figures import _entries, figures, row_of
from clbench.published.report import sections
from clbench.report.values import entries
from clbench.results import records

NAIVE = "hsu2018-smnist-class-adam"
LOW = "hsu2018-smnist-class-rehearsal1100"
NOISE = (-0.001, -0.0005, 0.0, 0.0005, 0.001)
SHOWN = ("--format", "json")


@pytest.fixture(autouse=True)
def known(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def row(fabricated):
    """row(strategy, acc, old=…): a record of hsu2018 with five seeds of this ACC."""

    def make(strategy, acc, benchmark="split_mnist_class", profile="hsu2018", seeds=5, **more):
        ends = [acc + d for d in NOISE[:seeds]]
        old = more.pop("old", None)
        rows = [(end, end) if old is None else (old, 2 * end - old) for end in ends]
        return fabricated.make(
            strategy, fabricated.two_tasks(*rows), benchmark=benchmark, profile=profile, **more
        )

    return make


@pytest.fixture
def published(here, tmp_path):
    def run(made, *options, format_=SHOWN):
        (tmp_path / "results").mkdir(exist_ok=True)
        for record in made:
            records.write(record, tmp_path / "results")
        done = here("published", "--results", "results", *options, *format_)
        assert done.returncode == 0, done.stderr
        return (
            {one["id"]: one for one in json.loads(done.stdout)["figures"]}
            if format_ == SHOWN
            else done.stdout
        )

    return run


def test_every_figure_has_a_word_without_any_record(published):
    found = published([])
    assert len(found) == len(figures()) == len({figure.id for figure in figures()}) == 366
    assert {one["verdict"] for one in found.values()} == {"no record", "unconfirmed", "incomplete"}
    assert all(
        one["reason"].startswith("missing: ") for one in found.values() if one["verdict"] == "incomplete"
    )


def test_a_figure_is_judged(published, row):
    found = published([row("naive", 0.1975), row("er", 0.8), row("ewc", 0.2, seeds=4)])
    one = found[NAIVE]
    assert (one["verdict"], one["n"], one["value"]) == ("reproduced", 5, 0.1971)
    assert one["ours"] == pytest.approx(0.1975) and one["difference"] == pytest.approx(0.0004)
    assert one["protocol"] == "hsu2018_split_mnist" and one["spread"] == 0.0008 and one["seeds"] == 10
    low = found[LOW]
    assert (low["verdict"], low["reason"]) == ("not reproduced", "too low")
    few = found["hsu2018-smnist-class-ewc"]
    assert (few["verdict"], few["reason"], few["n"], few["h"]) == ("too few seeds", "5 are needed", 4, None)


def test_a_row_of_one_protocol_serves_another(published, row):
    found = published([row("naive", 0.199, profile="vdv2019")])
    assert found["vdv2018-smnist-class-none"]["verdict"] == "reproduced"
    assert found["vdv2019-smnist-class-none"]["verdict"] == "reproduced"


def test_a_variant_is_found_by_its_spec(published, row):
    made = [row("naive", 0.1946, benchmark="split_mnist_class(optimiser='sgd', lr=0.01)")]
    assert published(made)["hsu2018-smnist-class-sgd"]["verdict"] == "reproduced"


def test_stale_and_failed_rows_are_never_judged(published, row, fabricated):
    failed = fabricated.make(
        "er",
        benchmark="split_mnist_class",
        profile="hsu2018",
        status="failed",
        error={"reason": "no room"},
    )
    found = published([row("naive", 0.1971, stale=True), failed])
    assert (found[NAIVE]["verdict"], found[NAIVE]["ours"]) == ("stale", None)
    er = found["hsu2018-smnist-class-rehearsal1100"]
    assert (er["verdict"], er["reason"]) == ("failed", "no room")


def test_what_is_from_memory_is_shown_beside_ours(published, row):
    found = published([row("er", 0.5, profile="vdv2022")])["vdv2022-smnist-class-er"]
    assert (found["verdict"], found["difference"], found["h"]) == ("unconfirmed", None, None)
    assert found["ours"] == pytest.approx(0.5)


def test_backward_transfer_and_accuracy_over_all_images(row):
    gpm = row("gpm", 0.9391, benchmark="permuted_mnist_domain", profile="gpm2021", old=0.77)
    joint = row("joint", 0.975, old=0.96)
    for group in joint.groups:
        group.slice_sizes = [100, 300]
    judged = {record.profile: {record.benchmark: entries([record])} for record in (gpm, joint)}
    found = {one.figure.id: one for one in compare(judged)}
    assert found["gpm2021-permuted_mnist_domain-gpm"].verdict == "reproduced"
    transfer = found["gpm2021-permuted_mnist_domain-gpm-bwt"]
    assert transfer.verdict == "reproduced" and transfer.ours == pytest.approx(-0.03)
    assert found["hsu2018-smnist-class-offline"].ours == pytest.approx(0.25 * 0.96 + 0.75 * 0.99)


def test_tables(published, row):
    made = [row("naive", 0.1975)]
    text = published(made, "--id", "hsu2018-smnist-class-*", format_=())
    assert (
        text.index(NAIVE) < text.index("hsu2018-smnist-class-sgd") and "hsu2018-smnist-task-adam" not in text
    )
    assert "hsu2018_split_mnist: 1 judged of 7: 1 reproduced, 6 no record" in text
    lines = list(csv.DictReader(io.StringIO(published(made, format_=("--format", "csv")))))
    assert len(lines) == 366 and lines[2]["id"] == NAIVE and lines[2]["verdict"] == "reproduced"
    assert list(lines[0]) == (
        "id protocol benchmark strategy metric value spread seeds ours n difference h verdict reason".split()
    )
    markdown = published(made, "--all", format_=("--format", "markdown")).splitlines()
    assert len(markdown) == 2 + 366 and markdown[0].startswith("| figure | published | ours |")
    assert "| gdumb-r18-200 |" in "\n".join(markdown)
    assert not any("gdumb-r18-200" in line for line in published(made, format_=()).splitlines())


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        ("200", f"{LOW}  90.78 ± 0.85  80.00  5  -10.78      0.64  not reproduced  too low"),
        ("100", f"{LOW}  90.78 ± 0.85  80.00  5  -10.78      0.64  not reproduced"),
        ("80", LOW),
    ],
)
def test_no_cell_is_cut(columns, first, row, here, tmp_path):
    records.write(row("er", 0.8), tmp_path / "results")
    done = here("published", "--results", "results", "--id", LOW, env={"COLUMNS": columns})
    lines = done.stdout.splitlines()
    assert lines[1] == first and "not reproduced" in lines[1] + lines[2] and "too low" in done.stdout


def test_what_cannot_be_decided_is_told_beforehand(published):
    text = published([], format_=())
    (line,) = (line for line in text.splitlines() if line.startswith("too wide a published spread"))
    assert "vdv2018-smnist-domain-none (3.5, no record)" in line and NAIVE not in line


def test_the_commands_of_missing_rows_run(published, here, monkeypatch):
    monkeypatch.setattr("clbench.cli.published._seconds", lambda profile, b, strategy, results: len(strategy))
    told = published([], "--missing", "--id", "*-smnist-class-*", format_=()).splitlines()
    comments, commands = told[::2], told[1::2]
    assert comments[0].startswith("# about 2 s on a core: hsu2018") and len(commands) == len(set(commands))
    assert any("vdv2018-smnist-class-none, vdv2019-smnist-class-none" in line for line in comments)
    assert "clbench run -b split_mnist_class -s 'er(memory=4400)' --profile hsu2018 --out results" in commands
    done = here(*shlex.split(commands[0])[1:], "--dry-run")
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr  # 1 where MNIST is not there


def test_a_judged_row_with_fewer_seeds_than_its_profile_is_missing_too(published, row, monkeypatch):
    monkeypatch.setattr("clbench.cli.published._seconds", lambda *_: 7.0)
    (told, _) = published([row("naive", 0.1975)], "--missing", "--id", NAIVE, format_=()).splitlines()
    assert told == f"# about 7 s on a core: {NAIVE} (reproduced, 5 seeds)"  # of ten
    monkeypatch.setattr("clbench.cli.published._seconds", lambda *_: 0.0)  # no seed is missing
    assert published([], "--missing", "--id", NAIVE, format_=()).strip() == "# nothing is missing"


def test_mistakes(here):
    done = here("published", "--id", "hsu2018-smnist-class-adm")
    assert done.returncode == 2 and 'did you mean "hsu2018-smnist-class-adam"' in done.stderr
    assert 'did you mean "hsu2018*"?' in here("published", "--id", "hsu2018").stderr
    assert here("published", "--profile", "hsu").returncode == 2
    done = here("published", "--profile", "quick")
    assert done.returncode == 2 and "none of these figures is run under quick" in done.stderr
    done = here("published", "--id", "hsu2018-*", "--profile", "gpm2021")
    assert "they are under hsu2018, vdv20" in done.stderr and "gpm2021, " not in done.stderr
    assert here("published", "--results", "nowhere").stderr == "clbench: there is no folder nowhere\n"
    assert here("published", "--format", "xml").returncode == 2
    done = here("run", "--profile", "hsu2018", "-b", "split_digits_class", "-s", "naive")
    assert done.returncode == 2 and "has no budget for the profile hsu2018" in done.stderr


def test_a_section_of_the_page(row):
    judged = {"hsu2018": {"split_mnist_class": entries([row("naive", 0.1975), row("er", 0.8)])}, "quick": {}}
    (told,) = sections(judged)["hsu2018"]
    assert told["title"] == "Published vs ours" and told["benchmark"] is None
    assert [line[0] for line in told["rows"]] == ["hsu2018-smnist-class-rehearsal1100", NAIVE]  # misses first
    assert "quick" not in sections(judged)


def test_the_report_has_it_in_markdown(published, row, here, tmp_path):
    published([row("naive", 0.1975)])
    here("report", "--results", "results", "--out", "reports")
    page = (tmp_path / "reports" / "hsu2018.md").read_text(encoding="utf-8")
    assert "## Published vs ours" in page
    assert f"| {NAIVE} | 19.71 ± 0.08 | 19.75 | 5 | +0.04 |" in page


def test_the_rows_match_figures_and_none_is_left_over():
    ids = [figure.id for figure in figures()]
    unused = [
        pattern
        for entry in _entries()
        for pattern in entry.figures
        if not any(fnmatchcase(name, pattern) for name in ids)
    ]
    assert unused == []
    assert sum(1 for figure in figures() if figure.confirmed and not row_of(figure).missing) > 70
