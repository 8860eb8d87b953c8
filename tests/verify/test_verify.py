"""`clbench verify` from the command line, in a git repository with records of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from clbench.execution.commits import PACKAGE
from clbench.results import records

GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test",
}
STRATEGIES = ("er", "ewc")
ER = "clbench/strategies/replay/er.py"
SAME = ("replay = run.shuffled", "rows = replay = run.shuffled")
OTHER = ("Memory(run, self.memory,", "Memory(run, self.memory // 2,")


class Repository:
    """A repository with a copy of the package; its records lie in my_results/."""

    def __init__(self, folder: Path, python: str, cache: Path):
        self.folder, self.python = folder, python
        self.environment = {
            **os.environ,
            **GIT,
            "PYTHONPATH": str(folder),
            "COLUMNS": "200",
            "XDG_CACHE_HOME": str(cache),
        }

    def clbench(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.python, "-P", "-m", "clbench", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", ".")
        self.git("commit", "-qm", "a state")
        return self.git("rev-parse", "HEAD")

    def run(self, *more: str) -> subprocess.CompletedProcess:
        chosen = [argument for strategy in STRATEGIES for argument in ("-s", strategy)]
        return self.clbench(
            "run",
            "-b",
            "blobs_class",
            *chosen,
            "--profile",
            "smoke",
            "--seeds",
            "2",
            "--workers",
            "0",
            "--device",
            "cpu",
            *more,
        )

    def stale(self) -> list[str]:
        """The strategies that `clbench run` would run."""
        done = self.run("--dry-run")
        assert done.returncode == 0, done.stderr
        return [strategy for strategy in STRATEGIES if f"blobs_class  {strategy} " in done.stdout]

    def verify(self, *more: str) -> tuple[int, list[str]]:
        """(exit status, lines)"""
        done = self.clbench("verify", "--profile", "smoke", "--workers", "1", *more)
        assert "Traceback" not in done.stderr
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def edit(self, file: str, text: str, other: str) -> None:
        path = self.folder / file
        assert text in path.read_text()
        path.write_text(path.read_text().replace(text, other))

    def record(self, strategy: str) -> Path:
        return records.path_of(self.folder / "my_results", "smoke", "blobs_class", strategy)

    @property
    def notes_file(self) -> Path:
        return self.folder / "my_results" / "smoke" / "verification.json"

    def notes(self) -> dict:
        return json.loads(self.notes_file.read_text())["verified"]["blobs_class"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where all tests keep the traces of commits."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def first_commit(tmp_path_factory, executable, cache):
    """A repository of one commit with its records."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(PACKAGE, folder / "clbench")
    (folder / ".gitignore").write_text("__pycache__/\n/my_results/\n")
    repository = Repository(folder, executable, cache)
    repository.git("init", "-q")
    repository.commit()
    assert repository.run().returncode == 0
    return repository


@pytest.fixture
def repository(first_commit, tmp_path, executable, cache):
    """A copy of it."""
    folder = tmp_path / "repository"
    shutil.copytree(first_commit.folder, folder)
    return Repository(folder, executable, cache)


def test_a_record_survives_an_edit_that_computes_the_same(repository):
    assert repository.verify() == (0, ["2 records: 2 current"]) and not repository.notes_file.exists()
    before = repository.record("er").read_bytes()
    repository.edit(ER, *SAME)
    assert repository.stale() == ["er"]
    assert repository.verify() == (0, ["2 records: 1 current, 1 verified"])
    assert repository.stale() == [] and repository.record("er").read_bytes() == before
    record, head = json.loads(before), repository.git("rev-parse", "--short=12", "HEAD")
    note = repository.notes()["er"]
    assert note["record"] == record["sha256"] and note["source"] != record["source"]
    assert note["against"] == note["commit"] == head and note["dirty"] is True
    assert note["date"].startswith("20") and "torch" in note["platform"]
    assert (
        "2 runs of 1 pairs"
        in repository.clbench(
            "run",
            "-b",
            "blobs_class",
            "-s",
            "er",
            "--profile",
            "smoke",
            "--seeds",
            "2",
            "--fresh",
            "--dry-run",
        ).stdout
    )
    # Seeds that are added are all that runs, and leave it current.
    done = repository.run("--seeds", "3")
    assert done.returncode == 0 and "2 runs of 2 pairs" in done.stdout and repository.stale() == []
    assert json.loads(repository.record("er").read_text())["seeds"] == [0, 1, 2]


