"""What the cells of a user's tables mean: labels, sides of the split, groups."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clbench.data.labelled.blocks import side_of
from clbench.data.pairs.sources import natural_order
from clbench.errors import InputError

MOST_CLASSES = 10_000
MOST_NUMBERS = 20  # labels with a fraction: more of them are a quantity, no classes


def labels_of(values: Sequence) -> list[str | None]:
    """The name of each label; None where there is none. 3.0 is called 3."""
    names: list[str | None] = []
    for value in values:
        if isinstance(value, float | np.floating) and value.is_integer():
            value = int(value)
        missing = value is None or value != value or type(value).__name__ in ("NAType", "NaTType")
        text = "" if missing else unicodedata.normalize("NFC", str(value).strip())
        names.append(text or None)
    return names


def coded(names: Sequence[Any], source: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(places [n] in the classes, the classes in the order of their names). Raises InputError for labels that
    are no classes."""
    classes = sorted(set(names), key=lambda name: natural_order(Path(name)))
    if len(classes) == 1:
        raise InputError(f"{source}: all rows are of one class, {classes[0]!r}: a classifier needs two")
    numbers = sum(_is_fraction(name) for name in classes)
    if numbers > MOST_NUMBERS:
        raise InputError(
            f"{source}: {numbers} labels are numbers with a fraction, like {classes[0]}: a quantity is no "
            "class; cut it into classes first, or name another column with label="
        )
    if len(classes) > MOST_CLASSES or len(classes) > max(len(names) // 2, MOST_NUMBERS):
        raise InputError(
            f"{source}: {len(classes):,} classes in {len(names):,} rows (at most {MOST_CLASSES:,}, two rows "
            "of each on average): is the label a name or a number of each row? name another with label="
        )
    place = {name: i for i, name in enumerate(classes)}
    return np.array([place[name] for name in names], np.int64), tuple(classes)


def _is_fraction(name: str) -> bool:
    try:
        return not float(name).is_integer()
    except (ValueError, OverflowError):
        return False


def sides(values: Sequence, places: Sequence[str], source: str, notes: list[str]) -> np.ndarray:
    """1 for a test row, 0 for a training row, -1 everywhere where no row says it. Validation rows are test
    rows where there are no others, else training rows."""
    if all(value is None for value in values):
        return np.full(len(values), -1, np.int8)
    told = [side_of(value) for value in values]
    if None in told:
        first = told.index(None)
        raise InputError(
            f"{source}: {told.count(None)} rows are on no side of the split, first {values[first]!r} "
            f"({places[first]}): write train or test"
        )
    tested = {"test"} if "test" in told else {"validation"}
    if "validation" in told:
        taken = "training" if "test" in told else "test"
        notes.append(f"{told.count('validation')} validation rows are taken as {taken} rows")
    found = np.array([side in tested for side in told], np.int8)
    if found.all() or not found.any():
        raise InputError(f"{source}: the split has {'test' if found.all() else 'training'} rows only")
    return found


def key_of(value: object) -> bytes | None:
    text = text_of(value)
    return f"group {text}".encode() if text else None


def text_of(value: Any) -> str:
    """What a cell holds as a name; "" where it holds nothing."""
    name = labels_of([value])[0]
    return name or ""


def codes_of(values: Sequence) -> np.ndarray:
    """[n]: equal where the values are; -1 for nothing."""
    texts = np.array([text_of(value) for value in values])
    codes = np.unique(texts, return_inverse=True)[1].reshape(-1)
    return np.where(texts == "", -1, codes)
