"""Files of dated pairs made into arrays, once: a folder of the user's cache, from then on mapped into memory.

    <cache>/clbench/streams/<fingerprint>/   left.u8 or left.npy, right.npy, rows.npz, about.json
The fingerprint is of the files' contents and of the options, never of names of folders or times of files.
"""
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from clbench.data import files
from clbench.data.pairs import dates, shards, slices, tables, tic, words
from clbench.data.pairs.images import Unreadable, pixels, resized
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.errors import InputError

VERSION = 1                      # of what is stored; a change makes all folders anew
COMMON = 0.05                    # one text for more of the rows than this gets a note


@dataclass(frozen=True)
class Options:
    """How files are read and cut."""

    columns: Columns = field(default_factory=Columns)
    unit: dates.Unit = "iso"             # of times that are numbers
    by: str | tuple[str, ...] = "year"   # year | quarter | month | quantile | name, or edges
    count: int | None = None             # of slices, by quantile
    min_rows: int = 500                  # neighbouring slices are joined until each has so many
    n_test: int | None = None            # test pairs of a slice; None: as many as every slice has, up to 400
    held_out: float = 1 / 6              # share of the pairs from which test pairs are taken
    most: int | None = None              # training pairs of a slice
    least: int = 128                     # training pairs that a slice must have: a batch
    size: int | None = None              # of images; None: 32, or as they are in an npz
    length: int = 24                     # words of a text
    buckets: int = 2048                  # numbers that words may have
    tokens: str = "words"                # or clip: the byte pairs of CLIP, `length` of them
    only: str | None = None              # a list of uids: leave out all others (TiC's training lists)
    exclude: str | None = None           # a list of uids to leave out (TiC's evaluation lists)


def load(path: Path, options: Options, test: Path | None = None) -> Pairs:
    """The pairs of a table, or of all tables and tar files below a folder; test: the same for test pairs given apart."""
    listed = [_files(path), _files(test) if test else []]

    def rows(given: bool) -> Rows:
        return _rows(listed[given], test if given else path, options.columns)
    return _stored(_fingerprint(listed, [path, test], options), rows, options, str(path))


def embedded(name: str, rows: Callable[[], Rows], options: Options) -> Pairs:
    """The pairs of a set that code makes; its name says the version too."""
    fingerprint = hashlib.sha256(json.dumps([VERSION, name, asdict(options)], sort_keys=True).encode()).hexdigest()[:16]
    return _stored(fingerprint, lambda given: iter(()) if given else rows(), options, name)


def _stored(fingerprint: str, rows: Callable[[bool], Rows], options: Options, source: str) -> Pairs:
    folder = files.folders()[-1] / "streams" / fingerprint
    if not (folder / "about.json").is_file():
        _build(folder, rows, options, source)
    return _opened(folder, fingerprint)


# ---- reading

def _files(path: Path) -> list[Path]:
    if path.is_file():
        found = [path] if _readable(path) else []
    elif path.is_dir():
        found = sorted((one for one in path.rglob("*") if one.is_file() and _readable(one)), key=_natural)
    else:
        raise InputError(f"{path} is not there")
    if not found:
        raise InputError(f"{path}: nothing to read; give a table ({', '.join(tables.SUFFIXES)}, also .gz), or a folder of tables "
                         "or .tar files")
    return found


def _readable(path: Path) -> bool:
    return path.suffix == ".tar" or tables.suffix(path) in tables.SUFFIXES


