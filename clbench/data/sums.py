"""SHA-256 sums of files, each computed once: the user's cache keeps them by the file's size and times."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clbench.data import files


def digest(content: Any) -> str:
    """16 hex digits of the SHA-256 of nested lists and dicts."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file's content as 64 hex digits, computed now."""
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def of(paths: Sequence[Path], root: Path) -> list[str | None]:
    """The SHA-256 of each file; None where there is no such file. A file that has not changed since it was
    last asked for, by its size and its times, is not read again, in this or another process.

    root: the folder or file under which they are remembered.
    """
    place = _place("sums", str(root.absolute()))
    known = _read(place) or {}
    found: dict[str, list[Any] | None] = {}
    for path in paths:
        name, state = str(path.absolute()), _state(path)
        before = known.get(name)
        if state is None:
            found[name] = None
        elif before and before[0] == state:
            found[name] = before
        else:
            found[name] = [state, sha256_of(path)]  # the state from before: a later change shows
    now = {**known, **{name: entry for name, entry in found.items() if entry}}
    if now != known:
        _write(place, now)
    entries = [found[str(path.absolute())] for path in paths]
    return [entry[1] if entry else None for entry in entries]


def kept(kind: str, key: Any, make: Callable[[], Any]) -> Any:
    """What make() gives, which JSON can hold, from the cache where it was asked for with this key before."""
    place = _place(kind, key)
    content = _read(place)
    if content is None:
        content = make()
        _write(place, content)
    return content


def _state(path: Path) -> list[int] | None:
    """What changes whenever the file's content does."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):  # absent, or a name that no file can have
        return None
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns] if os.path.isfile(path) else None


def _place(kind: str, key: Any) -> Path:
    return files.folders()[-1] / kind / f"{digest(key)}.json"


def _read(place: Path) -> Any:
    """The content of a file of the cache; None where there is none that can be read."""
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(place: Path, content: Any) -> None:
    """Whole or not at all. Where the cache cannot be written it is done without."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            part = Path(folder) / place.name
            part.write_text(json.dumps(content), encoding="utf-8")
            os.replace(part, place)