def test_an_edit_is_told_in_words_and_against_the_commit_that_made_the_record(repository):
    repository.edit(ER, *OTHER)
    other = repository.commit()
    code, lines = repository.verify("--against", other)
    assert code == 1 and lines == [
        f"stale     blobs_class  er  {other[:12]} does not hold the code that made it",
        "2 records: 1 current, 1 stale",
    ]
    code, (line, counts) = repository.verify()
    assert code == 1 and counts == "2 records: 1 current, 1 differs"
    assert line.startswith("differs   blobs_class  er  end of task 3: memory: ") and "[2, 360, 2]" in line
    assert repository.stale() == ["er"] and not repository.notes_file.exists()


def test_a_second_edit_is_verified_against_the_commit_of_the_first(repository):
    repository.edit(ER, *SAME)
    assert repository.verify()[0] == 0
    second = repository.commit()
    # And a third one, neither of them committed.
    for text, other in (("rows = replay", "number = replay"), ("number = replay", "count = replay")):
        repository.edit(ER, text, other)
        assert repository.stale() == ["er"]
        assert repository.verify() == (0, ["2 records: 1 current, 1 verified"])
        assert repository.notes()["er"]["against"] == second[:12]


def test_the_notes_of_other_records_stay(repository):
    repository.edit(
        "clbench/strategies/parts/memory.py", "chosen = self.run.subset", "own = chosen = self.run.subset"
    )
    file = "clbench/strategies/regularisation/ewc.py"
    repository.edit(file, "fisher = fisher_of", "own = fisher = fisher_of")
    assert repository.verify("-s", "ewc")[0] == 0
    note = repository.notes()["ewc"]
    assert repository.verify("-s", "er")[0] == 0
    assert repository.notes()["ewc"] == note and "er" in repository.notes() and repository.stale() == []


def test_a_revision_that_does_not_exist_is_one_line(repository):
    assert repository.verify("--against", "nowhere") == (
        2,
        ['clbench: --against "nowhere": this repository has no such commit'],
    )


def test_a_record_of_code_that_was_not_committed_stays_stale(repository):
    repository.edit(ER, *OTHER)
    assert repository.run().returncode == 0
    repository.git("checkout", "-q", ".")
    code, lines = repository.verify()
    assert code == 1 and lines[0] == "stale     blobs_class  er  made from changes that were not committed"


def test_outside_git_every_edit_makes_stale(repository):
    shutil.rmtree(repository.folder / ".git")
    repository.edit(ER, *SAME)
    code, lines = repository.verify()
    assert code == 1 and lines[0] == "stale     blobs_class  er  this source code is in no git repository"


def test_a_commit_without_a_tracer_is_compared_by_seed_0(repository):
    (repository.folder / "clbench/execution/trace.py").unlink()
    repository.edit("clbench/cli/verify.py", "@app.command(hidden=True)\n", "")
    repository.commit()
    assert repository.run("--fresh").returncode == 0
    repository.git("checkout", "-q", "HEAD~1", "--", ".")
    repository.edit(ER, *SAME)
    assert repository.verify("--against", "HEAD") == (0, ["2 records: 1 current, 1 verified"])
    repository.edit(ER, *OTHER)
    code, lines = repository.verify("--against", "HEAD")
    assert code == 1 and "differs   blobs_class  er  seed 0: accuracies: " in lines[0]


def test_traces_of_other_formats_are_compared_by_seed_0(repository):
    repository.edit("clbench/execution/trace.py", "FORMAT = 1 ", "FORMAT = 2 ")
    repository.commit()
    repository.edit("clbench/execution/trace.py", "FORMAT = 2 ", "FORMAT = 1 ")
    repository.edit(ER, *SAME)
    assert repository.verify() == (0, ["2 records: 1 current, 1 verified"])
    repository.edit(ER, *OTHER)
    assert "differs   blobs_class  er  seed 0: accuracies: " in repository.verify()[1][0]


