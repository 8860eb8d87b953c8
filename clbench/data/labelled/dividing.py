"""Cuts a user's labelled rows into slices and holds test rows out of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clbench.data.labelled.cells import in_order
from clbench.data.labelled.found import Found
from clbench.data.pairs import slices
from clbench.errors import InputError

CALENDAR = ("year", "quarter", "month", "season", "quantile")
MOST_PARTS = 100  # slices by a column
FEWEST = 3  # slices that a calendar is chosen for
VALIDATION = 0.1  # share of the training rows
NAMES = 5  # classes named in a message


@dataclass(frozen=True)
class Cut:
    """How rows are cut and held out."""

    by: str = "class"  # year | quarter | month | season | quantile; edges, with commas; or a column
    count: int | None = None  # slices of equally many rows, by quantile or by a column of numbers
    min_rows: int = 50  # neighbours on the calendar are joined until each slice has so many
    held_out: float = 0.2  # share of the rows for testing
    duplicates: Literal["stop", "drop"] = "stop"  # training rows that are test rows of a given split, too

    @property
    def timed(self) -> bool:
        return self.by in CALENDAR or "," in self.by


def other_case(by: str) -> str:
    """What to add to a message that no column is called so, where a word of the calendar is called so in
    another case."""
    word = by.lower()
    return f"; did you mean {word}?" if word in ("class", *CALENDAR) else ""


@dataclass(frozen=True, eq=False)
class Rows:
    """Which rows are learnt and tested, and in which slice."""

    train: np.ndarray  # [n] rows
    test: np.ndarray  # [m] rows
    part: np.ndarray  # [all rows] slice; -1: in none
    names: tuple[str, ...]  # of the slices
    left_out: dict[str, int]  # number of rows, by reason
    notes: tuple[str, ...]


def divide(found: Found, cut: Cut, source: str) -> Rows:
    """Raises InputError where the rows cannot be cut or tested as asked."""
    part, names = parts_of(found, cut, source)
    undated = np.isnat(found.when) & (part < 0) & cut.timed
    left_out = {"no date": int(undated.sum()), "in no slice": int((~undated & (part < 0)).sum())}
    inside = part >= 0
    if (found.split >= 0).all():
        tested, repeated = _as_given(found, cut, source)
        left_out["training rows that are test rows, too"] = int((repeated & inside).sum())
        inside &= ~repeated
    else:
        tested = hold_out(found.y, part, found.content, found.group, cut.held_out)
    rows = Rows(
        np.flatnonzero(inside & ~tested),
        np.flatnonzero(inside & tested),
        part,
        names,
        {why: count for why, count in left_out.items() if count},
        tuple(_notes(found, inside & ~tested, inside & tested)),
    )
    _check(found, rows, source)
    return rows


# ---- slices


def parts_of(found: Found, cut: Cut, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(the slice of each row [n], -1 for none; the slices' names)."""
    if cut.by == "class":
        return np.zeros(len(found.y), np.int64), ("all",)
    if cut.timed:
        if not found.dated:
            raise InputError(f"{source}: no times to cut by {cut.by}: name their column with time=")
        by = tuple(cut.by.split(",")) if "," in cut.by else cut.by
        place, names = slices.cut(found.when, by, cut.count, cut.min_rows)
        if len(names) == 1:
            raise InputError(
                f"{source}: by={cut.by!r} gives one slice, {names[0]}: cut finer, or lower min_rows"
            )
        return place, names
    values = found.part
    if cut.count:
        return _by_quantity(values, cut, source)
    named = in_order(name for name in values.tolist() if name)
    if not 2 <= len(named) <= MOST_PARTS:
        raise InputError(
            f"{source}: {cut.by} has {len(named):,} different values, for 2 to {MOST_PARTS} slices: cut "
            "numbers into slices of equally many rows with count="
        )
    place_of = {name: i for i, name in enumerate(named)}
    return np.array([place_of.get(value, -1) for value in values.tolist()]), tuple(named)


