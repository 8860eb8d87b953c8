"""`clbench history`: one pair over the commits of a made-up repository."""

import contextlib
import json

import pytest
from matplotlib.figure import Figure
from repositories import Repository

from clbench.report import over_commits
from clbench.results import records


@pytest.fixture(autouse=True)
def known(fabricated):
    with fabricated.known():
        yield


@pytest.fixture
def er(fabricated):
    def make(end, strategy="er", **more):
        ends = ((end, 0.9), (end + 0.01, 0.91), (end - 0.01, 0.89))
        return fabricated.make(strategy, fabricated.two_tasks(*ends), **more)

    return make


@pytest.fixture
def repository(tmp_path, er):
    """Three commits that change er, one that does not, one whose er is broken, and one without it."""
    made = Repository(tmp_path)
    made.names = [
        made.commit(er(0.5), er(0.6, "gem"), title="First results"),
        made.commit(er(0.7), title="Better \x1b[31m | " + "x" * 60),
        made.commit(er(0.3, "gem"), title="Another row"),
        made.commit(er(0.6), title="Worse"),
    ]
    records.path_of(made.results, "smoke", "toy_class", "er").write_text("{")
    made.names.append(made.commit(title="Broken"))
    return made


@pytest.fixture
def history(here, repository):
    def run(*options):
        return here(
            "history", "-b", "toy_class", "-s", "er", "--results", "results", *options, cwd=repository.here
        )

    return run


def test_a_pair_over_the_commits_that_changed_it(history, repository):
    done = history()
    head, *lines = done.stdout.splitlines()
    assert done.returncode == 0 and head == "ACC of er on toy_class, smoke, in results"
    assert [line.split()[0] for line in lines] == [repository.names[i] for i in (0, 1, 3)]
    assert "First results" in lines[0] and lines[0].endswith("70.0 ± 2.5 (n 3)")
    assert "80.0 ± 2.5 (n 3)  improved   difference 10.0 [10.0, 10.0] (paired, 3 seeds)" in lines[1]
    assert "Better \\x1b[31m | x" in lines[1] and "x…" in lines[1]
    assert "75.0 ± 2.5 (n 3)  regressed  difference -5.0" in lines[2]
    assert f"warning: {repository.names[4]}:sub/results/smoke/toy_class/er.json: not readable" in done.stderr


def test_the_working_tree_stands_last_where_it_differs(history, repository, er):
    repository.write(er(0.6))
    assert "as it is now" not in history().stdout
    repository.write(er(0.6, costs={"steps": 300}))
    last = history().stdout.splitlines()[-1]
    assert last.startswith("here") and "as it is now" in last and "cost changed  steps 200 -> 300" in last


def test_a_removed_record_has_a_history_and_returns(history, repository, er):
    repository.git("rm", "-q", "sub/results/smoke/toy_class/er.json")
    repository.commit(title="Gone")
    assert len(history().stdout.splitlines()) == 4
    repository.commit(er(0.6), title="Back")
    last = history().stdout.splitlines()[-1]
    assert "Back" in last and "identical  bit-equal" in last


def test_another_metric_and_json(history, repository):
    assert "forgetting of er" in history("--metric", "forgetting").stdout
    found = json.loads(history("--format", "json").stdout)
    assert [point["value"]["n"] for point in found["points"]] == [3, 3, 3]
    assert [point["since"] and point["since"]["status"] for point in found["points"]] == [
        None,
        "improved",
        "regressed",
    ]
    assert found["points"][0]["commit"]["title"] == "First results"


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_figure_is_the_same_twice(ending, history, repository):
    assert history("--figure", f"a.{ending}").stdout.endswith(f"a.{ending}\n")
    history("--figure", f"b.{ending}")
    a, b = ((repository.here / f"{name}.{ending}").read_bytes() for name in "ab")
    assert a == b and a.startswith(b"<svg" if ending == "svg" else b"\x89PNG")
    assert ending == "png" or (b">improved<" in a and repository.names[0].encode() in a)


def test_a_figure_that_breaks_off_leaves_the_one_before(er, tmp_path, monkeypatch):
    def full(self, file, **options):
        with contextlib.nullcontext(file) if hasattr(file, "write") else open(file, "wb") as opened:
            opened.write(b"half")
        raise OSError(28, "No space left on device")

    place, path = ("smoke", "toy_class", "er"), tmp_path / "a.png"
    points = over_commits.points_of(place, [(None, [er(0.5)])], "acc", 2.0)
    path.write_bytes(b"whole")
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError):
        over_commits.draw(points, place, "acc", path)
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-s", "*"), "a history is of one pair, and 2 match: smoke toy_class gem, smoke toy_class new"),
        (("-s", "no"), "toy_class no: neither results nor a commit of it has such a record"),
        (("-s", "new"), "toy_class new: no commit holds its record in results; commit it first"),
        (("--profile", "full"), "toy_class er: neither results nor a commit of it has such a record"),
        (("--figure", "a.pdf"), "a.pdf: a figure's name ends with .svg or .png"),
        (("--figure", "/proc/1/a.svg"), "cannot write there"),
        (("--metric", "x"), 'unknown metric "x"'),
        (("--margin", "-1"), "--margin -1.0: a number of points"),
        (("--results", "/"), "/ is in no git repository"),
    ],
)
def test_what_is_wrong_is_one_line(options, said, history, repository, er):
    records.path_of(repository.results, "smoke", "toy_class", "er").unlink()
    repository.write(er(0.5, "new"))
    done = history(*options)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not done.stdout


def test_a_repository_without_a_commit_says_so(tmp_path, here, er):
    repository = Repository(tmp_path)
    repository.write(er(0.5))
    done = here("history", "-b", "toy_class", "-s", "er", "--results", "results", cwd=repository.here)
    assert done.returncode == 2 and "no commit holds its record in results" in done.stderr
