"""Cuts dated pairs into slices and holds test pairs out of them, for `clbench.data.pairs.store`."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clbench.errors import InputError

CALENDAR: dict[str, Literal["Y", "M"]] = {"year": "Y", "month": "M"}  # numpy's units of time
SEASONS = ("winter", "spring", "summer", "autumn")
MIN_TEST_PAIRS = 20  # of a slice: recall over fewer says nothing
MAX_TEST_PAIRS = 400  # of a slice, unless the user asks for a number


@dataclass(frozen=True, eq=False)
class Slices:
    """The rows that belong to each slice."""

    names: tuple[str, ...]  # as people say it: 2014, 2015 to 2016, …
    train: tuple[np.ndarray, ...]  # [n] rows of each slice
    test: tuple[np.ndarray, ...]  # [n_test] rows of each slice, equally many
    group: np.ndarray  # [all rows]: equal where pairs share their image or their text
    left_out: dict[str, int]  # number of rows in no slice, by reason


@dataclass(frozen=True)
class Limits:
    """How many pairs of a slice are taken, and how few there may be."""

    n_test: int | None = None  # None: as many as every slice has, up to 400
    held_out: float = 1 / 6  # share of the pairs from which test pairs are taken
    most: int | None = None  # training pairs; None: all
    least: int = 128  # training pairs


# ---- cutting


def cut(
    when: np.ndarray, by: str | Sequence[str], count: int | None, least: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The slice of each row [n] (-1: none) and the slices' names, for the dates `when` [n] datetime64[D].

    by: "year", "quarter", "month"; "quantile" for `count` slices of equally many rows; or the edges
    themselves, ISO dates of which each begins a slice and the last one ends one. Neighbours on the calendar
    are joined until each has `least` rows. Raises InputError where that cannot be done.
    """
    dated = ~np.isnat(when)
    if not dated.any():
        raise InputError("no row has a date")
    if not isinstance(by, str):
        return _cut_at_edges(when, dated, by)
    if by == "quantile":
        return _cut_by_count(when, dated, count or 6)
    if by == "quarter":
        months = when.astype("datetime64[M]").astype(int)
        quarters = np.where(dated, months // 3, -1)
        return _join_neighbours(quarters, dated, least, lambda q: f"{1970 + q // 4}Q{q % 4 + 1}")
    if by == "season":  # of the northern half; the winter of a year begins in December of the one before
        seasons = np.where(dated, (when.astype("datetime64[M]").astype(int) + 1) // 3, -1)
        return _join_neighbours(seasons, dated, least, lambda q: f"{SEASONS[q % 4]} {1970 + q // 4}")
    if by not in CALENDAR:
        raise InputError(
            f'by="{by}": write year, quarter, month, season, quantile, name, or edges: '
            '["2014-01-01", "2016-01-01"]'
        )
    unit = CALENDAR[by]
    numbers = np.where(dated, when.astype(f"datetime64[{unit}]").astype(int), -1)
    return _join_neighbours(numbers, dated, least, lambda number: str(np.datetime64(int(number), unit)))


def _cut_at_edges(
    when: np.ndarray, dated: np.ndarray, edges: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        sorted_edges = np.array(edges, "datetime64[D]")
    except ValueError:
        raise InputError(f"by={list(edges)}: edges are ISO dates like 2014-01-01") from None
    if len(sorted_edges) < 2 or (np.diff(sorted_edges).astype(int) <= 0).any():
        raise InputError(f"by={list(edges)}: give at least two edges, each after the one before")
    place = np.searchsorted(sorted_edges, when, side="right") - 1
    place[~dated | (place == len(sorted_edges) - 1)] = -1
    days = [str(day) for day in sorted_edges]
    return place, tuple(f"{start} to {end}" for start, end in zip(days, days[1:], strict=False))


def _cut_by_count(when: np.ndarray, dated: np.ndarray, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Slices of equally many rows, as far as that cuts no day in two."""
    days = np.sort(when[dated])
    starts = np.unique(days[[len(days) * k // count for k in range(count)]])
    if len(starts) < count:
        raise InputError(
            f"count={count}: without cutting a day there are only {len(starts)} slices of equally many rows"
        )
    place = np.where(dated, np.searchsorted(starts, when, side="right") - 1, -1)
    names = [f"{start} to {end}" for start, end in zip(starts, _ends(days, list(starts)), strict=True)]
    return place, tuple(names)


def _join_neighbours(
    units: np.ndarray, dated: np.ndarray, least: int, name: Callable[[int], str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Joins neighbouring units of the calendar, from the first on, until each slice has `least` rows.

    Fewer rows at the end join the last slice. units [n]: the number of each row's unit; name: what a unit
    is called.
    """
    present, counts = np.unique(units[dated], return_counts=True)
    starts = [present[0]]
    size = 0  # rows of the last slice so far
    for unit, number in zip(present, counts, strict=True):
        if size >= least:
            starts.append(unit)
            size = 0
        size += number
    if size < least and len(starts) > 1:
        starts.pop()
    place = np.where(dated, np.searchsorted(starts, units, side="right") - 1, -1)
    names = [
        name(start) if start == end else f"{name(start)} to {name(end)}"
        for start, end in zip(starts, _ends(present, starts), strict=True)
    ]
    return place, tuple(names)


def _ends(values: np.ndarray, starts: Sequence) -> list:
    """The last of the sorted values in each slice, where `starts` are the first ones."""
    following = np.searchsorted(values, starts[1:])  # where the next slice begins
    return [values[index - 1] for index in following] + [values[-1]]


# ---- test pairs


def hold_out(place: np.ndarray, names: Sequence[str], keys: np.ndarray, limits: Limits) -> Slices:
    """Splits every slice into training and test pairs.

    place [n]: the slice of each row; keys [n, 2] uint64: digests of its left and its right side. Pairs that
    share an image or a text are one group, and a group is on one side. A hash of one of its texts, the one
    with the least digest, decides the side: so a group is held out as often with many texts as with one, and
    the side stays when rows of other groups are added.
    """
    group = groups(keys)
    least = np.full(len(keys), np.iinfo(np.uint64).max)  # by group: the least digest of its texts
    np.minimum.at(least, group, keys[:, 1])
    candidate = hash_shares(least[group][:, None]) < limits.held_out
    return _pick(place, names, keys, group, candidate, limits)


def split_as_given(
    place: np.ndarray,
    names: Sequence[str],
    keys: np.ndarray,
    tested: np.ndarray,
    uids: Sequence[str | None],
    limits: Limits,
) -> Slices:
    """As `hold_out`, but the user gives the test pairs: `tested` [n] bool.

    Raises InputError if one of them is among the training pairs, by its uid or its left side.
    """
    for what, values in (("uid", np.array([uid or "" for uid in uids])), ("image or query", keys[:, 0])):
        both = set(values[tested].tolist()) & set(values[~tested].tolist()) - {""}
        if both:
            raise InputError(
                f"{len(both)} test pairs are among the training pairs, by their {what}: leave them out"
            )
    return _pick(place, names, keys, groups(keys), tested, limits)


def _pick(
    place: np.ndarray,
    names: Sequence[str],
    keys: np.ndarray,
    group: np.ndarray,
    candidate: np.ndarray,
    limits: Limits,
) -> Slices:
    """Takes as many training and test pairs of every slice as the limits say. candidate [n]: may be a test
    pair.

    No two test pairs of a slice are of one group: each would be a right answer for the other that counts as
    wrong.
    """
    order = np.argsort(hash_shares(keys), kind="stable")
    train, candidates = [], []
    for t in range(len(names)):
        rows = order[place[order] == t]
        train.append(np.sort(rows[~candidate[rows]][::-1][: limits.most]))
        held = rows[candidate[rows]]
        first_of_group = np.sort(np.unique(group[held], return_index=True)[1])
        candidates.append(held[first_of_group])
    n_test = limits.n_test or min(MAX_TEST_PAIRS, *map(len, candidates))
    _stop_if_few(names, train, candidates, limits)
    test = [np.sort(rows[:n_test]) for rows in candidates]
    used = sum(map(len, train)) + n_test * len(names)
    inside = int((place >= 0).sum())
    left_out = {"outside all slices": len(place) - inside, "held out or over the limit": inside - used}
    left_out = {why: count for why, count in left_out.items() if count}
    return Slices(tuple(names), tuple(train), tuple(test), group, left_out)


def _stop_if_few(
    names: Sequence[str], train: list[np.ndarray], candidates: list[np.ndarray], limits: Limits
) -> None:
    """Raises InputError if a slice has too few pairs to train or to test on."""
    needed = limits.n_test or MIN_TEST_PAIRS
    short = [
        name
        for name, rows, held in zip(names, train, candidates, strict=True)
        if len(rows) < limits.least or len(held) < needed
    ]
    if short:
        counts = ", ".join(
            f"{name}: {len(rows)} + {len(held)}"
            for name, rows, held in zip(names, train, candidates, strict=True)
        )
        raise InputError(
            f"slice {short[0]} has too few pairs: {limits.least} for training and {needed} for "
            f"testing are needed of {counts}; join slices with a larger min_rows, or cut with "
            'by="quantile"'
        )


# ---- what pairs hold


def hash_shares(keys: np.ndarray) -> np.ndarray:
    """A hash of each row of keys as a number from 0 to 1: [n], uniform, the same on every machine."""
    return digests(key.astype("<u8").tobytes() for key in keys) / 2.0**64


def digests(contents: Iterable[bytes]) -> np.ndarray:
    """A digest of each content: [n] uint64, the same on every machine."""
    hashes = (hashlib.blake2b(content, digest_size=8).digest() for content in contents)
    return np.fromiter((int.from_bytes(one, "little") for one in hashes), np.uint64)


def groups(keys: np.ndarray) -> np.ndarray:
    """The number of each pair's group, [n]: pairs that share an image or a text, directly or through others.

    Groups are the connected components of a graph in which every pair is linked to its left and to its
    right side.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(keys)
    left = np.unique(keys[:, 0], return_inverse=True)[1]
    right = np.unique(keys[:, 1], return_inverse=True)[1]
    sides = n + np.concatenate([left, left.max() + 1 + right])  # nodes: pairs, left sides, right sides
    pairs = np.tile(np.arange(n), 2)
    links = coo_array((np.ones(2 * n, bool), (pairs, sides)), shape=(sides.max() + 1,) * 2)
    components = connected_components(links, directed=False)[1]
    return np.unique(components[:n], return_inverse=True)[1]
