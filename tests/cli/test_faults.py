"""What happens to a run from outside: signals, a full disk, a folder that goes, a second run beside it."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from clbench.execution import cluster
from clbench.results import files, lock, records

RUN = ("run", "-b", "blobs_class", "--profile", "smoke", "--group-size", "1", "--out", "made")
SLOW = """
import time
from clbench import Part

class Slow(Part):
    def after_task(self, t):
        time.sleep(0.25)
"""


def path_of(folder, strategy):
    return records.path_of(folder / "made", "smoke", "blobs_class", strategy)


@pytest.fixture
def interruptible():
    """A shell starts what runs in the background with SIGINT ignored, and a child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "clbench", *RUN, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(path):
    limit = time.monotonic() + 60
    while not path.exists() and time.monotonic() < limit:
        time.sleep(0.05)


def children(pid):
    """The processes that the one with this number has begun, and those that these have."""
    return {process.pid for process in psutil.Process(pid).children(recursive=True)}


@pytest.mark.parametrize(
    ("strategy", "number"),
    [("naive", signal.SIGINT), ("slow.py:Slow", signal.SIGTERM), ("slow.py:Slow", signal.SIGKILL)],
)
def test_a_signal_costs_what_is_in_flight_and_leaves_no_process(tmp_path, strategy, number, interruptible):
    (tmp_path / "slow.py").write_text(SLOW)
    process = start(tmp_path, "--workers", "2", "-s", strategy, "--seeds", "300")
    wait_for(path_of(tmp_path, strategy))
    begun = children(process.pid)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal's Ctrl-C reaches all its processes
    else:
        process.send_signal(number)
    said, complained = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130 and "the same command goes on from here" in said
        assert not complained
    done = records.read(path_of(tmp_path, strategy))
    assert done.status == "ok" and 1 <= len(done.seeds) < 300
    limit = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in begun) and time.monotonic() < limit:
        time.sleep(0.05)
    assert begun and not [pid for pid in begun if os.path.exists(f"/proc/{pid}")]
    with lock.hold(tmp_path / "made"):  # nobody has it any more
        pass


def test_ctrl_c_while_it_starts_says_nothing(tmp_path, interruptible):
    for wait in (0.4, 2.0):
        process = start(tmp_path, "--workers", "2", "-s", "naive", "-s", "er", "--seeds", "300")
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        said, complained = process.communicate(timeout=60)
        # Python ends by the signal itself where text was being executed; a shell calls both 130.
        assert process.returncode in (130, -signal.SIGINT), (wait, process.returncode)
        assert not complained, (wait, complained)


def test_a_second_run_on_a_results_folder_says_who_is_there(tmp_path, here):
    with lock.hold(tmp_path / "made"):
        done = here(*RUN, "-s", "naive", "--seeds", 1, cwd=tmp_path)
        assert done.returncode == 2 and done.stderr.startswith(f"clbench: made: process {os.getpid()} on ")
        assert here(*RUN, "-s", "naive", "--seeds", 1, "--dry-run", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "made").exists()
    assert here(*RUN, "-s", "naive", "--seeds", 1, cwd=tmp_path).returncode == 0


def test_a_full_disk_ends_the_run_in_a_line_and_keeps_what_was_there(tmp_path, here, monkeypatch):
    assert here(*RUN, "-s", "naive", "--seeds", 1, cwd=tmp_path).returncode == 0
    before = path_of(tmp_path, "naive").read_bytes()
    there = sorted(path_of(tmp_path, "naive").parent.iterdir())

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        done = here(*RUN, "-s", "naive", "--seeds", 2, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "cannot be written: No space left on device" in done.stderr
    assert path_of(tmp_path, "naive").read_bytes() == before
    assert sorted(path_of(tmp_path, "naive").parent.iterdir()) == there
    assert here(*RUN, "-s", "naive", "--seeds", 2, cwd=tmp_path).returncode == 0


def test_a_folder_that_is_removed_while_the_run_goes_on_is_made_again(tmp_path, here):
    (tmp_path / "removes.py").write_text(
        "import shutil\n"
        + SLOW.replace("time.sleep(0.25)", f"shutil.rmtree({str(tmp_path / 'made')!r}, True)")
    )
    done = here(*RUN, "-s", "removes.py:Slow", "--seeds", 1, cwd=tmp_path)
    assert done.returncode == 0 and records.read(path_of(tmp_path, "removes.py:Slow")).seeds == [0]


def test_a_cluster_that_goes_ends_the_run_in_a_line(tmp_path, here, monkeypatch):
    from distributed import LocalCluster

    from clbench.execution import seed_group

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, processes=False) as there:

        def train_group(*_):
            threading.Thread(target=there.close).start()
            time.sleep(3)

        monkeypatch.setattr(seed_group, "train_group", train_group)
        monkeypatch.setattr(cluster, "ANSWER", "1s")
        address = there.scheduler_address
        done = here(*RUN, "-s", "naive", "--seeds", 2, "--scheduler", address, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"--scheduler {address}: it does not answer any more" in done.stderr