def _by_quantity(values: np.ndarray, cut: Cut, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Slices of equally many rows, from the least value of a column of numbers on."""
    try:
        numbers = np.array([float(value) if value else np.nan for value in values.tolist()])
    except ValueError:
        raise InputError(f"{source}: count= needs numbers, and {cut.by} has texts: leave it out") from None
    ordered = np.sort(numbers[np.isfinite(numbers)])
    assert cut.count is not None
    starts = np.unique(ordered[len(ordered) * np.arange(cut.count) // cut.count]) if len(ordered) else ordered
    if len(starts) < cut.count:
        raise InputError(f"{source}: {cut.by} has too few different numbers for count={cut.count}")
    place = np.where(np.isfinite(numbers), np.searchsorted(starts, numbers, side="right") - 1, -1)
    ends = [*starts[1:], ordered[-1]]
    return place, tuple(f"{start:g} to {end:g}" for start, end in zip(starts, ends, strict=True))


def calendar_of(found: Found, min_rows: int) -> str | None:
    """The coarsest of year, quarter and month by which there are FEWEST slices at least, else the one with
    the most; None without times, or where all are of one slice."""
    if not found.dated:
        return None
    counts = {by: len(slices.cut(found.when, by, None, min_rows)[1]) for by in ("year", "quarter", "month")}
    most = max(counts, key=lambda by: counts[by])
    if counts[most] == 1:
        return None
    return next((by for by, count in counts.items() if count >= FEWEST), most)


# ---- test rows


def hold_out(
    y: np.ndarray, part: np.ndarray, content: np.ndarray, group: np.ndarray, share: float, salt: int = 0
) -> np.ndarray:
    """[n] bool: the test rows.

    Rows of one input or of one group are on one side. A hash of the group decides, so a row stays where it
    is when others are added; where a class or a slice would have no row on a side, the group whose hash is
    nearest changes over, if there are two. salt: another number is another draw.
    """
    number = slices.groups(np.stack([content, group], 1))
    least = np.full(number.max() + 1, np.iinfo(np.uint64).max)
    np.minimum.at(least, number, group)
    keys = least[:, None] if not salt else np.stack([least, np.full_like(least, salt)], 1)
    place = slices.hash_shares(keys)  # [groups]
    held = place < share
    free = np.ones(len(held), bool)
    for label in np.unique(y):
        own = np.unique(number[y == label])
        if len(own) == 1:  # all that there is of a class: it is learnt, not tested
            free[own] = held[own] = False
    for cells in (y, part):
        for cell in np.unique(cells[cells >= 0]):
            own = np.unique(number[cells == cell])
            own = own[free[own]]
            if len(own) > 1 and not held[own].any():
                held[own[place[own].argmin()]] = True
            elif len(own) > 1 and held[own].all():
                held[own[place[own].argmax()]] = False
    return held[number]


def _as_given(found: Found, cut: Cut, source: str) -> tuple[np.ndarray, np.ndarray]:
    """(the test rows, the training rows that stand among them), of a split that the user gives."""
    tested = found.split == 1
    repeated = ~tested & np.isin(found.content, found.content[tested])
    if repeated.any() and cut.duplicates == "stop":
        raise InputError(
            f"{source}: {repeated.sum()} training rows are test rows, too, with the same input: take them "
            "out, or let the benchmark do it: labelled_class(path=…, duplicates='drop')"
        )
    across = set(found.group[tested].tolist()) & set(found.group[~tested & ~repeated].tolist())
    if across:
        raise InputError(
            f"{source}: {len(across)} groups have rows in training and in testing: what is tested was seen "
            "in training; split by group, or take the given split away, and whole groups are held out"
        )
    return tested, repeated


def _notes(found: Found, train: np.ndarray, test: np.ndarray) -> list[str]:
    untested = sorted(set(found.y[train].tolist()) - set(found.y[test].tolist()))
    if not untested:
        return []
    return [f"{_named(found, untested)}: too few rows, or groups, to test it; it is learnt all the same"]


def _check(found: Found, rows: Rows, source: str) -> None:
    """Raises InputError for slices and classes that cannot be learnt and tested."""
    untrained = sorted(set(found.y[rows.test].tolist()) - set(found.y[rows.train].tolist()))
    if untrained:
        raise InputError(
            f"{source}: {_named(found, untrained)}: test rows and no training row: take them out, or add some"
        )
    if len(rows.train) and not len(rows.test) and (found.split < 0).all():
        raise InputError(
            f"{source}: no row can be held out for testing: all rows of a class have the same input, or are "
            "of one group"
        )
    counts = {
        name: (int((rows.part[rows.train] == i).sum()), int((rows.part[rows.test] == i).sum()))
        for i, name in enumerate(rows.names)
    }
    for name, (train, test) in counts.items():
        if not train or not test:
            listed = ", ".join(f"{one}: {a} + {b}" for one, (a, b) in counts.items())
            raise InputError(
                f"{source}: slice {name} has {train} training and {test} test rows ({listed}): join slices "
                "with a larger min_rows, or cut otherwise"
            )


def _named(found: Found, classes: Sequence[int]) -> str:
    shown = ", ".join(repr(found.about.classes[i]) for i in classes[:NAMES])
    more = f" and {len(classes) - NAMES} more" if len(classes) > NAMES else ""
    return f"class{'es' if len(classes) > 1 else ''} {shown}{more}"
