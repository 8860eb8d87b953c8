"""Reads labelled examples, some at a time, as their files have them: tables, and folders of images.

    2024-01/cat/a.jpg    train/cat/a.jpg    site=a/cat/2024-01-31 a.jpg

A folder's name is a column if it is key=value, a time if it is a date of 1900 or later, the side of the split
if it is train or test and another folder is the class. The first other one is the class.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from clbench.data.labelled.cells import side_of
from clbench.data.labelled.dividing import other_case
from clbench.data.pairs import dates, tables
from clbench.data.pairs.rows import plain, text_in
from clbench.data.pairs.sources import Source, natural_order
from clbench.data.places import files_below
from clbench.errors import InputError

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
FILES = 1000  # of a folder, in one block
DAY = re.compile(r"(?<!\d)((?:19|20)\d{2})-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
# Columns of these names say from whom or where an example is: its neighbours are like it.
ORIGINS = ("patient", "subject", "person", "user", "author", "customer", "device", "camera", "site")


class Block(NamedTuple):
    """Some examples, as their file has them: a list for each thing that is known of them."""

    inputs: Any  # functions that read an image, texts, or a frame of pandas with a column for each feature
    labels: Sequence
    whens: Sequence  # times
    places: list[str]  # where each stands, for messages
    splits: Sequence  # train, test, … or None
    parts: Sequence  # the value of the column that tasks are cut by
    groups: Sequence  # what stays on one side of the split
    origins: Mapping[str, Sequence]  # columns of ORIGINS


@dataclass(frozen=True)
class LabelColumns:
    """Names of columns that the user gives; None stands for the first of the usual names that a file has."""

    image: str | None = None
    text: str | None = None
    label: str | None = None
    time: str | None = None
    split: str | None = None
    part: str | None = None  # that tasks are cut by
    group: str | None = None
    features: tuple[str, ...] | None = None  # None: where there is no image or text, all that are left
    without: tuple[str, ...] = field(default=())  # those that are no features

    USUAL = {
        "image": ("image", "images", "path", "file", "filename"),
        "text": ("text", "sentence", "headline", "title"),
        "label": ("label", "labels", "class", "category", "target", "y"),
        "time": ("time", "times", "date", "year", "timestamp"),
        "split": ("split",),
        "part": (),
        "group": (),
    }

    def names_in(self, columns: list[str], source: Path | str) -> dict[str, str]:
        """kind -> its column in a file with these columns; of image and text only the one that is read.

        Raises InputError where a column that the user names is missing, where none is the label, and where
        two are called alike.
        """
        check_names(columns, source)
        names = {}
        for kind, usual in self.USUAL.items():
            name = getattr(self, kind) or next((one for one in usual if one in columns), None)
            if name is not None and kind not in ("image", "text"):
                names[kind] = name
        if not self.features:
            asked = [kind for kind in ("text", "image") if getattr(self, kind)]
            for kind in asked[:1] or ["image", "text"]:
                there = [one for one in self.USUAL[kind] if one in columns and one not in names.values()]
                if found := getattr(self, kind) or next(iter(there), None):
                    names[kind] = found
                    break
        for name in [*names.values(), *(self.features or ()), *self.without]:
            if name not in columns:
                hint = other_case(name) if name == self.part else ""
                raise InputError(f'{source}: no "{name}"; there are {listed(columns)}{hint}')
        if "label" not in names:
            raise InputError(f"{source}: which of {listed(columns)} is the label? say it with label=")
        return names

    def features_in(self, columns: list[str], names: dict[str, str]) -> list[str]:
        """The columns that are features, in a table without images or texts."""
        if self.features:
            return list(self.features)
        others = {*names.values(), *self.without, "uid"}
        return [name for name in columns if name not in others and not is_origin(name)]


def check_names(columns: Sequence, source: Path | str) -> None:
    """Raises InputError where two columns are called alike."""
    if twice := [name for name, count in Counter(columns).items() if count > 1]:
        raise InputError(f"{source} has {twice[0]!r} twice: rename one of these columns")


def is_origin(name: object) -> bool:
    """Whether a column says from whom or where a row is. It is a feature only if the user names it."""
    return str(name).lower() in ORIGINS


def listed(columns: Collection) -> str:
    shown = [str(name) for name in columns]
    return ", ".join(shown[:20]) + (f" and {len(shown) - 20} more" if len(shown) > 20 else "")


# ---- tables


def of_table(path: Path, root: Path, columns: LabelColumns) -> Iterator[Block]:
    """Yields the rows of one table below the root."""
    for frame, lines in tables.chunks(path, root):
        given = list(frame.columns)
        names = columns.names_in(given, path)
        places = [tables.place_of(path, number) for number in lines]
        inputs: Any
        if "image" in names:
            cells = zip(frame[names["image"]], places, strict=True)
            inputs = [partial(tables.image_in, path, value, place) for value, place in cells]
        elif "text" in names:
            inputs = [
                text_in(value, place) for value, place in zip(frame[names["text"]], places, strict=True)
            ]
        else:
            wanted = columns.features_in(given, names)
            if not wanted:
                raise InputError(f"{path}: {listed(given)} are no features: name an image or a text column")
            inputs = frame[wanted]
        nothing = [None] * len(frame)
        origins = {name: list(map(plain, frame[name])) for name in given if is_origin(name)}
        told = {
            kind: list(map(plain, frame[name]))
            for kind, name in names.items()
            if kind not in ("image", "text")
        }
        whens = told.get("time", [dates.of_name(path.relative_to(root).parts[0])] * len(frame))
        yield Block(
            inputs,
            told["label"],
            whens,
            places,
            told.get("split", nothing),
            told.get("part", nothing),
            told.get("group", nothing),
            origins,
        )


# ---- folders of images


def images_below(path: Path) -> list[Path]:
    """The image files below a folder, in the order of their names."""
    return sorted((file for file in files_below(path) if file.suffix.lower() in IMAGES), key=natural_order)


def others_below(path: Path) -> dict[str, int]:
    """How many files below a folder are not read as images, by what is said of them."""
    endings = Counter(file.suffix.lower() for file in files_below(path))
    return {
        f"files {f'with the ending {ending}' if ending else 'without an ending'}": count
        for ending, count in endings.items()
        if ending not in IMAGES
    }


@contextmanager
def beside_images(path: Path) -> Iterator[None]:
    """Where tables below a folder cannot be read, the error says that for them its images are not."""
    try:
        yield
    except InputError as error:
        if not (said := _not_read(path)):
            raise
        raise InputError(f"{error}; {said}") from error


def _not_read(path: Path) -> str:
    """Which tables keep the images in a folder's folders from being read; "" for none."""
    try:
        names = [file.relative_to(path).as_posix() for file in Source.at(path).files] if path.is_dir() else []
    except InputError:
        return ""
    images = [file for file in images_below(path) if file.parent != path] if names else []
    if not images:
        return ""
    read, them = (f"{names[0]} is", "it") if len(names) == 1 else (f"{names[0]} and others are", "them")
    return (
        f"{read} read as the data, so the {len(images)} images in folders are not: move {them} away if you "
        "mean these"
    )


