"""`clbench check --against`: the command, with a planted tree in the place of a commit's."""

import shutil
import xml.etree.ElementTree as ET
from contextlib import contextmanager

import pytest
from planting import STRATEGIES, Change, plant

from clbench.cli.against import pairs_to_compare
from clbench.execution import commits, compare
from clbench.execution.commits import PACKAGE
from clbench.execution.compare import HowToRun, Side, measure
from clbench.execution.trees import Place

COMMIT = "c" * 40
RESET = [("clbench/engine/run.py", 'if self.budget.optimiser_state == "reset":', "if True:")]
HALF = [(STRATEGIES + "er.py", "shuffled(self.stored, ", "shuffled(self.stored[:, ::2], ")]


@pytest.fixture
def against(python, here, tmp_path, monkeypatch):
    """against(edits, *options): the finished `clbench check --against`, where the commit's tree is this one
    with these edits."""

    def run(edits, *options, missing=(), env=None):
        tree = plant([Change("", "", "", edits)], tmp_path)
        for file in missing:
            (tree / file).unlink()

        @contextmanager
        def planted(commit):
            yield Place(tree, None)

        monkeypatch.setattr(commits, "resolve", lambda revision: COMMIT)
        monkeypatch.setattr(compare, "tree_of", planted)
        options = ("--against", "main", "--workers", "0", *options)
        return here("check", *options, cwd=tmp_path, env=env)

    return run


def test_the_same_code_is_identical(against, tmp_path):
    summary = tmp_path / "summary.md"
    done = against(
        *([], "-b", "blobs_class", "-s", "naive", "-s", "er(memory=100)", "--seeds", "2"),
        *("--format", "github", "--junit", "junit.xml"),
        env={"GITHUB_STEP_SUMMARY": str(summary)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "compared 2 of 2 pairs: 2 identical"
    assert summary.read_text().splitlines()[-1] == "compared 2 of 2 pairs: 2 identical"
    assert len(ET.parse(tmp_path / "junit.xml").getroot()) == 2
    assert "by the code of cccccccccccc and by the code here" in done.stderr


def test_what_is_not_bit_equal_has_to_be_shown_to_be_harmless(against):
    pair = ("-b", "blobs_class", "-s", "er(memory=100)", "--seeds", "3")
    done = against(HALF, *pair)
    assert done.returncode == 1 and done.stdout.startswith(("undecided", "regressed", "improved"))
    assert against(HALF, *pair, "--margin", "90").returncode == 0


def test_undecided_pairs_get_more_seeds_while_there_is_time(against):
    pair = ("-b", "blobs_class", "-s", "naive", "--seeds", "2")
    few = against(RESET, *pair, "--until-decided", "0.1s")
    assert few.returncode == 1 and few.stdout.startswith("undecided") and "now 2" in few.stdout
    more = against(RESET, *pair, "--until-decided", "2h")
    assert "more seeds on each side: runs 2, pairs 1" in more.stderr
    assert more.returncode == 1 and more.stdout.startswith("improved"), more.stdout


def test_a_strategy_that_the_commit_lacks_is_new(against):
    options = ("-b", "blobs_class", "-s", "naive", "-s", "ema", "--seeds", "2")
    done = against([], *options, missing=[f"{STRATEGIES}optimisation/ema.py"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:2]] == ["new", "identical"]


def test_code_that_cannot_run_is_said(against):
    broken = [("clbench/cli/run.py", '"""`clbench run`', "def broken(\n")]
    done = against(broken, "-b", "blobs_class", "-s", "naive", "--seeds", "2")
    assert done.returncode == 2 and "SyntaxError" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options, said",
    [
        (("--seeds", "3"), "--seeds and --until-decided go with --against"),
        (("--until-decided", "3m"), "--seeds and --until-decided go with --against"),
        (("--against", "main", "--results", "results"), "give --against or --results, not both"),
        (("--against", "no-such-branch"), 'no-such-branch": this repository has no such commit'),
        (("--against", "main", "--until-decided", "soon"), "--until-decided soon: write seconds"),
        (("--margin", "-1"), "a number of points from 0 to 100"),
        (("--junit", "."), "is a folder: give the name of a file"),
    ],
)
def test_a_mistake_is_one_line(here, options, said):
    done = here("check", "-b", "blobs_class", "-s", "naive", *options)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_what_a_commit_has_measured_is_kept(python, tmp_path):
    def measured(commit):
        side = Side(Place(PACKAGE.parent, commit))
        measure(side, HowToRun("smoke", "cpu", 0), {("blobs_class", "naive"): (0, 1)})
        (record,) = side.records.values()
        return record.groups[0].costs["train_s"]

    first = measured(COMMIT)
    assert measured(COMMIT) == first
    assert measured(None) != first
    (kept,) = compare.folders()[-1].glob("compared/*")
    shutil.rmtree(kept)


def test_what_could_not_run_takes_the_seeds_of_naive_or_none():
    committed = {
        ("blobs_class", "naive"): {"seeds": [0, 1]},
        ("blobs_class", "packnet"): {"seeds": []},
        ("gone_class", "naive"): {"seeds": []},
    }
    found = pairs_to_compare("smoke", None, None, None, committed)
    assert found == {
        ("blobs_class", "naive"): (0, 1),
        ("blobs_class", "packnet"): tuple(range(10)),
    }
