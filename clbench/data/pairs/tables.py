"""Reads pairs from tables: csv, tsv, jsonl, parquet and arrow, of which each row is a pair, and npz, of which
each array is a column. A data set that Hugging Face's `datasets` has saved is a folder of arrow files."""

import csv
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from clbench.data.pairs import dates
from clbench.data.pairs.images import as_pixels
from clbench.data.pairs.rows import Columns, Row, Rows, captions_in, is_missing, plain, slice_of, text_in
from clbench.errors import InputError, Unavailable

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow", ".npz")
SPLITS = "dataset_dict.json"  # beside the folders of a saved data set, each of them a side of its split
CHUNK = 5_000  # rows in memory at a time
LONGEST = 2**31 - 1  # characters of a field
UNNAMED = re.compile(r"__index_level_\d+__")  # column in which pandas writes an index without a name


class Chunk(NamedTuple):
    """Some rows of a table."""

    frame: Any  # of pandas
    lines: Sequence[int]  # the number of each row's line, or of the row itself


def suffix(path: Path) -> str:
    """The suffix of the table itself: .csv of pairs.csv and of pairs.csv.gz."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def stem(path: Path) -> str:
    """The name of the table without its suffixes."""
    return path.name.removesuffix(".gz").removesuffix(suffix(path))


def read(path: Path, root: Path, columns: Columns) -> Rows:
    """Yields the rows of one table below the root. Images in it are bytes, pixels, or paths below the table's
    folder.

    Folders named key=value on the way from the root are columns too. A row without a time has that of the
    first folder, where its name is a date. Raises InputError for a table that cannot be read or lacks a
    column.
    """
    if suffix(path) == ".npz":
        yield from _read_arrays(path, slice_of(path, root), columns)
        return
    slice_ = slice_of(path, root)
    for frame, lines in chunks(path, root):
        names = columns.names_in(list(frame.columns), path)
        lefts = frame[names.get("image") or names["text"]]
        captions = frame[names["caption"]]
        times = frame[names["time"]] if "time" in names else [dates.of_name(slice_)] * len(frame)
        uids = frame["uid"] if "uid" in frame else [None] * len(frame)
        for number, value, caption, when, uid in zip(lines, lefts, captions, times, uids, strict=True):
            place = place_of(path, number)
            problem = None
            left: bytes | str | None
            if "image" in names:
                left, problem = image_in(path, value, place)
            else:
                left = text_in(value, place)
            for text in captions_in(caption, place):
                yield Row(left, text, when, place, slice_, None if is_missing(uid) else str(uid), problem)


def pointed_at(path: Path, root: Path, columns: Columns) -> Iterator[str]:
    """Yields what the rows of a table say for the files that hold their images, where they are paths."""
    if suffix(path) == ".npz":
        return
    for frame, lines in chunks(path, root):
        names = columns.names_in(list(frame.columns), path)
        if "image" not in names:
            return
        for number, value in zip(lines, frame[names["image"]], strict=True):
            name = _name_or_bytes(value)
            if isinstance(name, str) and file_of(path, name, place_of(path, number)) is not None:
                yield name


def place_of(path: Path, number: int) -> str:
    """Where a row stands, for messages."""
    return f"{path.name}, {'row' if suffix(path) in ('.parquet', '.arrow') else 'line'} {number}"


def chunks(path: Path, root: Path) -> Iterator[Chunk]:
    """The table in pieces of at most CHUNK rows, with the columns that its folders give.

    Raises InputError for a file that is no such table.
    """
    given = dict(
        part.split("=", 1)
        for part in path.relative_to(root).parts[:-1]
        if not part.startswith("=") and "=" in part
    )
    if (root / SPLITS).is_file():
        given["split"] = path.relative_to(root).parts[0]
    kind = suffix(path)[1:]
    readers = {"parquet": _parquet_chunks, "arrow": _arrow_chunks, "jsonl": _json_chunks}
    try:
        for frame, lines in readers.get(kind, _text_chunks)(path):
            for name, value in given.items():
                if name not in frame:
                    frame[name] = unquote(value)
            yield Chunk(frame, lines)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{path} is not UTF-8: byte {byte:#04x} at {error.start} of a block") from error
    except (ValueError, OSError, EOFError, csv.Error, zlib.error) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as {kind}: {reason}") from error


def _text_chunks(path: Path) -> Iterator[Chunk]:
    """Of a csv or tsv, whose first line has the names of the columns; all cells are text."""
    import pandas as pd

    separator = _separator(path)
    rows = _tsv_rows(path) if separator == "\t" else _csv_rows(path, separator)
    header = next(rows, (1, [""]))[1]
    if twice := {name for name in header if header.count(name) > 1}:
        raise InputError(f"{path}: its first line has {sorted(twice)[0]!r} twice")
    while some := list(islice(rows, CHUNK)):
        frame = pd.DataFrame(
            [_filled(fields, len(header), path, line) for line, fields in some], columns=header
        )
        yield Chunk(frame, [line for line, _ in some])


def _filled(fields: list[str], width: int, path: Path, line: int) -> list[str]:
    """The fields of a line, with empty ones at its end where it has fewer than the header.

    Raises InputError where it has more.
    """
    if len(fields) > width:
        raise InputError(f"{path}, line {line}: {len(fields)} fields where the first line has {width}")
    return fields + [""] * (width - len(fields))


def _csv_rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, fields) of every row that is not empty.

    Raises InputError for a quote that is opened and not closed before a comma or the end of a line: it would
    swallow the rows in between.
    """
    with _open(path) as content:
        csv.field_size_limit(LONGEST)
        reader = csv.reader(content, delimiter=separator, strict=True)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(
                f"{path}, line {line}: a field begins with a quote that does not end it ({error}); "
                'within quotes a quote is written twice: "24"" monitor"'
            ) from None


