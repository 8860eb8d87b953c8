"""Folders of the user's cache: written whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from clbench.errors import InputError

WHOLE = "about.json"  # the file that such a folder has when it is whole


def make_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a new folder, and gives it this name when it is whole. Raises InputError where the
    cache cannot be written."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="being made "))
    except OSError as error:
        raise unwritable(folder.parent, error) from error
    try:
        write(part)
        try:
            os.replace(part, folder)
        except OSError:
            if not (folder / WHOLE).is_file():  # else another process was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unwritable(cache: Path, error: OSError) -> InputError:
    return InputError(
        f"the cache {cache} cannot be written ({error.strerror}): set XDG_CACHE_HOME to a folder that can"
    )
