"""Reads pairs from tables: csv, tsv, jsonl and parquet, of which each row is a pair, and npz, of which each
array is a column."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clbench.data.pairs.images import as_pixels
from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.errors import InputError, Unavailable

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".npz")
CHUNK = 5_000  # rows in memory at a time


def suffix(path: Path) -> str:
    """The suffix of the table itself: .csv of pairs.csv and of pairs.csv.gz."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def read(path: Path, columns: Columns) -> Rows:
    """Yields the rows of one table. Images in it are bytes, pixels, or paths below the table's folder.

    Raises InputError for a table that cannot be read or lacks a column.
    """
    if suffix(path) == ".npz":
        yield from _read_arrays(path, columns)
        return
    line = "row" if suffix(path) == ".parquet" else "line"
    number = 1 if suffix(path) in (".csv", ".tsv") else 0  # a header stands on the first line
    for chunk in _chunks(path):
        names = columns.names_in(list(chunk.columns), path)
        lefts = chunk[names.get("image") or names["text"]]
        captions = chunk[names["caption"]]
        times = chunk[names["time"]] if "time" in names else [None] * len(chunk)
        uids = chunk["uid"] if "uid" in chunk else [None] * len(chunk)
        for value, caption, when, uid in zip(lefts, captions, times, uids, strict=True):
            number += 1
            place = f"{path.name}, {line} {number}"
            left = _image(path, value, place) if "image" in names else _text(value)
            missing = uid is None or uid != uid  # pandas' NaN
            yield Row(left, _text(caption), when, place, path.name, None if missing else str(uid))


def _chunks(path: Path) -> Iterator:
    """The table in pandas frames of at most CHUNK rows.

    Raises InputError for a file that is no such table.
    """
    import pandas as pd

    as_written = {"dtype": str, "keep_default_na": False, "encoding": "utf-8", "chunksize": CHUNK}
    try:
        if suffix(path) == ".parquet":
            yield from _parquet_chunks(path)
        elif suffix(path) == ".jsonl":
            yield from pd.read_json(path, lines=True, chunksize=CHUNK, dtype=False, encoding="utf-8")
        else:
            yield from pd.read_csv(path, sep="\t" if _has_tabs(path) else ",", **as_written)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{path} is not UTF-8: byte {byte:#04x} at {error.start} of a block") from error
    except (ValueError, OSError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be read as {suffix(path)[1:]}: {reason}") from error


def _has_tabs(path: Path) -> bool:
    """Whether tabs separate the columns: in a tsv, and in a csv whose header has tabs, no comma."""
    import gzip

    open_file = gzip.open if path.suffix == ".gz" else open
    with open_file(path, "rb") as content:
        header = content.readline()
    return suffix(path) == ".tsv" or b"\t" in header and b"," not in header


def _parquet_chunks(path: Path) -> Iterator:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise Unavailable("parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    with pyarrow.parquet.ParquetFile(path) as table:
        for batch in table.iter_batches(CHUNK):
            yield batch.to_pandas()


def _image(path: Path, value, place: str) -> bytes | None:
    """The encoded image that the cell holds or names; None where its file is not there.

    Raises InputError for a path that leads out of the table's folder.
    """
    if isinstance(value, dict):  # of the library datasets: "bytes" or "path"
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    root = path.parent.resolve()
    try:
        file = (root / str(value)).resolve()
        there = file.is_file()
    except (OSError, ValueError):  # too long for a path, or no text of one
        return None
    if not file.is_relative_to(root):
        raise InputError(f"{place}: the image {value} lies outside {path.parent}; move it below")
    return file.read_bytes() if there else None


def _text(value) -> str:
    return value if isinstance(value, str) else ""  # pandas' NaN and None are no text


def _read_arrays(path: Path, columns: Columns) -> Rows:
    """Yields the rows of an npz file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = columns.names_in(archive.files, path)
            arrays = {kind: archive[name] for kind, name in names.items()}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as npz without pickle: {str(error).splitlines()[0]}; "
            "save captions as an array of text, not of objects"
        ) from error
    lengths = {name: len(arrays[kind]) for kind, name in names.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"{path}: arrays of different length: {listed}")
    left = as_pixels(arrays["image"]) if "image" in arrays else arrays["text"].tolist()
    when = arrays.get("time", np.full(len(left), None))
    if when.dtype.kind == "M":  # numpy's own dates
        when = when.astype("datetime64[D]").astype(str)
    for i, caption in enumerate(arrays["caption"].tolist()):
        yield Row(left[i], str(caption), when[i], f"{path.name}, row {i}", path.name)
