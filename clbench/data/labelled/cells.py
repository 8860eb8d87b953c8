"""What the cells of a user's tables mean: labels, sides of the split, groups."""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clbench.data.pairs.rows import is_missing
from clbench.data.pairs.sources import natural_order
from clbench.errors import InputError

MOST_CLASSES = 10_000
MOST_NUMBERS = 20  # labels with a fraction: more of them are a quantity, no classes


def check_one(value: Any, place: str, what: str) -> None:
    """Raises InputError for a cell that holds several values. what: it is to hold, for the message."""
    if isinstance(value, list | tuple | set | dict) or getattr(value, "ndim", 0) > 0:
        kind = "dictionary" if isinstance(value, dict) else "list"
        raise InputError(
            f"{what} is one value, and {place} has a {kind} of {len(value)}: write one value there"
        )


def names_of(values: Sequence, places: Sequence[str], what: str | None) -> list[str | None]:
    """What each cell holds as a name; None where it holds nothing. 3.0 is called 3.

    places: where each stands; what: they are, both for messages. Raises InputError for a cell that holds
    several values; where what is None they are one name together.
    """
    return [_name(value, place, what) for value, place in zip(values, places, strict=True)]


def _name(value: Any, place: str, what: str | None) -> str | None:
    if is_missing(value):
        return None
    if what:
        check_one(value, place, what)
    if isinstance(value, float | np.floating) and value.is_integer():
        value = int(value)
    return unicodedata.normalize("NFC", str(value).strip()) or None


def in_order(names: Iterable[str]) -> list[str]:
    """The different names: cat2, cat10, dog. Those that natural_order takes for equal, as 1 and 01, stand by
    their characters, so that their order is the same in every process."""
    return sorted(set(names), key=lambda name: (_natural(name), name))


def _natural(name: str) -> list:
    try:
        return natural_order(Path(name))
    except ValueError:  # more digits in a row than Python reads as a number
        return [(1, 0, name)]


def coded(names: Sequence[Any], source: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(places [n] in the classes, the classes in the order of their names). Raises InputError for labels that
    are no classes."""
    classes = in_order(names)
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


def side_of(value: object) -> str | None:
    """Which side of the split a value means: train, test or validation; None for anything else."""
    word = str(value).strip().lower()
    if word in ("train", "training"):
        return "train"
    return {"test": "test", "testing": "test", "val": "validation", "valid": "validation"}.get(
        word, "validation" if word == "validation" else None
    )


def key_of(name: str | None) -> bytes | None:
    """What rows of one group have in common; the name of a folder need not be UTF-8."""
    return f"group {name}".encode("utf-8", "surrogatepass") if name else None


def codes_of(names: Sequence[str | None]) -> np.ndarray:
    """[n]: equal where the names are; -1 for nothing."""
    texts = np.array([name or "" for name in names])
    codes = np.unique(texts, return_inverse=True)[1].reshape(-1)
    return np.where(texts == "", -1, codes)
