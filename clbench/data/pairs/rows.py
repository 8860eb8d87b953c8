"""The rows that every reader of pairs yields, and the names of the columns from which they come."""

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clbench.errors import InputError

HALVES = re.compile("[\ud800-\udfff]")  # of characters, as in a text that is cut within an emoji


class Row(NamedTuple):
    """One pair with its time, as its file has it."""

    left: bytes | np.ndarray | str | None  # an encoded image, its pixels, or a text
    right: str  # the caption or passage
    when: object  # as the file has it: text, a number, numpy's datetime64
    place: str  # where it stands, for messages: pairs.csv, line 7
    slice: str  # name of the first folder below the root that it came in, else of its file
    uid: str | None = None  # that its file gives it
    problem: str | None = None  # why it cannot be used, where its reader knows


@dataclass(frozen=True)
class Columns:
    """Names of columns that the user gives; None stands for the first of the usual names that a file has."""

    image: str | None = None
    text: str | None = None  # the left side of text pairs: a query
    caption: str | None = None  # the right side
    time: str | None = None

    USUAL = {
        "image": ("image", "images", "path"),
        "text": ("text", "text_a", "query"),
        "caption": ("caption", "captions", "passage"),
        "time": ("time", "times", "date", "year"),
    }

    def name_of(self, kind: str, columns: Collection[str]) -> str | None:
        """The name that the user gives to this kind of column, else the first usual name among these."""
        return getattr(self, kind) or next((name for name in self.USUAL[kind] if name in columns), None)

    def names_in(self, columns: list[str], source: Path) -> dict[str, str]:
        """kind -> its column in a file with these columns; of image and text only the one that is the left
        side.

        Raises InputError where a column that the user names is missing, and where there is no left side or
        caption.
        """
        names = {}
        for kind in self.USUAL:
            name = self.name_of(kind, columns)
            if name is not None and name not in columns:
                raise InputError(f'{source}: no "{name}"; there are {", ".join(map(str, columns))}')
            if name is not None:
                names[kind] = name
        if self.text is not None or "image" not in names:
            names.pop("image", None)
        else:
            names.pop("text", None)
        for kinds in (("image", "text"), ("caption",)):
            if not any(kind in names for kind in kinds):
                arguments = " or ".join(f"{kind}=" for kind in kinds)
                raise InputError(
                    f"{source}: which of {', '.join(map(str, columns))} is the "
                    f"{' or '.join(kinds)}? say it with {arguments}"
                )
        return names


Rows = Iterator[Row]


def captions_in(value: object, place: str) -> list[str]:
    """The texts that a caption's cell holds: one; those of a list; the values of a dictionary. None and NaN
    are no text: [""].

    Raises InputError for anything else, naming its type.
    """
    if isinstance(value, dict):
        value = [one for one in value.values() if one is not None]
    elif isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        texts = [text for one in value for text in captions_in(one, place)]
        return [text for text in texts if text.strip()] or [""]
    return [text_in(value, place)]


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or what pandas and numpy have for it."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    differs = value != value  # of an array an array
    return isinstance(differs, bool | np.bool_) and bool(differs)


def plain(value: Any) -> Any:
    """What a cell holds, as all that reads it can take it: no encoding takes half a character, and no float
    a whole number of 309 digits, which becomes the text that a csv has of it."""
    if isinstance(value, str):
        return HALVES.sub("\ufffd", value)
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return str(value)
    return value


def text_in(value: object, place: str) -> str:
    """The text that a cell holds, "" where it holds none. Raises InputError for what is no text."""
    if isinstance(value, str):
        return plain(value)
    if is_missing(value):
        return ""
    raise InputError(f"{place}: a text is due where {type(value).__name__} {str(value)[:40]!r} stands")


def slice_of(path: Path, root: Path) -> str:
    """The name of the slice that a file below the root is in: the first folder, or its own name."""
    return path.relative_to(root).parts[0] if path.parent != root else path.name
