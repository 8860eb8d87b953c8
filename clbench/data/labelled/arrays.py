"""Labelled arrays: of an npz or npy files, or as a program has them."""

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clbench.data.labelled import blocks, cells, features
from clbench.data.labelled.blocks import LabelColumns
from clbench.data.labelled.dividing import other_case
from clbench.data.labelled.found import About, Found
from clbench.data.pairs import dates, slices
from clbench.data.pairs.rows import is_missing, plain
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.data.labelled.own import Options

USUAL = {
    "x": ("x", "images", "image", "features", "data", "X"),
    "y": ("y", "labels", "label", "target", "targets"),
    "t": ("t", "times", "time", "dates", "date"),
    "split": ("split",),
    "group": ("group", "groups"),
}
GIVEN = ("y", "t", "split", "group", "column")  # beside x, as benchmark_from calls them
NO_Y = "y is missing: give a label for each row of x, or the name of a column of a frame"


def are_arrays(path: Path) -> bool:
    """Whether a path is an npz or npy file, or a folder with x.npy."""
    return path.suffix in (".npz", ".npy") or (path / "x.npy").is_file()


def files_of(path: Path) -> list[Path]:
    """All files of the arrays at a path: x.npy has its neighbours y.npy, t.npy, split.npy, group.npy."""
    if path.suffix == ".npz":
        return [path]
    folder = path if path.is_dir() else path.parent
    return [file for name in USUAL if (file := folder / f"{name}.npy").is_file()]


def read(path: Path, options: "Options") -> Found:
    """The rows of an npz, or of x.npy with its neighbours. Raises InputError for arrays that do not fit."""
    arrays: dict[str, np.ndarray] = {}
    columns = options.columns
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                named = {"y": columns.label, "t": columns.time, "x": columns.image, "split": columns.split}
                named |= {"group": columns.group, "part": columns.part}
                for kind, usual in {**USUAL, "part": ()}.items():
                    given = named.get(kind)
                    if given and given not in archive.files:
                        hint = other_case(given) if kind == "part" else ""
                        raise InputError(f'{path}: no "{given}"; there are {", ".join(archive.files)}{hint}')
                    name = given or next((one for one in usual if one in archive.files), None)
                    if name:
                        arrays[kind] = archive[name]
        else:
            if chosen := [
                name
                for name in (columns.label, columns.time, columns.split, columns.group, columns.part)
                if name
            ]:
                raise InputError(
                    f"{path}: npy files have no names to choose from ({', '.join(chosen)}); what is read is "
                    "y.npy, t.npy, split.npy and group.npy"
                )
            for file in files_of(path):
                arrays[file.stem] = np.load(file, allow_pickle=False)
    except InputError:
        raise
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read without pickle: {str(error).splitlines()[0]}; save texts as an array of "
            "text, not of objects"
        ) from error
    for kind in ("x", "y"):
        if kind not in arrays:
            raise InputError(f"{path}: no array {kind}; it needs x and y, and may have t, split and group")
    return found_of(
        arrays.pop("x"),
        arrays.pop("y"),
        source=str(path),
        unit=options.unit,
        timed=options.timed,
        buckets=options.buckets,
        vectors=options.vectors,
        size=options.size_of_arrays,
        columns=columns,
        **{kind: arrays.get(kind) for kind in ("t", "split", "group", "part")},
    )


