"""One process at a time writes to a results folder."""

import contextlib
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from clbench.errors import InputError

LOCK, HOLDER = ".lock", ".holder.json"


@contextlib.contextmanager
def hold(folder: Path, wait: float = 0) -> Iterator[None]:
    """Within the block this process alone writes to the folder. The lock of a process that has died is free.

    wait: seconds. Raises InputError, which names the holder, where another process writes still."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise InputError(
            f"{folder}: {_describe(holder)} writes there; wait for it, or give another folder"
        ) from None
    try:
        holder.write_text(json.dumps(_this_process()), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone
            holder.unlink()
        lock.release()
        with contextlib.suppress(OSError):
            if made and {path.name for path in folder.iterdir()} <= {LOCK}:
                (folder / LOCK).unlink(missing_ok=True)
            for parent in made:  # those that stayed empty
                parent.rmdir()


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now().isoformat(" ", "seconds"),
        "command": command(),
    }


def command() -> str:
    """What this process was told, as it can be typed again. Where its results go is left out: that is a
    folder of this machine, and records are handed on."""
    name, told = Path(sys.argv[0]).name, list(sys.argv[1:])
    while "--out" in told:
        place = told.index("--out")
        del told[place : place + 2]
    told = [one for one in told if not one.startswith("--out=")]
    return shlex.join(["clbench" if name == "__main__.py" else name, *told])


def _describe(holder: Path) -> str:
    """Who holds the lock, as it has said."""
    try:
        told = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {told['pid']} on {told['host']} ({told['command']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
