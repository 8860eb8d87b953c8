"""Files of one's own that misbehave: each costs its own pair, and nothing beside it."""

import os
import re
from pathlib import Path

import pytest

from clbench.execution import describe
from clbench.results import records

PART = "from clbench import Part\n\n\nclass Mine(Part):\n"
HOOK = PART + "    def gradient(self, g, batch):\n        "
# file name -> (its content, what its row says; None: it has results like any other)
FILES = {
    "raises_at_import": (
        'raise RuntimeError("no\\nluck")',
        "cannot be imported: RuntimeError: no (raises_at_import.py, line 1)",
    ),
    "exits_at_import": ("import sys\n\nsys.exit(3)", "SystemExit: 3 (exits_at_import.py, line 3)"),
    "dies_at_import": ("import os\n\nos._exit(0)", "its process ended with exit code 0"),
    "hangs_at_import": ("import time\n\ntime.sleep(1000)", "took longer than 6 s to be planned"),
    "exits": (HOOK + "raise SystemExit", "SystemExit (exits.py, line 6)"),
    "interrupts": (HOOK + "raise KeyboardInterrupt", "KeyboardInterrupt (interrupts.py, line 6)"),
    "odd_exception": (
        "class Odd(Exception):\n    def __str__(self):\n        return 1\n\n\n" + HOOK + "raise Odd",
        "Odd (odd_exception.py, line 11)",
    ),
    "crashes": (HOOK + "import ctypes\n\n        ctypes.string_at(0)", "its process was killed by SIGSEGV"),
    "hangs": (HOOK + "while True:\n            pass", "took longer than 6 s and was stopped (--run-limit)"),
    "closes_output": (
        "import os\n" + HOOK + "os.closerange(1, 3)\n        return g",
        None,
    ),
    "changes_everything": (
        "import os\nimport torch\n\nos.chdir('/')\ntorch.set_default_dtype(torch.float64)\n"
        "torch.mm = torch.matmul = None\n" + HOOK + "return g",
        "",
    ),
}


def command(*more):
    run = ("run", "-b", "blobs_class", "--profile", "smoke", "--seeds", 1, "--workers", 2)
    return (*run, *(argument for name in more for argument in ("-s", name)))


def stored(folder, strategy):
    return records.read(records.path_of(Path(folder) / OUT, "smoke", "blobs_class", strategy))


OUT = "made"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """naive as it is without any file beside it."""
    import clbench

    return clbench.run("blobs_class", "naive", seeds=1, profile="smoke").record.acc


def test_each_kind_of_fault_is_a_failed_row_and_changes_nothing_beside_it(tmp_path, here, monkeypatch, alone):
    for name, (content, _) in FILES.items():
        (tmp_path / f"{name}.py").write_text(content + "\n")
    monkeypatch.setattr(describe, "PLANNING_LIMIT", 6.0)
    names = [f"{name}.py:Mine" for name in FILES]
    done = here(*command(*names, "naive"), "--run-limit", "6s", "--out", OUT, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    for name, (_, said) in FILES.items():
        record = stored(tmp_path, f"{name}.py:Mine")
        if said is None:
            assert (record.status, record.acc) == ("ok", alone), name
        elif said:
            assert record.status == "failed" and said in record.error.reason, (name, record.error)
            assert re.search(rf"{name}.py:Mine +failed", done.stdout), name
    assert stored(tmp_path, "naive").acc == alone
    told = here("show", "--results", OUT, "--failure", "exits.py:Mine", cwd=tmp_path)
    assert told.returncode == 0 and "raise SystemExit" in told.stdout and "exits.py" in told.stdout
    none = here("show", "--results", OUT, "--failure", "naive", cwd=tmp_path)
    assert none.returncode == 2 and "no row of naive has failed" in none.stderr


def test_a_benchmark_that_hangs_costs_its_rows_once(tmp_path, here, monkeypatch):
    (tmp_path / "slow.py").write_text(
        "import time\nfrom clbench.benchmarks.blobs import Blobs\n\n\nclass Slow(Blobs):\n"
        "    def fingerprint(self):\n        time.sleep(1000)\n"
    )
    monkeypatch.setattr(describe, "PLANNING_LIMIT", 2.0)
    done = here(
        *("run", "-b", "slow.py:Slow_class", "-b", "blobs_class", "-s", "naive", "-s", "er", "--seeds", 1),
        *("--profile", "smoke", "--out", OUT),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    found, _ = records.load(tmp_path / OUT)
    by_benchmark = {(one.benchmark, one.strategy): one for one in found}
    assert {one.status for one in found if one.benchmark == "blobs_class"} == {"ok"}
    for name in ("naive", "er"):
        failed = by_benchmark["slow.py:Slow_class", name]
        assert failed.status == "failed" and failed.error.reason == "took longer than 2 s to be planned"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("class Mine:\n    pass", "Mine", "the class has to be derived from clbench.Part"),
        (PART + "    pass", "Min", "mine.py has no class Min; it has Mine"),
        ("class Mine(", "Mine", "mine.py, line 1: no Python ("),
        ("import beside", "Mine", "beside.py, line 2: no Python ("),
    ],
)
def test_what_is_no_strategy_is_said_before_anything_runs(content, name, said, tmp_path, here):
    (tmp_path / "mine.py").write_text(content + "\n")
    (tmp_path / "beside.py").write_text("x = 1\nx = = 2\n")
    done = here(*command(f"mine.py:{name}", "naive"), "--out", OUT, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr, done.stderr
    assert not (tmp_path / OUT).exists()


def test_a_run_uses_the_files_as_they_were_when_it_was_planned(tmp_path, here, alone):
    """The file and the one that it imports are spoilt as soon as the first seed is trained."""
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\n\nfrom beside import factor\n\n" + HOOK + "return g * factor\n\n"
        "    def after_task(self, t):\n        for name in ('mine', 'beside'):\n"
        "            Path(__file__).with_name(f'{name}.py').write_text('raise SystemExit')\n"
    )
    (tmp_path / "beside.py").write_text("factor = 1.0\n")
    more = ("--seeds", 3, "--group-size", 1, "--out", OUT)
    assert here(*command("mine.py:Mine"), *more, cwd=tmp_path).returncode == 0
    record = stored(tmp_path, "mine.py:Mine")
    assert record.seeds == [0, 1, 2] and record.acc[:1] == alone
    again = here(*command("mine.py:Mine"), *more, cwd=tmp_path)
    assert again.returncode == 1 and "SystemExit (mine.py, line 1)" in again.stdout