def _tsv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number, fields) of every line that is not empty. A quote is a character like others, unless a field
    begins and ends with one.

    Raises InputError for a line that breaks off within a field in quotes.
    """
    width = 0
    with _open(path) as content:
        for number, line in enumerate(content, 1):
            fields = line.rstrip("\r\n").split("\t")
            if fields == [""]:
                continue
            width = width or len(fields)
            if len(fields) < width and fields[-1].startswith('"') and not _is_quoted(fields[-1]):
                raise InputError(
                    f"{path}, line {number}: {len(fields)} fields where the first line has {width}, the "
                    "last one with a quote that is not closed: a row is one line"
                )
            yield number, [field[1:-1].replace('""', '"') if _is_quoted(field) else field for field in fields]


def _is_quoted(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'


def _open(path: Path):
    """The text of a file, unpacked, without the mark that some write before UTF-8."""
    import gzip

    open_file = gzip.open if path.suffix == ".gz" else open
    return open_file(path, "rt", encoding="utf-8-sig", newline="")


def _separator(path: Path) -> str:
    """What separates the columns: tabs in a tsv; in a csv tabs or semicolons where its header has these and
    no comma, else commas."""
    if suffix(path) == ".tsv":
        return "\t"
    with _open(path) as content:
        header = content.readline()
    return next((one for one in "\t;" if one in header and "," not in header), ",")


def _json_chunks(path: Path) -> Iterator[Chunk]:
    import pandas as pd

    with _open(path) as content:
        rows = ((number, line) for number, line in enumerate(content, 1) if line.strip())
        while some := list(islice(rows, CHUNK)):
            frame = pd.DataFrame([_object_in(line, path, number) for number, line in some], dtype=object)
            yield Chunk(frame, [number for number, _ in some])


def _object_in(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as jsonl: line {number}: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} cannot be read as jsonl: line {number} is no object")
    return {plain(name): plain(value) for name, value in content.items()}


def _parquet_chunks(path: Path) -> Iterator[Chunk]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise Unavailable("parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    start = 1
    with pyarrow.parquet.ParquetFile(path) as table:
        for batch in table.iter_batches(CHUNK):
            yield Chunk(_frame_of(batch), range(start, start + len(batch)))
            start += len(batch)


def _arrow_chunks(path: Path) -> Iterator[Chunk]:
    """Of a stream of arrow. Numbers of classes become their names, where the schema has them."""
    import pyarrow

    start = 1
    with pyarrow.memory_map(os.fspath(path)) as content, pyarrow.ipc.open_stream(content) as table:
        names = _class_names(table.schema.metadata or {})
        for batch in table:
            for first in range(0, len(batch), CHUNK):
                frame = _frame_of(batch.slice(first, CHUNK))
                for column, called in names.items():
                    frame[column] = [called[one] if 0 <= one < len(called) else None for one in frame[column]]
                yield Chunk(frame, range(start, start + len(frame)))
                start += len(frame)


def _frame_of(batch: Any) -> Any:
    """All columns of some rows: that of an index, too, if it has a name."""
    frame = batch.to_pandas(ignore_metadata=True)
    return frame.drop(columns=[name for name in frame if UNNAMED.fullmatch(name)])


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """column -> names of its classes, as `datasets` writes them into a schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        labels = {name: one for name, one in features.items() if one.get("_type") == "ClassLabel"}
        return {name: [str(called) for called in one["names"]] for name, one in labels.items()}
    except (KeyError, ValueError, TypeError, AttributeError):  # written by something else
        return {}


def image_in(path: Path, value: object, place: str) -> tuple[bytes | None, str | None]:
    """(the encoded image that the cell holds or names, None), or (None, why there is none).

    Raises InputError for a path that leads out of the table's folder.
    """
    named = _name_or_bytes(value)
    if isinstance(named, bytes):
        return named, None
    file = None if named is None else file_of(path, named, place)
    if file is None:
        return None, "no image"
    if not os.path.isfile(file):
        return None, "an image file that is not there"
    return file.read_bytes(), None


def _name_or_bytes(value: Any) -> bytes | str | None:
    """What an image's cell holds: the encoded image, or the name of its file; None for nothing."""
    if isinstance(value, dict):  # of the library datasets: "bytes" or "path"
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    return None if is_missing(value) else str(value) or None


def file_of(path: Path, name: str, place: str) -> Path | None:
    """The file that a table's cell names; None for what no file can be called.

    The path is judged as it is written: it may not lead out of the table's folder, where links of the user's
    own may. Raises InputError for one that does.
    """
    if "\0" in name or any(len(part.encode("utf-8", "replace")) > 255 for part in name.split("/")):
        return None
    root = os.path.abspath(path.parent)
    file = os.path.normpath(os.path.join(root, name))
    if os.path.commonpath([root, file]) != root:
        raise InputError(
            f"{place}: the image {name} lies outside {path.parent}; move it below, or link to it"
        )
    return Path(file)


def _read_arrays(path: Path, slice_: str, columns: Columns) -> Rows:
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
        yield Row(left[i], str(caption), when[i], f"{path.name}, row {i}", slice_)
