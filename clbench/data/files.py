"""Finds the files of published data sets for the loaders in `clbench.data.labelled`.

A file is looked for in the folders of $CLBENCH_DATA, then in the user's cache, and is otherwise downloaded
into that cache. Each folder has torchvision's layout, such as `MNIST/raw/train-images-idx3-ubyte` or
`cifar-10-python.tar`, with or without `.gz`. Nothing is ever unpacked or written in $CLBENCH_DATA.
`CLBENCH_OFFLINE=1` forbids downloads.
"""

import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

from clbench.errors import InputError, Unavailable

PATIENCE = 10.0  # seconds to wait for a mirror to go on

_refused: dict["Published", str] = {}  # data sets whose download has failed in this process, and why


class File(NamedTuple):
    """One file of a published data set, with its md5 sums."""

    name: str  # without .gz
    md5_gz: str  # of the gzipped file
    md5: str  # of the unzipped file


class Published(NamedTuple):
    """A data set as its authors publish it: gzipped files."""

    name: str
    mirrors: tuple[str, ...]
    files: tuple[File, ...]
    folder: str  # where the files lie below a data folder


def folders() -> list[Path]:
    """The folders where data are looked for, in this order; the last is the user's cache."""
    given = os.environ.get("CLBENCH_DATA", "").split(os.pathsep)
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "clbench")
    return [Path(entry).expanduser() for entry in [*given, cache] if entry]


def find(data: Published, file: File) -> Path | None:
    """The first path that has the file, or None. Its content is not checked."""
    for folder in folders():
        for name in (f"{file.name}.gz", file.name):
            path = folder / data.folder / name
            if os.path.isfile(path):
                return path
    return None


def get(data: Published, file: File) -> Path:
    """The path of the file, whose md5 sum is right; downloads it if need be.

    Raises InputError for a damaged file and Unavailable where there is none and no mirror gives one.
    """
    path = find(data, file)
    if path is None:
        return _download(data, file)
    expected = file.md5_gz if path.suffix == ".gz" else file.md5
    found = md5_of(path)
    if found != expected:
        raise InputError(f"{path} is damaged: expected md5 {expected}, found {found}; delete or replace it")
    return path


def md5_of(path: Path) -> str:
    """The md5 sum of the file's content as 32 hex digits. Raises InputError if the file cannot be read."""
    try:
        with open(path, "rb") as content:
            return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _download(data: Published, file: File) -> Path:
    """Downloads the file into the user's cache. A data set that no mirror gives is not asked for again."""
    if os.environ.get("CLBENCH_OFFLINE", "0") not in ("", "0"):
        raise _unavailable(data, "or unset CLBENCH_OFFLINE")
    target = folders()[-1] / data.folder / f"{file.name}.gz"
    mirrors = () if data in _refused else data.mirrors
    reasons = []
    for mirror in mirrors:
        try:
            _fetch(f"{mirror}{target.name}", target, file.md5_gz)
            return target
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
    why = _refused.setdefault(data, "; ".join(reasons))
    raise _unavailable(data, f"or go online (the download failed: {why})")


def _unavailable(data: Published, alternative: str) -> Unavailable:
    """The error to raise for a data set that is not on this machine; `alternative` ends its message."""
    missing = ", ".join(f"{file.name}.gz" for file in data.files if find(data, file) is None)
    place = os.path.normpath(f"$CLBENCH_DATA/{data.folder}")
    return Unavailable(f"{data.name} is not here: put {missing} under {place}, {alternative}")


def _fetch(url: str, target: Path, md5: str) -> None:
    """Writes the target whole and checked, or raises and leaves no part of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(url, headers={"User-Agent": "clbench"})
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        part = Path(folder) / target.name
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer, open(part, "wb") as content:
            shutil.copyfileobj(answer, content)
        if (found := md5_of(part)) != md5:
            raise RuntimeError(f"it gives a file with md5 {found} instead of {md5}")
        os.replace(part, target)  # processes and hosts may share the cache