def test_a_file_of_ones_own_belongs_to_the_source(repository):
    own = repository.folder / "own.py"
    own.write_text(
        "from clbench import Part\n\n\n"
        "class Own(Part):\n    def gradient(self, g, batch):\n        return 2 * g\n"
    )
    names = ("-b", "blobs_class", "-s", "own.py:Own")
    assert (
        repository.clbench("run", *names, "--profile", "smoke", "--seeds", "1", "--workers", "0").returncode
        == 0
    )
    repository.edit("clbench/core/part.py", "        return plan", "        same = plan\n        return same")
    assert repository.verify(*names) == (0, ["1 records: 1 verified"])
    repository.git("checkout", "-q", ".")
    own.write_text(own.read_text().replace("2 * g", "3 * g"))
    code, lines = repository.verify(*names)
    assert code == 1 and lines[0].startswith(
        "differs   blobs_class  own.py:Own  task 1, step 1 of 12: gradient after part 1"
    )


def test_other_settings_are_named(repository):
    repository.edit(
        "clbench/strategies/regularisation/ewc.py", "lam: NotNegative = 1000.0", "lam: NotNegative = 999.0"
    )
    code, lines = repository.verify()
    assert (
        code == 1
        and lines[0]
        == "stale     blobs_class  ewc  its settings have changed: strategy.ewc.lam 1000.0 -> 999.0"
    )


def test_an_argument_that_has_come_since_changes_nothing_unless_the_numbers_do(repository):
    file, lam = "clbench/strategies/regularisation/ewc.py", "    lam: NotNegative = 1000.0"
    repository.edit(file, lam, f"    scale: NotNegative = 1.0\n{lam}")
    assert repository.verify("-s", "ewc") == (0, ["1 records: 1 verified"])
    # A value that is tuned for it is another setting.
    tuned = repository.folder / "clbench/benchmarks/tuned/blobs.toml"
    tuned.write_text("[class.smoke.ewc]\nscale = 2.0\nevidence = 'none'\n")
    code, lines = repository.verify("-s", "ewc")
    said = "stale     blobs_class  ewc  its settings have changed: strategy.ewc.scale absent -> 2.0"
    assert code == 1 and lines[0] == said
    tuned.unlink()
    repository.edit(file, "self.fisher += fisher", "self.fisher += fisher * (self.scale + 1)")
    code, lines = repository.verify("-s", "ewc")
    assert code == 1 and lines[0].startswith("differs   blobs_class  ewc  task 2, step 1")


def test_a_broken_file_of_notes_is_named_and_the_records_are_shown(repository):
    repository.notes_file.write_text("{")
    shown = repository.clbench("show", "--profile", "smoke")
    assert shown.returncode == 0 and "er" in shown.stdout and "ewc" in shown.stdout
    (warning,) = shown.stderr.splitlines()
    assert warning.startswith("warning: my_results/smoke/verification.json: no verification of clbench")
    repository.edit(ER, *SAME)
    code, lines = repository.verify()
    assert code == 2 and lines[-1].startswith(
        "clbench: my_results/smoke/verification.json: no verification of clbench"
    )
    assert repository.notes_file.read_text() == "{"


def test_the_traces_of_a_commit_are_kept(repository, tmp_path):
    repository.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    repository.edit(ER, *SAME)
    assert repository.verify()[0] == 0
    (kept,) = (tmp_path / "cache/clbench/traces" / repository.git("rev-parse", "HEAD")).iterdir()
    trace = json.loads(kept.read_text())
    trace["notes"][0][2] = ["something else"]
    kept.write_text(json.dumps(trace))
    code, lines = repository.verify()
    assert lines == ["2 records: 2 current"]
    repository.edit(ER, "rows = replay", "number = replay")
    code, lines = repository.verify()
    assert (
        code == 1 and 'differs   blobs_class  er  start: initial weights: something else" is now' in lines[0]
    )
