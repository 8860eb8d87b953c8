"""What every reader gives: one row of a file at a time, as it stands there."""
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clbench.errors import InputError


class Row(NamedTuple):
    """A pair and its time."""

    left: bytes | np.ndarray | str       # an encoded image, its pixels, or a text
    right: str
    when: object                         # as the file has it: text, a number, numpy's datetime64
    place: str                           # where it stands, for messages: pairs.csv, line 7
    slice: str                           # the name of the folder or file that it came in
    uid: str | None = None


@dataclass(frozen=True)
class Columns:
    """What things are called in the files; None: the first of the usual names that is there."""

    image: str | None = None
    text: str | None = None              # the left side of text pairs: a query
    caption: str | None = None
    time: str | None = None

    USUAL = {"image": ("image", "images", "path"), "text": ("text", "text_a", "query"),
             "caption": ("caption", "captions", "passage"), "time": ("time", "times", "date")}

    def called(self, kind: str, there: Collection[str]) -> str | None:
        """The name that was given for image, text, caption or time, else the first of the usual ones that is there."""
        return getattr(self, kind) or next((one for one in self.USUAL[kind] if one in there), None)

    def among(self, there: list[str], source: Path) -> dict[str, str]:
        """kind -> the name in this file; a left side and a caption are needed."""
        found = {}
        for kind in self.USUAL:
            name = self.called(kind, there)
            if name is not None and name not in there:
                raise InputError(f'{source}: no "{name}"; there are {", ".join(map(str, there))}')
            if name is not None:
                found[kind] = name
        if self.text is not None or "image" not in found:
            found.pop("image", None)
        else:
            found.pop("text", None)
        for kinds in (("image", "text"), ("caption",)):
            if not any(kind in found for kind in kinds):
                raise InputError(f"{source}: which of {', '.join(map(str, there))} is the {' or '.join(kinds)}? "
                                 f"say it with {' or '.join(f'{kind}=' for kind in kinds)}")
        return found


Rows = Iterator[Row]
