"""What was found in a user's labelled data: the form in which every reader hands it on, kept in the cache.

<cache>/clbench/labelled/<fingerprint>/   x.u8 or x.npy, rows.npz, about.json
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

Kind = Literal["images", "texts", "features"]
ARRAYS = ("y", "when", "part", "split", "content", "group")


@dataclass(frozen=True)
class About:
    """What is said of all rows."""

    kind: Kind
    classes: tuple[str, ...]  # their names, in order; y holds places in it
    shape: tuple[int, ...] | None = None  # height, width, channels of pictures
    scale: float = 1.0  # x divided by it has values from 0 to 1
    numeric: int = 0  # so many columns, the first ones, are to be standardised
    columns: tuple[tuple[str, int, int], ...] = ()  # of a table: name, first and behind the last place in x
    origins: tuple[str, ...] = ()  # columns that say from whom or where a row is
    sizes: dict[str, int] = field(default_factory=dict)  # "640x480" -> number of images that came so
    modes: dict[str, int] = field(default_factory=dict)  # likewise, "RGB", "L", …
    skipped: dict[str, int] = field(default_factory=dict)  # rows left out, by reason
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Found:
    """The rows in the order of their files, before any are held out."""

    x: np.ndarray  # [n, d] uint8 or float32
    y: np.ndarray  # [n] int64
    when: np.ndarray  # [n] datetime64[D]; NaT where no date is known
    part: np.ndarray  # [n] text of the column that tasks are cut by; "" where there is none
    split: np.ndarray  # [n] int8: 1 test, 0 training; -1 everywhere where nothing is said
    content: np.ndarray  # [n] uint64: equal where inputs are
    group: np.ndarray  # [n] uint64: equal where the column says that rows belong together; else content
    origin: np.ndarray  # [columns, n] int64: equal where an origin is
    about: About
    fingerprint: str
    computed: str = ""  # as of Images

    @property
    def dated(self) -> bool:
        return bool((~np.isnat(self.when)).any())

    def save(self, folder: Path) -> None:
        """Into a folder of the cache. x stands there already where it was written image by image."""
        if not (folder / "x.u8").is_file():
            np.save(folder / "x.npy", self.x)
        arrays: dict[str, Any] = {name: getattr(self, name) for name in (*ARRAYS, "origin")}
        np.savez(folder / "rows.npz", **arrays)
        (folder / "about.json").write_text(json.dumps(asdict(self.about)), encoding="utf-8")


def open_folder(folder: Path, fingerprint: str) -> Found:
    """What a folder of the cache holds; x is mapped into memory."""
    said = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    tuples = {name: tuple(said[name]) for name in ("classes", "origins", "notes")}
    columns = tuple((name, start, end) for name, start, end in said["columns"])
    about = About(**said | tuples | {"shape": said["shape"] and tuple(said["shape"]), "columns": columns})
    with np.load(folder / "rows.npz") as rows:
        arrays = {name: rows[name] for name in rows.files}
    if (folder / "x.u8").is_file():
        x = np.memmap(folder / "x.u8", np.uint8, "r").reshape(len(arrays["y"]), -1)
    else:
        x = np.load(folder / "x.npy", mmap_mode="r")
    return Found(x=x, about=about, fingerprint=fingerprint, **arrays)
