"""Turns a user's labelled files into arrays, once, and keeps them in a folder of the user's cache."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clbench.data import files, sums, word_vectors
from clbench.data.cache import make_folder
from clbench.data.labelled import arrays, torchvision_sets
from clbench.data.labelled.blocks import (
    Block,
    LabelColumns,
    beside_images,
    images_below,
    of_folder,
    of_table,
    others_below,
)
from clbench.data.labelled.building import Builder, OtherSize
from clbench.data.labelled.found import Found, open_folder
from clbench.data.pairs import dates
from clbench.data.pairs.sources import Source
from clbench.errors import InputError

VERSION = 1  # of the stored form; another number gives all data another fingerprint
FOLDER = "labelled-4"  # another name reads all data anew


@dataclass(frozen=True)
class Options:
    """How files are read."""

    columns: LabelColumns = field(default_factory=LabelColumns)
    unit: dates.Unit = "iso"  # of times that are numbers
    timed: bool = False  # times are needed: what is no date stops the reading
    size: int | None = None  # of images; None: as they are if all are alike and small, else 32
    buckets: int = 4096  # numbers that a text becomes
    vectors: bool = False  # a text becomes the mean of pretrained word vectors instead
    size_of_arrays: int | None = None  # of pictures in arrays; None: as they are

    def content(self) -> dict[str, Any]:
        """What the fingerprint has of it."""
        said = asdict(self)
        del said["size_of_arrays"]  # which arrays alone follow
        if not said.pop("vectors"):
            return said
        weights = word_vectors.weights()
        return said | {"vectors": sums.of([weights], weights)[0]}


def load(path: Path | str, options: Options, test: Path | None = None) -> Found:
    """The rows of a table, of all tables or images below a folder, of arrays, or of a set of torchvision.

    test: the same for test rows that the user keeps apart. Raises InputError for files that cannot be read
    and for rows that are no labelled examples.
    """
    if isinstance(path, str):
        return torchvision_sets.load(path.removeprefix(torchvision_sets.PREFIX), options.size)
    with beside_images(path):
        return _load(path, options, test)


def _load(path: Path, options: Options, test: Path | None) -> Found:
    readers = [_reader(path, options)] + ([_reader(test, options)] if test else [])
    content = [VERSION, options.content(), *(reader.content for reader in readers)]
    fingerprint = sums.digest(content)
    folder = files.folders()[-1] / FOLDER / fingerprint
    if not os.path.isfile(folder / "about.json"):
        make_folder(folder, lambda part: _build(part, readers, options, str(path)))
    return open_folder(folder, fingerprint)


@dataclass(frozen=True)
class _Reader:
    content: Any  # names and sums of all that is read
    blocks: Callable[[], Iterator[Block]] | None  # None: arrays, which are there at once
    found: Callable[[], Found] | None = None
    others: Callable[[], dict[str, int]] = dict  # files that are not read


def _reader(path: Path, options: Options) -> _Reader:
    columns = options.columns
    if arrays.are_arrays(path):
        parts = arrays.files_of(path)
        content: list = [[part.name, sums.of([part], path)[0]] for part in parts]
        content += [options.size_of_arrays] if options.size_of_arrays else []
        return _Reader(content, None, lambda: arrays.read(path, options))
    images = images_below(path) if path.is_dir() and not _has_tables(path) else []
    if images:
        found = sums.of(images, path)
        content = [[file.relative_to(path).as_posix(), one] for file, one in zip(images, found, strict=True)]
        return _Reader(content, lambda: of_folder(path, images, columns), others=lambda: others_below(path))
    try:
        source = Source.at(path)
    except InputError as error:
        raise InputError(f"{error}, or of images in folders of their classes") from None
    if tars := [file for file in source.files if file.suffix == ".tar"]:
        raise InputError(f"{tars[0]}: tar files hold pairs, not labelled examples: unpack them")

    def blocks() -> Iterator[Block]:
        for table in source.files:
            yield from of_table(table, source.root, columns)

    return _Reader(source.contents(columns), blocks)  # type: ignore[arg-type]


def _has_tables(path: Path) -> bool:
    try:
        Source.at(path)
    except InputError:
        return False
    return True


def _build(folder: Path, readers: list[_Reader], options: Options, source: str) -> None:
    if any(reader.blocks is None for reader in readers):
        if len(readers) > 1:
            raise InputError(f"{source}: arrays have their test rows in an array split, not in test=")
        assert readers[0].found is not None
        readers[0].found().save(folder)
        return

    def build(size: int | None) -> None:
        with open(folder / "x.u8", "wb") as inputs:
            builder = Builder(
                inputs, options.unit, options.timed, size, options.buckets, source, options.vectors
            )
            for number, reader in enumerate(readers):
                assert reader.blocks is not None
                builder.skipped.update(reader.others())
                for block in reader.blocks():
                    builder.add(block, side=None if len(readers) == 1 else ("train", "test")[number])
        builder.found(folder).save(folder)

    try:
        build(options.size)
    except OtherSize:  # they differ: all get one size
        build(32)