def of_folder(root: Path, files: list[Path], columns: LabelColumns) -> Iterator[Block]:
    """Yields the images of a folder."""
    for start in range(0, len(files), FILES):
        some = files[start : start + FILES]
        told = [_told_by(file.relative_to(root)) for file in some]
        usual = {"label": "label", "time": "time", "split": "split", "part": "", "group": ""}
        named = {kind: getattr(columns, kind) or name for kind, name in usual.items()}
        for kind, name in named.items():
            if getattr(columns, kind) and not any(name in one for one in told):
                asked, hint = ("by", other_case(name)) if kind == "part" else (kind, "")
                raise InputError(f"{root}: no folder is called {name}=…, as {asked} needs{hint}")
        for kind in ("image", "text", "features", "without"):
            if getattr(columns, kind):
                raise InputError(
                    f"{root}: {kind} is of tables, and these are images in folders: leave it out"
                )
        origins = {
            name: [one.get(name) for one in told] for name in ORIGINS if any(name in one for one in told)
        }
        yield Block(
            [partial(_content, file) for file in some],
            [one.get(named["label"]) for one in told],
            [one.get(named["time"]) for one in told],
            [file.relative_to(root).as_posix() for file in some],
            [one.get(named["split"]) for one in told],
            [one.get(named["part"]) for one in told],
            [one.get(named["group"]) for one in told],
            origins,
        )


def _content(file: Path) -> tuple[bytes, None]:
    return file.read_bytes(), None


def _told_by(file: Path) -> dict[str, str]:
    """What the names of the folders that a file is in, from the root on, say of it: label, time, split and
    columns."""
    said: dict[str, str] = {}
    others = []
    for name in file.parts[:-1]:
        key, equals, value = name.partition("=")
        if equals and key:
            said.setdefault(key, value)
        elif (day := dates.of_name(name)) and "1900" <= day[:4] <= "2100":
            said.setdefault("time", day)
        else:
            others.append(name)
    sides = [name for name in others if side_of(name)]
    if sides and (len(others) > 1 or side_of(file.parts[0])):
        said.setdefault("split", sides[0])
        others.remove(sides[0])
    if others:
        said.setdefault("label", others[0])
    if "time" not in said and (found := DAY.search(file.name)):
        said["time"] = "-".join(found.groups())
    return said