def test_debug_runs_everything_in_this_process(tmp_path, here, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import os\n\n" + HOOK + "os.environ['SEEN'] = str(os.getpid())\n        return g\n"
    )
    monkeypatch.setenv("SEEN", "nowhere")
    assert here(*command("mine.py:Mine"), "--debug", "--out", OUT, cwd=tmp_path).returncode == 0
    assert os.environ["SEEN"] == str(os.getpid())


def test_what_cannot_be_planned_now_does_not_replace_what_was_measured(tmp_path, here):
    def write(content):
        (tmp_path / "mine.py").write_text(content + "\n")

    name, typed = "mine.py:Mine(rate=1.0)", "mine.py:Mine(rate=1)"
    fine = "from dataclasses import dataclass\n" + PART.replace("class Mine", "@dataclass\nclass Mine")
    write(fine + "    rate: float = 2.0")
    assert here(*command(typed), "--out", OUT, cwd=tmp_path).returncode == 0
    write("raise RuntimeError('no')")
    done = here(*command(typed), "--out", OUT, cwd=tmp_path)
    assert done.returncode == 1 and "RuntimeError: no" in done.stdout
    assert stored(tmp_path, name).seeds == [0]
    assert stored(tmp_path, typed).status == "failed"  # nobody knows its canonical name
    write(fine + "    rate: float = 2.0")
    assert here(*command(typed), "--out", OUT, cwd=tmp_path).returncode == 0
    assert not records.path_of(tmp_path / OUT, "smoke", "blobs_class", typed).exists()


def test_own_code_is_not_run_to_find_rows(tmp_path, here):
    (tmp_path / "mine.py").write_text(PART + "    pass\n")
    (tmp_path / "bench.py").write_text(
        "from clbench.benchmarks.blobs import Blobs\n\n\nclass Mine(Blobs):\n    pass\n"
    )
    run = ("run", "-b", "bench.py:Mine_class", "--profile", "smoke", "--seeds", 1, "--out", OUT)
    assert here(*run, "-s", "mine.py:Mine", "-s", "er(memory=100)", cwd=tmp_path).returncode == 0
    for name in ("mine.py", "bench.py"):
        path = tmp_path / name
        path.write_text("raise SystemExit('run')\n" + path.read_text())
    for strategy in ("mine.py:Mine()", "er(memory=50)", "er(memory=100)"):
        shown = here("show", "--results", OUT, "-s", strategy, cwd=tmp_path)
        assert shown.returncode == (2 if "50" in strategy else 0), shown.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# -*- coding: latin-1 -*-\n# caf\xe9\nclass Mine:\n    pass\n", "derived from clbench.Part"),
        (b"# caf\xe9\nclass Mine:\n    pass\n", "mine.py"),
        (b"from " + b"." * 60 + b" import x\n\n\nclass Mine:\n    pass\n", "mine.py"),
        (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n\n\nclass Mine:\n    pass\n", "mine.py"),
    ],
)
def test_odd_files_are_said_in_a_line(content, said, tmp_path, here):
    (tmp_path / "mine.py").write_bytes(content)
    done = here(*command("mine.py:Mine"), "--out", OUT, cwd=tmp_path)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr + done.stdout
    assert said in done.stderr + done.stdout


def test_what_own_code_has_started_ends_with_it(tmp_path, here):
    (tmp_path / "mine.py").write_text(
        "import subprocess\n"
        + HOOK
        + "self.child = subprocess.Popen(['sleep', '1000.5'])\n        return g\n"
    )
    here(*command("mine.py:Mine"), "--out", OUT, cwd=tmp_path)
    running = [
        path
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists() and path.read_bytes() == b"sleep\x001000.5\x00"
    ]
    assert not running