def _natural(path: Path) -> list:
    """batch_2 before batch_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(path))]


def _fingerprint(listed: list[list[Path]], roots: list[Path | None], options: Options) -> str:
    content = [VERSION, {**asdict(options), "only": options.only is not None, "exclude": options.exclude is not None}]
    for part, root in zip(listed, roots, strict=True):
        content.append([[_within(root, path), path.stat().st_size, _sha256(path)] for path in part])
    content.append([_sha256(Path(name)) for name in (options.only, options.exclude) if name])
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _within(root: Path, path: Path) -> str:
    return path.name if path == root else path.relative_to(root).as_posix()


def _sha256(path: Path) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _rows(listed: list[Path], root: Path, columns: Columns) -> Rows:
    for path in listed:
        if path.suffix == ".tar":
            yield from shards.read(path, root if root.is_dir() else path.parent, columns)
        else:
            yield from tables.read(path, columns)


# ---- building

def _build(folder: Path, rows: Callable[[bool], Rows], options: Options, source: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="being made "))
    try:
        _Builder(made, options, source).build(rows)
        try:
            os.replace(made, folder)
        except OSError:
            if not (folder / "about.json").is_file():            # another process was first: its folder is the same
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


class _Builder:
    """Rows as they come, into one folder."""

    def __init__(self, folder: Path, options: Options, source: str):
        self.folder, self.options, self.source, self.skipped = folder, options, source, Counter()
        self.left_texts: list[str] = []
        self.right_texts: list[str] = []
        self.left_keys: list[bytes] = []
        self.when, self.places, self.slices, self.uids, self.tested = [], [], [], [], []
        self.shape: tuple[int, ...] | None = None
        self.only, self.exclude = (tic.uids(Path(name)) if name else None for name in (options.only, options.exclude))

    def build(self, rows: Callable[[bool], Rows]) -> None:
        with open(self.folder / "left.u8", "wb") as left:
            for given in (False, True):
                for row in rows(given):
                    try:
                        self.add(row, given, left)
                    except Unreadable as reason:
                        self.skipped[str(reason)] += 1
        if not self.right_texts:
            reasons = ", ".join(f"{count} with {why}" for why, count in self.skipped.items())
            raise InputError(f"{self.source}: no pair could be read" + (f" ({reasons})" if reasons else ""))
        self.write(self.cut())

    def add(self, row: Row, given: bool, left) -> None:
        if not row.right.strip():
            raise Unreadable("empty caption")
        if row.left is None:
            raise Unreadable("no image")
        uid = tic.number(row.uid)
        if (self.only is not None and uid not in self.only) or (self.exclude is not None and uid in self.exclude):
            raise Unreadable("uid not wanted")
        if isinstance(row.left, str):
            if not row.left.strip():
                raise Unreadable("empty text")
            self.left_texts.append(row.left)
            self.left_keys.append(row.left.encode())
        else:
            image = pixels(row.left, self.options.size or 32) if isinstance(row.left, bytes) else \
                resized(row.left, self.options.size)
            if self.shape not in (None, image.shape):
                raise InputError(f"{row.place}: an image of {image.shape} among images of {self.shape}; give size=")
            self.shape = image.shape
            self.left_keys.append(image.tobytes())
            left.write(self.left_keys[-1])
            self.left_keys[-1] = hashlib.blake2b(self.left_keys[-1], digest_size=16).digest()
        self.right_texts.append(row.right)
        self.when.append(row.when)
        self.places.append(row.place)
        self.slices.append(row.slice)
        self.uids.append(row.uid)
        self.tested.append(given)

    def numbered(self, texts: list[str]) -> np.ndarray:
        options = self.options
        return words.of_clip(texts, options.length) if options.tokens == "clip" else \
            words.numbered(texts, options.buckets, options.length)

    def cut(self) -> slices.Slices:
        options, tested = self.options, np.array(self.tested)
        keys = np.stack([slices.digests(self.left_keys), slices.digests(text.encode() for text in self.right_texts)], 1)
        limits = slices.Limits(options.n_test, options.held_out, options.most, options.least)
        if options.by == "name":
            names = sorted(set(self.slices), key=lambda name: _natural(Path(name)))
            place = np.array([names.index(name) for name in self.slices])
        elif all(when is None for when in self.when):
            raise InputError(f'{self.source}: no time; name its column with time=, or cut by files and folders with by="name"')
        else:
            when = dates.read(self.when, options.unit, self.places, self.source)
            place, names = slices.cut(when, options.by, options.count, options.min_rows)
        if not tested.any():
            return slices.hold_out(place, names, keys, limits)
        return slices.given(place, names, keys, tested, self.uids, limits)

    def write(self, cut: slices.Slices) -> None:
        if self.left_texts:
            np.save(self.folder / "left.npy", self.numbered(self.left_texts))
            (self.folder / "left.u8").unlink()
        np.save(self.folder / "right.npy", self.numbered(self.right_texts))
        arrays = {f"{side}{t}": rows for side in ("train", "test") for t, rows in enumerate(getattr(cut, side))}
        np.savez(self.folder / "rows.npz", group=cut.group, **arrays)
        text, often = Counter(self.right_texts).most_common(1)[0]
        notes = [f'"{text}" is the text of {often} of {len(self.right_texts)} pairs: recall cannot reach 1'] \
            if often > COMMON * len(self.right_texts) else []
        about = {"names": list(map(str, cut.names)), "shape": self.shape, "skipped": dict(self.skipped + Counter(cut.left_out)),
                 "notes": notes}
        (self.folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _opened(folder: Path, fingerprint: str) -> Pairs:
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    with np.load(folder / "rows.npz") as rows:
        count = len(about["names"])
        group, (train, test) = rows["group"], ([rows[f"{side}{t}"] for t in range(count)] for side in ("train", "test"))
    right, shape = np.load(folder / "right.npy", mmap_mode="r"), about["shape"]
    left = np.memmap(folder / "left.u8", np.uint8, "r").reshape(len(right), -1) if shape else np.load(folder / "left.npy", "r")
    return Pairs(left, right, group, tuple(train), tuple(test), tuple(about["names"]), tuple(shape) if shape else None,
                 fingerprint, about["skipped"], tuple(about["notes"]))
