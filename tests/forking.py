"""A stand-in for Python's executable, whose processes are forked from one that has imported torch: those of a
test would otherwise take six seconds of a core each to do so.

It runs `[-P] -m module arguments` or `[-P] script arguments` in the caller's folder, with its environment and its three streams. The
server imports no clbench, so each process imports the tree that its PYTHONPATH names; and the server computes
nothing, so torch chooses its kernels in each process anew (ATEN_CPU_CAPABILITY).
"""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

CLIENT = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({place!r})
call = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd(), "executable": {executable!r}}}
socket.send_fds(server, [b" "], [0, 1, 2])
server.sendall(json.dumps(call).encode())
server.shutdown(socket.SHUT_WR)
sys.exit(int(server.recv(100) or 255))
"""


# The last is what torch imports to count its first FLOP.
MODULES = (
    "avalanche.training",
    "pandas",
    "scipy.stats",
    "sklearn.datasets",
    "torch.utils.flop_counter",
    "torch._dynamo",
)


class ForkingPython:
    """`executable` is to be called in place of `sys.executable`; `close` ends the server."""

    def __init__(self, home: Path):
        """home: Avalanche writes there when it is imported."""
        self.folder = tempfile.TemporaryDirectory()  # a socket's path has to be short
        place = Path(self.folder.name, "socket")
        self.executable = Path(self.folder.name, "python")
        self.executable.write_text(
            CLIENT.format(python=sys.executable, place=str(place), executable=str(self.executable))
        )
        self.executable.chmod(0o755)
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.server = subprocess.Popen(
            [sys.executable, "-P", __file__, str(place)], env={**own, "HOME": str(home)}
        )
        while not place.exists():
            assert self.server.poll() is None, "the server ended"
            time.sleep(0.05)

    def close(self) -> None:
        self.server.kill()
        self.server.wait()
        self.folder.cleanup()


def serve(place: str) -> None:
    """Answers calls for ever, each in a process of its own."""
    for module in MODULES:
        __import__(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen()
    while True:
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            answer(caller)
        caller.close()


def answer(caller: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    call = json.loads(caller.makefile("rb").read())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["folder"])
    sys.executable = call["executable"]
    code = 1
    try:
        code = run(call["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.send(str(code).encode())
        os._exit(0)


def run(arguments: list[str]) -> int:
    """The exit status of `[-P] -m module arguments`, or of `[-P] script arguments`."""
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    try:
        if "-m" in arguments:
            module, *sys.argv[1:] = arguments[arguments.index("-m") + 1 :]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            script, *sys.argv[1:] = (one for one in arguments if one != "-P")
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
