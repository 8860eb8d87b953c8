"""Paths and echoes: whatever is wrong with a path is one line, found out before anything runs; filters take
specs in any spelling."""

import os
import shlex

import pytest
from helpers import refused

from clbench.core import paths
from clbench.core.text import printable
from clbench.errors import InputError

RUN = ("run", "-b", "blobs_class", "--profile", "smoke", "--seeds", 1, "--workers", 0)
OWN = """
from clbench import Part


class Mine(Part):
    pass


class Other(Part):
    pass
"""


@pytest.fixture
def odd(tmp_path):
    """A folder with a file, a folder and a pipe in it."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "own.py").write_text(OWN)
    os.mkfifo(tmp_path / "pipe.csv")
    return tmp_path


TOO_LONG = "x" * 300


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "there is no such file"),
        ("folder.csv", "is a folder, not a file"),
        ("pipe.csv", "is a pipe, not a file"),
        ("/dev/zero", "is a device, not a file"),
        (TOO_LONG, "file name too long"),
        ("a\0b", "embedded null byte"),
        ("/proc/self/mem", "cannot be read: "),
        ("file/x", "there is no such file"),
    ],
)
def test_what_is_no_file_to_read_is_said(path, said, odd, monkeypatch):
    monkeypatch.chdir(odd)
    assert said in refused(paths.check_file, path)


def test_folders_to_read_and_to_write(odd, monkeypatch):
    monkeypatch.chdir(odd)
    assert "is a file, not a folder" in refused(paths.check_folder, "file")
    assert "there is no such folder" in refused(paths.check_folder, "nowhere")
    before = sorted(os.listdir(odd))
    paths.check_writable(odd / "new" / "newer")
    paths.check_writable_file(odd / "new.png")
    assert sorted(os.listdir(odd)) == before
    for path in ("/proc/1", "/proc/self/nowhere", "/sys/x", "file/x", TOO_LONG, "/dev/null/x"):
        assert "cannot write there" in refused(paths.check_writable, path) or path == TOO_LONG
    for path in ("folder.csv", "pipe.csv", "/dev/null"):
        assert "give the name of a file" in refused(paths.check_writable_file, odd / path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "-s", "naive", "--out", "/proc/1"), "cannot write there"),
        ((*RUN, "-s", "naive", "--out", "file"), "cannot write there"),
        ((*RUN, "-s", "naive", "--out", "/dev/null"), "cannot write there"),
        ((*RUN, "-s", "naive", "--out", TOO_LONG), "file name too long"),
        ((*RUN, "-s", "own.py:NoSuch"), "own.py has no class NoSuch; it has Mine, Other"),
        ((*RUN, "-s", "pipe.csv/own.py:Mine"), "there is no such file"),
        (("show", "--results", "file"), "file is a file, not a folder"),
        (("show", "--results", "pipe.csv"), "pipe.csv is a pipe, not a folder"),
        (("check", "--results", "/dev/null"), "/dev/null is a device, not a folder"),
        (("check", "--baselines", TOO_LONG), "file name too long"),
        (("report", "--results", TOO_LONG), "file name too long"),
        (("data", "inspect", "pipe.csv"), "pipe.csv is a pipe, not a file"),
        (("data", "inspect", "/dev/zero"), "/dev/zero is a device, not a file"),
        (("data", "inspect", TOO_LONG), "file name too long"),
        (("data", "inspect", "icons", "--test", "pipe.csv"), "pipe.csv"),
        (("data", "inspect", "icons", "--picture", "/proc/1/x.png"), "cannot write there"),
        (("data", "inspect", "icons", "--picture", "x.doc"), "its ending says no kind of image"),
        (("data", "inspect", "caf\udce9.csv"), r"caf\udce9.csv: no UTF-8"),
        (("show", "-s", "x" * 9000), "an argument of more than 8,192 characters"),
        ((*RUN, "-s", "a\nb\x1bc\u202e"), r'unknown strategy "a\nb\x1bc\u202e"'),
    ],
)
def test_a_wrong_path_or_an_odd_text_is_printable(arguments, said, odd, here):
    before = sorted(os.listdir(odd))
    if "--test" in arguments:  # a benchmark takes none: give the path as a table's
        arguments = ("data", "inspect", "own.py", *arguments[3:])
    done = here(*arguments, cwd=odd)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr and done.stderr.startswith("clbench: ")
    assert sorted(os.listdir(odd)) == before


def test_what_is_echoed_is_one_line_of_printable_characters():
    assert printable("a\nb\r\x1b[2J\x07\u2028\u202e\udce9é") == r"a\nb\r\x1b[2J\x07\u2028\u202e\udce9é"


def test_an_error_of_the_file_system_that_nobody_foresaw_is_printable(here, monkeypatch, tmp_path):
    from clbench.report import pages

    def fails(*_):
        raise PermissionError(13, "Permission denied", "reports/index.html")

    here(*RUN, "-s", "naive")
    monkeypatch.setattr(pages, "write_reports", fails)
    done = here("report")
    assert (done.returncode, done.stderr) == (2, "clbench: reports/index.html: Permission denied\n")


# ---- one pair, however it is written


def test_filters_take_specs_in_any_spelling(here, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    for spec in ("ewc(lam=10)", "ewc", "./own.py:Mine"):
        assert here(*RUN, "-s", spec).returncode == 0
    assert here("baseline", "accept", "-s", "ewc(samples=1024, lam=1e1)").returncode == 0

    def shown(*filters) -> list[str]:
        lines = here("show", "--csv", *filters).stdout.splitlines()
        return sorted(
            {name for name in ("ewc(lam=10.0)", "own.py:Mine", "ewc,") if any(name in one for one in lines)}
        )

    assert shown("-s", "ewc(lam=10)") == shown("-s", " ewc( lam = 1e1 )") == ["ewc(lam=10.0)"]
    assert (
        shown("-s", "ewc(lam=1000)")
        == shown("-b", "blobs_class(tasks=5)", "-s", "ewc(samples=1024)")
        == ["ewc,"]
    )
    for path in ("own.py", "./own.py", f"{tmp_path}/own.py"):
        assert shown("-s", f"{path}:Mine") == ["own.py:Mine"]
    assert shown("-s", "ewc*", "-b", "blobs_*") == ["ewc(lam=10.0)", "ewc,"]
    assert "none of the 3 records" in here("show", "-s", "ewc(lam=11)").stderr
    done = here("check", "--results", "my_results", "-s", "ewc(lam=10)")
    assert done.returncode == 0 and "compared 1 of 1 pairs" in done.stdout
    assert (
        "is neither in the baselines" in here("check", "--results", "my_results", "-s", "ewc(lam=11)").stderr
    )
    assert "no pair of the baselines" in here("check", "-s", "ewc(lam=11)").stderr


def test_a_file_is_one_strategy_by_whatever_path_and_its_command_is_quoted(here, tmp_path):
    folder = tmp_path / "run (2)"
    folder.mkdir()
    (folder / "own.py").write_text(OWN)
    for spec in ("run (2)/own.py:Mine", "./run (2)/own.py:Mine", f"{folder}/own.py:Mine"):
        done = here(*RUN, "-s", spec, "--out", "it's here")
        assert done.returncode == 0
        assert f"clbench report --results {shlex.quote(chr(39).join(['it', 's here']))}" in done.stdout
    assert len(list((tmp_path / "it's here").rglob("*Mine*.json"))) == 1


def test_input_errors_of_long_values_stay_short():
    from clbench import registry

    assert len(refused(registry.strategy, f"er(memory='{'x' * 5000}')")) < 400
    with pytest.raises(InputError):
        registry.strategy(f"er(memory={hex(2**40_000)})")
