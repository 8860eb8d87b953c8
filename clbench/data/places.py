"""Where a user's data are: a path from the current folder, or in a data folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from clbench.core.paths import check_readable, kind_of
from clbench.data import files
from clbench.errors import InputError, Unavailable


def path_of(path: str, example: str, also: tuple[Path, ...] = ()) -> Path:
    """The first that exists of the path from the current folder, in a data folder, and in the folders `also`.

    example: what to write where no path is given. Raises Unavailable where there is none.
    """
    if not path:
        raise InputError(example)
    for place in (Path(path), *(folder / path for folder in (*files.folders(), *also))):
        if kind_of(place):
            check_readable(place)
            return place
    raise Unavailable(f"{path} is not here: put it under $CLBENCH_DATA, or give another path")


def files_below(path: Path) -> Iterator[Path]:
    """The files in the folders below one, hidden ones left out."""
    for folder, names in folders_below(path):
        yield from (file for name in names if (file := folder / name).is_file())


def folders_below(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it, with the names in each that are no folders: nothing hidden, also behind
    links to folders, unless they lead back to one that they are in."""
    inside = {os.fspath(path): set[str]()}  # folder -> those that it is in, where they really are
    for folder, inner, names in os.walk(path, followlinks=True):
        around = inside.pop(folder) | {os.path.realpath(folder)}
        shown = [name for name in inner if not _is_hidden(name)]
        inner[:] = [name for name in shown if os.path.realpath(os.path.join(folder, name)) not in around]
        inside |= {os.path.join(folder, name): around for name in inner}
        yield Path(folder), [name for name in names if not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    """Whether a file or folder is of the system or of a program: .git, .ipynb_checkpoints, __MACOSX."""
    return name.startswith(".") or name == "__MACOSX"
