"""Where a user's data are: a path from the current folder, or in a data folder."""

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
