"""`clbench new` and `clbench test`: a file to start from, and whether it holds what it has to."""

import subprocess
import sys

import pytest

WHAT = ("strategy", "benchmark", "network")
CHEAP = "class or benchmark or network"  # a third of the strategy's: those of one scenario


@pytest.mark.parametrize("what", WHAT)
def test_a_new_file_passes_its_checks_and_runs_as_it_says(what, here):
    made = here("new", what, f"my_{what}")
    assert made.returncode == 0 and f"my_{what}.py\ntest_my_{what}.py\n" in made.stdout
    tested = here("test", f"my_{what}.py")
    assert tested.returncode == 0 and " checks, all hold" in tested.stdout, tested.stdout + tested.stderr
    (line,) = (line for line in made.stdout.splitlines() if line.startswith("try it: "))
    run = here(*line.split()[3:], "--seeds", 1, "--workers", 0)
    assert run.returncode == 0 and f"My{what.capitalize()}" in run.stdout, run.stdout + run.stderr


def test_the_tests_that_come_with_them_pass(here, tmp_path):
    for what in WHAT:
        here("new", what, f"my_{what}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHEAP, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout
    tidy = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "110", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert tidy.returncode == 0, tidy.stdout


def test_a_file_that_is_there_is_never_written_over(here, tmp_path):
    for mine in ("my_method.py", "test_my_method.py"):
        (tmp_path / mine).write_text("mine")
        refused = here("new", "strategy", "my_method")
        assert refused.returncode == 2 and f"{mine} is there already" in refused.stderr
        assert [path.name for path in tmp_path.iterdir()] == [mine]
        (tmp_path / mine).unlink()


@pytest.mark.parametrize("name", ["er", "class", "a b", "../er", "9lives", "test_mine", "split_digits_class"])
def test_a_name_that_cannot_be_one_is_refused(name, here, tmp_path):
    refused = here("new", "strategy", name)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_name_is_that_of_the_file_and_of_the_class(here, tmp_path):
    (tmp_path / "sub").mkdir()
    here("new", "strategy", "sub/MyBest.py")
    assert "class MyBest(Part)" in (tmp_path / "sub" / "my_best.py").read_text()


BROKEN = """
from dataclasses import dataclass
import torch
from clbench import Part

class _Helper(Part):
    pass

@dataclass
class Idle(Part):
    def gradient(self, g, batch):
        return g

@dataclass
class Raises(Part):
    def gradient(self, g, batch):
        raise KeyError("nothing")
"""


def test_what_does_not_hold_is_a_line_and_exit_1(here, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    tested = here("test", "broken.py:Idle")
    assert tested.returncode == 1 and "Raises" not in tested.stdout
    assert "FAILED  differs from plain training unless it has no hooks, class: " in tested.stdout
    assert "ok      twice the same bits and sensible, class" in tested.stdout
    tested = here("test", "broken.py:Raises")
    assert "KeyError: 'nothing' (broken.py:17)" in tested.stdout and "Traceback" not in tested.stdout


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.py", None, "there is no such file"),
        ("empty.py", "x = 1\n", "no class in it is derived from"),
        ("wrong.py", "x = (\n", "cannot be read: SyntaxError"),
        ("own.txt", "", "whose name ends in .py"),
        ("one.py:Two", "class One: pass\n", "has no class Two; it has One"),
    ],
)
def test_a_file_that_cannot_be_tested_is_a_line(name, text, said, here, tmp_path):
    if text is not None:
        (tmp_path / name.split(":")[0]).write_text(text)
    refused = here("test", name)
    assert refused.returncode == 2 and said in refused.stderr and refused.stderr.count("\n") == 1
