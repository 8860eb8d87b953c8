"""Paths that a user gives: what is wrong with one is said in one line, before anything is done with it."""

import os
import stat
import tempfile
from pathlib import Path

from clbench.errors import InputError

KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(path: str | Path) -> str | None:
    """What stands there, "a file" or "a folder" or what else; None where nothing does.

    Raises InputError for a path that cannot be looked at: too long, or in a folder that is closed to us."""
    try:
        return KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "no file")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {_why(error)}") from None


def check_file(path: str | Path) -> None:
    """Raises InputError unless this is a file whose content can be read."""
    _expect(path, "a file")
    try:
        with open(path, "rb") as content:
            content.read(1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {_why(error)}") from None


def check_folder(path: str | Path) -> None:
    """Raises InputError unless this is a folder whose content can be listed."""
    _expect(path, "a folder")
    try:
        os.scandir(path).close()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {_why(error)}") from None


def check_readable(path: str | Path) -> None:
    """Raises InputError unless this is a file or a folder that can be read."""
    if kind_of(path) == "a folder":
        check_folder(path)
    else:
        check_file(path)


def check_writable(folder: Path) -> None:
    """Raises InputError for a folder in which, or below whose parents, no file can be made. Makes none that
    stays."""
    whole = Path(os.path.abspath(folder))
    there = next(parent for parent in [whole, *whole.parents] if kind_of(parent))
    if kind_of(there) != "a folder":
        raise InputError(f"{folder}: cannot write there: {there} is {kind_of(there)}")
    try:
        # Asking for permission is not enough: root has it for /proc and for a file system mounted read-only.
        with tempfile.TemporaryFile(dir=there, prefix=".writing-") as file:
            file.write(b"\0")
    except OSError as error:
        raise InputError(f"{folder}: cannot write there: {_why(error)}") from None


def check_writable_file(path: Path) -> None:
    """Raises InputError for a file that cannot be made or written anew."""
    kind = kind_of(path)
    if kind not in (None, "a file"):
        raise InputError(f"{path} is {kind}: give the name of a file")
    check_writable(path.parent)


def _expect(path: str | Path, kind: str) -> None:
    found = kind_of(path)
    if found is None:
        raise InputError(f"{path}: there is no such {kind.removeprefix('a ')}")
    if found != kind:
        raise InputError(f"{path} is {found}, not {kind}")


def _why(error: Exception) -> str:
    """What the file system says, without the path that stands beside it."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"{reason[:1].lower()}{reason[1:]}"
