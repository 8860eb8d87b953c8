"""Processes that work with the code of a source tree."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil

from clbench.execution import commits

TRACE_FOR_EVER = """
import signal
from clbench.__main__ import end
from clbench.execution import trees
signal.signal(signal.SIGTERM, end)
trees._trace = lambda place, profile, requests: trees.python(place, ["-c", "import time; time.sleep(600)"])
asked = [trees.Request(name, "er", (0,), True, ()) for name in ("blobs_class", "blobs_task")]
trees.traces(trees.Place(trees.commits.PACKAGE.parent, None), "smoke", asked, 2)
"""


def test_sigterm_ends_the_processes_that_trace():
    command = [sys.executable, "-c", TRACE_FOR_EVER]
    with subprocess.Popen(command, cwd=commits.PACKAGE.parent, stderr=subprocess.PIPE, text=True) as process:
        own = psutil.Process(process.pid)
        try:
            limit = time.monotonic() + 60
            while len(begun := own.children()) < 2 and time.monotonic() < limit:
                time.sleep(0.05)
            assert len(begun) == 2
            os.kill(process.pid, signal.SIGTERM)
            assert "KeyboardInterrupt" in process.communicate(timeout=30)[1]
            assert not psutil.wait_procs(begun, timeout=10)[1]
        finally:
            for left in begun:
                with contextlib.suppress(psutil.NoSuchProcess):
                    left.kill()
