"""Where a user's data are: a path from the current folder, or in a data folder."""

import os
from pathlib import Path

from clbench.core.paths import check_readable, kind_of
from clbench.data import files
from clbench.errors import InputError, Unavailable

FEW = 100  # files of a folder that are looked at one by one


def state_of(path: Path | None) -> tuple[int, ...]:
    """Differs within a process once a file there, or a file in a folder of a few, was written again, and once
    files were added or taken away."""
    if path is None:
        return ()
    if path.is_file() and path.suffix != ".npy":  # which has neighbours
        return path.stat().st_mtime_ns, path.stat().st_size
    found = []
    for folder, _, names in os.walk(path if path.is_dir() else path.parent):
        looked_at = [os.path.join(folder, name) for name in names if len(names) <= FEW]
        found += [os.stat(one).st_mtime_ns for one in (folder, *looked_at) if os.path.exists(one)]
    return tuple(found)


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