def found_of(
    x: Any,
    y: Any,
    t: Any = None,
    split: Any = None,
    group: Any = None,
    part: Any = None,
    *,
    source: str = "x",
    unit: dates.Unit = "iso",
    timed: bool = False,
    buckets: int = 4096,
    vectors: bool = False,
    size: int | None = None,
    columns: LabelColumns = LabelColumns(),  # noqa: B008  # a frozen one
) -> Found:
    """The rows of arrays, lists or a frame of pandas, n each: pictures [n, h, w(, c)], features [n, d], or
    texts.

    size: of a side of the pictures; None: as they are. columns: which of a frame, or of features, are read.
    Raises InputError, which names the array, for what does not fit.
    """
    x, y, t, split, group, part = (_detached(one) for one in (x, y, t, split, group, part))
    others = {"y": y, "t": t, "split": split, "group": group, "column": part}
    _check_rows(x, others, source)
    y, t, split, group, part = (_column(values, name, source) for name, values in others.items())
    inputs, keys, about = _inputs(x, source, buckets, vectors, size, columns)
    places = [f"row {i}" for i in range(len(x))]
    nothing = [None] * len(places)
    names = cells.names_of(_list(y), places, "a label")
    if None in names:
        raise InputError(f"{source}: y has no label in row {names.index(None)}: label it or take it out")
    labels, classes = cells.coded(names, source)
    notes = list(about.pop("notes", ()))
    when = np.full(len(x), dates.NEVER, "datetime64[D]")
    if t is not None:
        when = dates.read(_days(t), unit, places, source)
    given = cells.names_of(nothing if group is None else _list(group), places, "a group")
    groups = [cells.key_of(one) or key for one, key in zip(given, keys, strict=True)]
    parts = nothing if part is None else _list(part)
    slices_of = cells.names_of(parts, places, "what tasks are cut by")
    sides = nothing if split is None else _list(split)
    content, grouped = slices.digests(keys), slices.digests(groups)
    said = repr([about, parts, sides, classes, names, when.tolist()]).encode()
    fingerprint = hashlib.sha256(said + content.tobytes() + grouped.tobytes()).hexdigest()
    return Found(
        x=inputs,
        y=labels,
        when=when,
        part=np.array([name or "" for name in slices_of], str),
        split=cells.sides(sides, places, source, notes),
        content=content,
        group=grouped,
        origin=np.zeros((0, len(keys)), np.int64),
        about=About(classes=classes, notes=tuple(notes), **about),
        fingerprint=fingerprint[:16],
    )


def _check_rows(x: Any, others: dict[str, Any], source: str) -> None:
    """Raises InputError where x, or one of the others that are given, has not one value for each row."""
    given = {name: values for name, values in {"x": x, **others}.items() if values is not None}
    for name, values in given.items():
        if hasattr(values, "toarray"):
            raise InputError(f"{source}: {name} is sparse: give {name}.toarray()")
        if not hasattr(values, "__len__") or getattr(values, "ndim", 1) == 0:
            raise InputError(f"{source}: {name} is one {type(values).__name__}: give one for each row")
        if len(values) != len(x):
            raise InputError(f"{source}: {len(x)} rows of x and {len(values)} of {name}: give as many")
    if not len(x):
        raise InputError(f"{source}: x has no rows")


def _column(values: Any, name: str, source: str) -> Any:
    """One value for each row, as an array [n], a list, or None; those of an array [n, 1] are its column.
    Raises InputError for an array of more."""
    if values is None:
        return None
    if not hasattr(values, "__array__"):
        return [_one(value) for value in values]
    array = np.asarray(values)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim > 1:
        hint = "; of one-hot labels y.argmax(1)" if name == "y" else ""
        raise InputError(
            f"{source}: {name} has the shape {list(array.shape)}: give one value for each row{hint}"
        )
    return array


def _one(value: Any) -> Any:
    """The number in a tensor or array that holds just one; else the value."""
    if isinstance(value, np.generic) or not hasattr(value, "item") or math.prod(np.shape(value)) != 1:
        return value
    return value.item()


def _list(values: Any) -> list:
    return [plain(one) for one in (values.tolist() if hasattr(values, "tolist") else values)]


def _detached(values: Any) -> Any:
    """A tensor without its gradient, on the host."""
    return values.detach().cpu() if hasattr(values, "detach") else values


def _days(t: Any) -> list:
    """Times as dates reads them: numpy's own as ISO texts."""
    array = np.asarray(t)
    return _list(array.astype("datetime64[D]").astype(str) if array.dtype.kind == "M" else array)


