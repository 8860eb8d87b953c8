"""Pairs in tables: csv, tsv, jsonl, parquet (each row a pair), and npz (each array a column)."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clbench.data.pairs.images import as_pixels
from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.errors import InputError, Unavailable

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".npz")
CHUNK = 5_000                    # rows in memory at a time


def suffix(path: Path) -> str:
    """.csv of pairs.csv and of pairs.csv.gz."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def read(path: Path, columns: Columns) -> Rows:
    """The rows of one table. Images in it are bytes, pixels, or paths below the table's folder."""
    if suffix(path) == ".npz":
        yield from _arrays(path, columns)
        return
    number = 1 if suffix(path) in (".csv", ".tsv") else 0        # a header stands on the first line
    for chunk in _chunks(path):
        names = columns.among(list(chunk.columns), path)
        left = names.get("image") or names["text"]
        times = chunk[names["time"]] if "time" in names else [None] * len(chunk)
        uids = chunk["uid"] if "uid" in chunk else [None] * len(chunk)
        for one, caption, when, uid in zip(chunk[left], chunk[names["caption"]], times, uids, strict=True):
            number += 1
            place = f"{path.name}, {'row' if suffix(path) == '.parquet' else 'line'} {number}"
            content = _image(path, one, place) if "image" in names else _text(one)
            yield Row(content, _text(caption), when, place, path.name, None if uid is None or uid != uid else str(uid))


def _chunks(path: Path) -> Iterator:
    import pandas as pd

    as_written = {"dtype": str, "keep_default_na": False, "encoding": "utf-8", "chunksize": CHUNK}
    try:
        if suffix(path) == ".parquet":
            yield from _parquet(path)
        elif suffix(path) == ".jsonl":
            yield from pd.read_json(path, lines=True, chunksize=CHUNK, dtype=False, encoding="utf-8")
        else:
            yield from pd.read_csv(path, sep="\t" if _tabs(path) else ",", **as_written)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte {error.object[error.start]:#04x} at {error.start} of a block") from error
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read as {suffix(path)[1:]}: {str(error).splitlines()[0]}") from error


def _tabs(path: Path) -> bool:
    """Tabs for tsv, and for a csv whose header has them and no comma, as TiC's have."""
    import gzip

    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as content:
        header = content.readline()
    return suffix(path) == ".tsv" or b"\t" in header and b"," not in header


def _parquet(path: Path) -> Iterator:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise Unavailable("parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    with pyarrow.parquet.ParquetFile(path) as table:
        for batch in table.iter_batches(CHUNK):
            yield batch.to_pandas()


def _image(path: Path, value, place: str) -> bytes | None:
    """The encoded image; None where its file is not there."""
    if isinstance(value, dict):                                  # as datasets write it: {"bytes": …, "path": …}
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    root = path.parent.resolve()
    try:
        file = (root / str(value)).resolve()
        there = file.is_file()
    except (OSError, ValueError):                                # too long for a path, or no text of one
        return None
    if not file.is_relative_to(root):
        raise InputError(f"{place}: the image {value} lies outside {path.parent}; move it below")
    return file.read_bytes() if there else None


def _text(value) -> str:
    return value if isinstance(value, str) else ""               # pandas' NaN and None are no text


def _arrays(path: Path, columns: Columns) -> Rows:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = columns.among(archive.files, path)
            arrays = {kind: archive[name] for kind, name in names.items()}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise InputError(f"{path} cannot be read as npz without pickle: {str(error).splitlines()[0]}; "
                         "save captions as an array of text, not of objects") from error
    lengths = {name: len(arrays[kind]) for kind, name in names.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{path}: arrays of different length: {', '.join(f'{name} {n}' for name, n in lengths.items())}")
    left = as_pixels(arrays["image"]) if "image" in arrays else arrays["text"].tolist()
    when = arrays.get("time", np.full(len(left), None))
    when = when.astype("datetime64[D]").astype(str) if when.dtype.kind == "M" else when
    for i, caption in enumerate(arrays["caption"].tolist()):
        yield Row(left[i], str(caption), when[i], f"{path.name}, row {i}", path.name)
