"""Turns files of dated pairs into arrays, once, and keeps them in a folder of the user's cache.

    <cache>/clbench/streams/<fingerprint>/   left.u8 or left.npy, right.npy, rows.npz, about.json

From then on they are mapped into memory. The fingerprint is of the files' contents and of the options,
never of names of folders or times of files. Benchmarks of pairs call `load` for files and `embedded` for
what code makes.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clbench.data import files, sums, word_vectors
from clbench.data.cache import make_folder
from clbench.data.pairs import dates, slices, tic, words
from clbench.data.pairs.images import NARROW, Unreadable, decode, resize
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.data.pairs.sources import VERSION, Source, natural_order
from clbench.errors import InputError

COMMON = 0.05  # a text that more than this share of the rows have gets a note


@dataclass(frozen=True)
class Options:
    """How files are read and cut into slices."""

    columns: Columns = field(default_factory=Columns)
    unit: dates.Unit = "iso"  # of times that are numbers
    by: str | tuple[str, ...] = "year"  # year | quarter | month | quantile | name, or edges
    count: int | None = None  # of slices, by quantile
    min_rows: int = 500  # neighbours on the calendar are joined until each slice has so many
    n_test: int | None = None  # test pairs of a slice; None: as many as every slice has, up to 400
    held_out: float = 1 / 6  # share of the pairs from which test pairs are taken
    most: int | None = None  # training pairs of a slice
    least: int = 128  # training pairs that a slice must have: a batch
    size: int | None = None  # of images; None: 32, or as they are in an npz
    length: int = 24  # words of a text
    buckets: int = 2048  # different numbers that words may have
    tokens: str = "words"  # words | clip: CLIP's byte pairs, `length` of them | wordllama: its own pieces
    only: str | None = None  # a list of uids: leave out all others (TiC's training lists)
    exclude: str | None = None  # a list of uids to leave out (TiC's evaluation lists)


def load(path: Path, options: Options, test: Path | None = None) -> Pairs:
    """The pairs of a table, or of all tables and tar files below a folder.

    test: the same for test pairs that the user keeps apart; without it some of the pairs are held out.
    Raises InputError for files that cannot be read and for pairs that cannot be cut as the options say.
    """
    train = Source.at(path)
    tested = Source.at(test) if test else None
    fingerprint = _fingerprint(train, tested, options)

    def rows() -> Rows:
        return train.rows(options.columns)

    def test_rows() -> Rows:
        return tested.rows(options.columns) if tested else iter(())

    beside = [file for source in (train, tested) if source for file in source.metadata]
    notes = []
    if beside:
        notes.append(
            f"tables beside tar files of the same name are their metadata and are not read: {beside[0].name}"
            + (f" and {len(beside) - 1} more" if len(beside) > 1 else "")
        )
    return _load_or_build(fingerprint, rows, test_rows, options, str(path), notes)


def embedded(name: str, rows: Callable[[], Rows], options: Options) -> Pairs:
    """The pairs that the function `rows` yields.

    The name stands for them in the fingerprint, so it has a version.
    """
    fingerprint = sums.digest([VERSION, name, asdict(options)])
    return _load_or_build(fingerprint, rows, lambda: iter(()), options, name, [])


def _load_or_build(
    fingerprint: str,
    rows: Callable[[], Rows],
    test_rows: Callable[[], Rows],
    options: Options,
    source: str,
    notes: list[str],
) -> Pairs:
    """The pairs of this fingerprint; reads the rows if the cache has no folder for it yet."""
    folder = files.folders()[-1] / "streams" / fingerprint
    if not os.path.isfile(folder / "about.json"):
        make_folder(folder, lambda part: _Builder(part, options, source, notes).build(rows, test_rows))
    return _open(folder, fingerprint)


def _fingerprint(train: Source, test: Source | None, options: Options) -> str:
    """A digest of the files' names below their roots, of their contents and of those that rows point to, and
    of the options."""
    settings = {**asdict(options), "only": options.only is not None, "exclude": options.exclude is not None}
    content: list[Any] = [VERSION, settings]
    pointed = []
    for source in (train, test):
        listed, theirs = source.contents(options.columns) if source else ([], [])
        content.append(listed)
        pointed += theirs
    content.append([sums.of([Path(name)], Path(name))[0] for name in (options.only, options.exclude) if name])
    return sums.digest([*content, pointed] if pointed else content)


# ---- building


class _Builder:
    """Collects rows, writes images to disk as they come, cuts the slices at the end, and writes all else."""

    def __init__(self, folder: Path, options: Options, source: str, notes: list[str]):
        self.folder = folder
        self.options = options
        self.source = source
        self.given_notes = notes
        self.brightest: int | None = None  # value in images of 16 bits
        self.only = tic.read_uids(Path(options.only)) if options.only else None
        self.exclude = tic.read_uids(Path(options.exclude)) if options.exclude else None
        self.skipped: Counter[str] = Counter()  # rows left out, by reason
        self.shape: tuple[int, ...] | None = None  # of all images
        self.left_texts: list[str] = []  # empty where the left sides are images
        self.right_texts: list[str] = []
        self.left_keys: list[bytes] = []  # equal where left sides are equal
        self.when: list[object] = []
        self.places: list[str] = []
        self.slices: list[str] = []
        self.uids: list[str | None] = []
        self.tested: list[bool] = []

    def build(self, rows: Callable[[], Rows], test_rows: Callable[[], Rows]) -> None:
        with open(self.folder / "left.u8", "wb") as left:
            self.add_all(rows(), False, left)
            self.add_all(test_rows(), True, left)
        if not self.right_texts:
            reasons = ", ".join(f"{count} with {why}" for why, count in self.skipped.items())
            raise InputError(f"{self.source}: no pair could be read" + (f" ({reasons})" if reasons else ""))
        self.write(self.cut())

    def add_all(self, rows: Rows, tested: bool, left: BinaryIO) -> None:
        for row in rows:
            try:
                self.add(row, tested, left)
            except Unreadable as reason:
                self.skipped[str(reason)] += 1

    def add(self, row: Row, tested: bool, left: BinaryIO) -> None:
        """Takes one row, and writes its image to the file `left`.

        Raises Unreadable for a row that is left out.
        """
        if row.problem:
            raise Unreadable(row.problem)
        if not row.right.strip():
            raise Unreadable("empty caption")
        if row.left is None:
            raise Unreadable("no image")
        if not self.wants(tic.parse_uid(row.uid)):
            raise Unreadable("uid not wanted")
        if isinstance(row.left, str) and not row.left.strip():
            raise Unreadable("empty text")
        if self.options.tokens == "words" and not all(
            words.split(text) for text in (row.left, row.right) if isinstance(text, str)
        ):
            raise Unreadable("text without a word")
        if isinstance(row.left, str):
            self.left_texts.append(row.left)
            self.left_keys.append(row.left.encode())
        else:
            content = self.image(row.left, row.place).tobytes()
            left.write(content)
            self.left_keys.append(hashlib.blake2b(content, digest_size=16).digest())
        self.right_texts.append(row.right)
        self.when.append(row.when)
        self.places.append(row.place)
        self.slices.append(row.slice)
        self.uids.append(row.uid)
        self.tested.append(tested)

    def wants(self, uid: int | None) -> bool:
        """Whether the user's lists of uids let this one in."""
        if self.only is not None and uid not in self.only:
            return False
        return self.exclude is None or uid not in self.exclude

    def image(self, left: bytes | np.ndarray, place: str) -> np.ndarray:
        """The row's image, [h, w, 3] uint8 of the same size for all rows."""
        if isinstance(left, bytes):
            decoded = decode(left, self.options.size or 32)
            image = decoded.pixels
            if decoded.brightest is not None:
                self.brightest = max(decoded.brightest, self.brightest or 0)
        else:
            image = resize(left, self.options.size)
        if self.shape not in (None, image.shape):
            raise InputError(f"{place}: an image of {image.shape} among images of {self.shape}; give size=")
        self.shape = image.shape
        return image

    def encode(self, texts: list[str]) -> np.ndarray:
        """The texts as numbers, [n, length] int64."""
        options = self.options
        if options.tokens == "clip":
            return words.clip_tokens(texts, options.length)
        if options.tokens == word_vectors.NAME:
            return word_vectors.pieces(texts, options.length)
        return words.hash_words(texts, options.buckets, options.length)

    def cut(self) -> slices.Slices:
        """The slices of all rows, with their training and test pairs."""
        options = self.options
        limits = slices.Limits(options.n_test, options.held_out, options.most, options.least)
        right_digests = slices.digests(text.encode() for text in self.right_texts)
        keys = np.stack([slices.digests(self.left_keys), right_digests], 1)
        names: Sequence[str]
        if options.by == "name":
            names = sorted(set(self.slices), key=lambda name: natural_order(Path(name)))
            place = np.array([names.index(name) for name in self.slices])
        elif all(when is None for when in self.when):
            raise InputError(
                f"{self.source}: no time; name its column with time=, or cut by files and "
                'folders with by="name"'
            )
        else:
            when = dates.read(self.when, options.unit, self.places, self.source)
            place, names = slices.cut(when, options.by, options.count, options.min_rows)
        tested = np.array(self.tested)
        if not tested.any():
            return slices.hold_out(place, names, keys, limits)
        return slices.split_as_given(place, names, keys, tested, self.uids, limits)

    def write(self, cut: slices.Slices) -> None:
        if self.left_texts:
            np.save(self.folder / "left.npy", self.encode(self.left_texts))
            (self.folder / "left.u8").unlink()
        np.save(self.folder / "right.npy", self.encode(self.right_texts))
        arrays: dict[str, Any] = {f"train{t}": rows for t, rows in enumerate(cut.train)}
        arrays |= {f"test{t}": rows for t, rows in enumerate(cut.test)}
        np.savez(self.folder / "rows.npz", group=cut.group, **arrays)
        about = {
            "names": list(map(str, cut.names)),
            "shape": self.shape,
            "skipped": dict(self.skipped + Counter(cut.left_out)),
            "notes": self.notes(cut.names),
        }
        (self.folder / "about.json").write_text(json.dumps(about), encoding="utf-8")

    def notes(self, names: Sequence[str]) -> list[str]:
        """What a reader of the results should know."""
        notes = list(self.given_notes)
        text, often = Counter(self.right_texts).most_common(1)[0]
        if often > COMMON * len(self.right_texts):
            notes.append(
                f'"{text}" is the text of {often} of {len(self.right_texts)} pairs: recall cannot reach 1'
            )
        if self.brightest is not None and self.brightest < NARROW:
            notes.append(
                f"the brightest pixel of all images of 16 bits is {self.brightest} of 65535, so they are "
                f"dark: scale them up if they hold {self.brightest.bit_length()} bits"
            )
        if len(names) == 1:
            notes.append("there is one slice, so nothing changes with time: cut it otherwise with by=")
        return notes


def _open(folder: Path, fingerprint: str) -> Pairs:
    """The pairs of a folder of the cache; both sides are mapped into memory."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    count = len(about["names"])
    with np.load(folder / "rows.npz") as rows:
        group = rows["group"]
        train = tuple(rows[f"train{t}"] for t in range(count))
        test = tuple(rows[f"test{t}"] for t in range(count))
    right = np.load(folder / "right.npy", mmap_mode="r")
    if about["shape"]:
        shape = tuple(about["shape"])
        left = np.memmap(folder / "left.u8", np.uint8, "r").reshape(len(right), -1)
    else:
        shape = None
        left = np.load(folder / "left.npy", mmap_mode="r")
    return Pairs(
        left,
        right,
        group,
        train,
        test,
        tuple(about["names"]),
        shape,
        fingerprint,
        about["skipped"],
        tuple(about["notes"]),
    )