def _inputs(
    x: Any, source: str, buckets: int, vectors: bool, size: int | None, columns: LabelColumns
) -> tuple[np.ndarray, list[bytes], dict[str, Any]]:
    """(x [n, d] as uint8 or float32, a key for each row, what About says of it)."""
    if hasattr(x, "columns"):
        x = _columns_of(x, source, columns)
    if hasattr(x, "columns"):
        numbers = features.numbers_of(x, source)
        about = {"kind": "features", "columns": tuple(numbers.spans), "numeric": numbers.numeric}
        return numbers.x, numbers.keys, about | {"notes": tuple(numbers.notes)}
    rows = x if isinstance(x, list | tuple) else _array(x, source)
    if _are_texts(rows):
        numbers_of = features.numbers_of_texts(_texts(rows, "x", source), buckets, vectors)
        values, about = np.concatenate(list(numbers_of)), {"kind": "texts"}
    else:
        values, about = _numbers(_array(rows, source), source, size)
    if about["kind"] == "features":
        names = [f"column {i}" for i in range(values.shape[1])]
        chosen = _chosen(names, source, columns)
        spans = tuple((names[i], place, place + 1) for place, i in enumerate(chosen))
        values, about = values[:, chosen], about | {"columns": spans, "numeric": len(chosen)}
    elif columns.features or columns.without:
        raise InputError(f"{source}: features and without are of columns, and x has {about['kind']}")
    return values, [row.tobytes() for row in values], about


def _columns_of(frame: Any, source: str, columns: LabelColumns) -> Any:
    """The column of texts of a frame, or its columns that are features."""
    names = [str(name) for name in frame.columns]
    if columns.text:
        texts = frame.iloc[:, _place_of(columns.text, names, source)]
        return _texts(texts, f'"{columns.text}"', source)
    return frame.iloc[:, _chosen(names, source, columns)]


def _chosen(names: list[str], source: str, columns: LabelColumns) -> list[int]:
    """The places of the columns that are features, as of a table."""
    for name in (*(columns.features or ()), *columns.without):
        _check_there(name, names, source)
    places = [_place_of(name, names, source) for name in columns.features_in(names, {})]
    if not places:
        raise InputError(f"{source}: no column is left that is a feature")
    return places


def _check_there(name: Any, names: list, source: str, hint: str = "") -> None:
    if name not in names:
        raise InputError(f'{source} has no column "{name}"; there are {blocks.listed(names)}{hint}')


def _place_of(name: Any, names: list, source: str, hint: str = "") -> int:
    """Where the only column of this name stands. Raises InputError where none or several are called so."""
    _check_there(name, names, source, hint)
    blocks.check_names([one for one in names if one == name], source)
    return names.index(name)


def _are_texts(rows: Any) -> bool:
    return getattr(rows, "ndim", 1) == 1 and any(isinstance(one, str) for one in rows)


def _texts(values: Iterable, name: str, source: str) -> list[str]:
    """The texts of x, or of a column of a frame. Raises InputError for a row without one."""
    texts = []
    for i, value in enumerate(values):
        if is_missing(value):
            raise InputError(f"{source}: {name} has no text in row {i}: write one or take it out")
        cells.check_one(value, f"row {i}", "a text")
        texts.append(plain(str(value)))
    return texts


def _array(x: Any, source: str) -> np.ndarray:
    try:
        return np.asarray([_detached(row) for row in x] if isinstance(x, list | tuple) else x)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{source}: the rows of x differ in shape, or are no arrays: {error}") from None


def _numbers(array: np.ndarray, source: str, size: int | None) -> tuple[np.ndarray, dict]:
    if array.dtype.kind not in "uifb":
        raise InputError(f"{source}: x is {array.dtype}: give numbers, or texts")
    if array.dtype.kind == "f":
        _check_finite(array, source)
    if array.ndim == 2:
        columns = tuple((f"column {i}", i, i + 1) for i in range(array.shape[1]))
        kept = array.astype(np.float32)
        return kept, {"kind": "features", "columns": columns, "numeric": array.shape[1]}
    return _pictures(array, source, size)


def _check_finite(array: np.ndarray, source: str) -> None:
    finite = np.isfinite(features.as_float32(array))
    if finite.all():
        return
    bad = ~finite.reshape(len(array), -1).all(1)
    large = " (float32 holds none over 3.4e38)" if np.isfinite(array[~finite]).any() else ""
    raise InputError(
        f"{source}: x has NaN or infinite values in {bad.sum()} of {len(array)} rows, first in row "
        f"{bad.argmax()}{large}"
    )


def _pictures(array: np.ndarray, source: str, size: int | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Of pictures [n, h, w], [n, h, w, c] or [n, c, h, w]."""
    notes = []
    given = array.shape
    array = array[..., None] if array.ndim == 3 else array
    channels = (1, 3, 4)
    if array.ndim == 4 and array.shape[1] in channels and array.shape[3] not in channels:
        array = np.moveaxis(array, 1, 3)
        notes.append("x is [n, channels, height, width]; it is turned to [n, height, width, channels]")
    if array.ndim != 4 or array.shape[3] not in channels or 0 in given:
        raise InputError(
            f"{source}: x has the shape {list(given)}: give [n, d] for features, [n, height, width] or "
            "[n, height, width, 3] for pictures"
        )
    low, high = float(array.min()), float(array.max())
    scale = 1.0 if high <= 1 else 255.0
    if array.dtype != np.uint8:
        if low < 0:
            raise InputError(f"{source}: x has pixels from {low:g} to {high:g}: give 0 to 1 or 0 to 255")
        scale = next((top for top in (1.0, 255.0, 65535.0) if high <= top), high)
        whole = scale == 255.0 and bool((array == np.floor(array)).all())
        array = array.astype(np.uint8 if whole else np.float32)
    if size and array.shape[1:3] != (size, size):
        array = np.stack([_resized(picture, size) for picture in array])
    about = {"kind": "images", "shape": array.shape[1:], "scale": scale, "notes": tuple(notes)}
    return np.ascontiguousarray(array).reshape(len(array), -1), about


def _resized(picture: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a picture [h, w, c], uint8 or float32, scaled by averaging."""
    from PIL import Image, ImageOps

    channels = [Image.fromarray(picture[..., c]) for c in range(picture.shape[2])]
    fitted = [ImageOps.fit(one, (size, size), Image.Resampling.BOX) for one in channels]
    return np.stack([np.asarray(one) for one in fitted], 2)


def given(x: Any, y: Any, *others: Any) -> list[Any]:
    """(x, y, t, …) of what a program hands over: of a data set of torch its items, of a frame the columns
    that are named, which are then no features."""
    if x is None:
        raise InputError("x is missing: give pictures, features, texts, a frame of pandas or a data set")
    if hasattr(x, "columns"):
        return _of_frame(x, y, *others)
    told = list(others)
    for name, value in zip(GIVEN, (y, *others), strict=True):
        if isinstance(value, str):
            what = "an array" if hasattr(x, "__array__") else f"a {type(x).__name__}"
            raise InputError(
                f"{name}={value!r} names a column of a frame, and x is {what}: give a value for each row"
            )
    if y is None and hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        items = [x[i] for i in range(len(x))]
        if not items or not all(isinstance(item, tuple) and len(item) in (2, 3) for item in items):
            raise InputError("y is missing: give a label for each row of x, or a data set of (x, y) items")
        x, y = _array([np.asarray(_detached(item[0])) for item in items], "x"), [item[1] for item in items]
        if len(items[0]) == 3:
            told[0] = [item[2] for item in items]
    if y is None:
        raise InputError(NO_Y)
    return [x, y, *told]


def _of_frame(frame: Any, *given: Any) -> list[Any]:
    """The columns that are left, and the given ones, which may be named."""
    if given[0] is None:
        raise InputError(NO_Y)
    names, named, told = list(frame.columns), [], []
    for kind, one in zip(GIVEN, given, strict=True):
        if isinstance(one, str | int | np.integer) and not isinstance(one, bool):
            hint = other_case(str(one)) if kind == "column" else ""
            named.append(_place_of(one, names, "x", hint))
            one = frame.iloc[:, named[-1]]
        told.append(one)
    return [frame.iloc[:, [i for i in range(len(names)) if i not in named]], *told]
