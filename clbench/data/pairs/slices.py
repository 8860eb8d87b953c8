"""Cuts dated pairs into slices and holds test pairs out of them."""
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from clbench.errors import InputError

CALENDAR = {"year": "datetime64[Y]", "month": "datetime64[M]"}
FEWEST_TESTED = 20               # recall over fewer says nothing


@dataclass(frozen=True, eq=False)
class Slices:
    """Rows by slice."""

    names: tuple[str, ...]               # as people say it: 2014, 2015 to 2016, …
    train: tuple[np.ndarray, ...]        # [n] rows each
    test: tuple[np.ndarray, ...]         # [n_test] rows each, equally many
    group: np.ndarray                    # [all rows]: equal where pairs share their image or their text
    left_out: dict[str, int]             # rows in no slice, by reason


def cut(when: np.ndarray, by: str | Sequence[str], count: int | None, least: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The slice of each row [n] (-1: none) and the slices' names.

    by: "year", "quarter", "month"; "quantile" for `count` slices of equally many rows; or the edges themselves, ISO dates of
    which each begins a slice and the last ends one. Neighbours on the calendar are joined until each has `least` rows.
    """
    known = ~np.isnat(when)
    if not known.any():
        raise InputError("no row has a date")
    if not isinstance(by, str):
        return _by_edges(when, known, by)
    if by == "quantile":
        return _by_count(when, known, count or 6)
    if by == "quarter":
        months = when.astype("datetime64[M]").astype(int)
        return _joined(np.where(known, months // 3, -1), known, least, lambda q: f"{1970 + q // 4}Q{q % 4 + 1}")
    if by not in CALENDAR:
        raise InputError(f'by="{by}": write year, quarter, month, quantile, name, or edges: ["2014-01-01", "2016-01-01"]')
    units = when.astype(CALENDAR[by])
    return _joined(np.where(known, units.astype(int), -1), known, least, lambda n: str(np.datetime64(int(n), CALENDAR[by][-2])))


def _by_edges(when, known, edges) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        sorted_edges = np.array(edges, "datetime64[D]")
    except ValueError:
        raise InputError(f"by={list(edges)}: edges are ISO dates like 2014-01-01") from None
    if len(sorted_edges) < 2 or (np.diff(sorted_edges).astype(int) <= 0).any():
        raise InputError(f"by={list(edges)}: give at least two edges, each after the one before")
    place = np.searchsorted(sorted_edges, when, side="right") - 1
    place[~known | (place == len(sorted_edges) - 1)] = -1
    days = [str(day) for day in sorted_edges]
    return place, tuple(f"{a} to {b}" for a, b in zip(days, days[1:], strict=False))


def _by_count(when, known, count) -> tuple[np.ndarray, tuple[str, ...]]:
    """Equally many rows each; no day is cut in two."""
    days = np.sort(when[known])
    starts = np.unique(days[[len(days) * k // count for k in range(count)]])
    if len(starts) < count:
        raise InputError(f"count={count}: without cutting a day there are only {len(starts)} slices of equally many rows")
    ends = [days[days < after][-1] for after in starts[1:]] + [days[-1]]
    return (np.where(known, np.searchsorted(starts, when, side="right") - 1, -1),
            tuple(f"{a} to {b}" for a, b in zip(starts, ends, strict=True)))


def _joined(units, known, least, name) -> tuple[np.ndarray, tuple[str, ...]]:
    """Neighbouring units, from the first on, until each slice has `least` rows; what is left at the end joins the last."""
    present, counts = np.unique(units[known], return_counts=True)
    starts, size = [present[0]], 0
    for unit, number in zip(present, counts, strict=True):
        if size >= least:
            starts, size = [*starts, unit], 0
        size += number
    if size < least and len(starts) > 1:
        starts.pop()
    place = np.where(known, np.searchsorted(starts, units, side="right") - 1, -1)
    last = [present[present < after][-1] for after in starts[1:]] + [present[-1]]
    return place, tuple(name(a) if a == b else f"{name(a)} to {name(b)}" for a, b in zip(starts, last, strict=True))


def hold_out(place: np.ndarray, names: Sequence[str], keys: np.ndarray, limits: "Limits") -> Slices:
    """Training and test pairs of every slice. keys [n, 2] uint64: digests of what each row holds, left and right.

    Pairs that share an image or a text are one group, and a group is on one side. The side is decided by a hash of the texts, so
    it stays when rows are added.
    """
    group, outside = groups(keys), np.ones(len(keys), bool)
    np.logical_and.at(outside, group, _shares(keys[:, 1:]) < limits.held_out)   # a group goes out only as a whole
    return _picked(place, names, keys, group, outside[group], limits)


def given(place: np.ndarray, names: Sequence[str], keys: np.ndarray, tested: np.ndarray, uids: Sequence[str | None],
          limits: "Limits") -> Slices:
    """As `hold_out`, where the test pairs [n] bool are given: no test pair may be among the training pairs."""
    for what, values in (("uid", np.array([uid or "" for uid in uids])), ("image or query", keys[:, 0])):
        both = set(values[tested].tolist()) & set(values[~tested].tolist()) - {""}
        if both:
            raise InputError(f"{len(both)} test pairs are among the training pairs, by their {what}: leave them out")
    return _picked(place, names, keys, groups(keys), tested, limits)


@dataclass(frozen=True)
class Limits:
    """How many pairs of a slice are taken, and how few there may be."""

    n_test: int | None = None            # None: as many as every slice has, up to 400
    held_out: float = 1 / 6              # share of the pairs from which test pairs are taken
    most: int | None = None              # for training; None: all
    least: int = 128                     # for training


def _picked(place, names, keys, group, out, limits: Limits) -> Slices:
    """In a slice no two test pairs are of one group: each would be a right answer that counts as wrong."""
    order, train, candidates = np.argsort(_shares(keys), kind="stable"), [], []
    for t in range(len(names)):
        rows = order[place[order] == t]
        train.append(np.sort(rows[~out[rows]][::-1][:limits.most]))
        held = rows[out[rows]]
        candidates.append(held[np.sort(np.unique(group[held], return_index=True)[1])])
    n_test = limits.n_test or min(400, *map(len, candidates))
    needed = limits.n_test or FEWEST_TESTED
    short = [t for t in range(len(names)) if len(train[t]) < limits.least or len(candidates[t]) < needed]
    if short:
        counts = ", ".join(f"{name}: {len(a)} + {len(b)}" for name, a, b in zip(names, train, candidates, strict=True))
        raise InputError(f"slice {names[short[0]]} has too few pairs: {limits.least} for training and {needed} for testing are "
                         f'needed of {counts}; join slices with a larger min_rows, or cut with by="quantile"')
    test = [np.sort(rows[:n_test]) for rows in candidates]
    used, inside = sum(map(len, train)) + n_test * len(names), int((place >= 0).sum())
    left_out = {"outside all slices": len(place) - inside, "held out or over the limit": inside - used}
    return Slices(tuple(names), tuple(train), tuple(test), group, {why: count for why, count in left_out.items() if count})


def _shares(keys: np.ndarray) -> np.ndarray:
    """[n] from 0 to 1, by what each pair holds."""
    return digests(key.astype("<u8").tobytes() for key in keys) / 2.0**64


def digests(contents: Iterable[bytes]) -> np.ndarray:
    """[n] uint64, the same on every machine."""
    hashes = (hashlib.blake2b(content, digest_size=8).digest() for content in contents)
    return np.fromiter((int.from_bytes(one, "little") for one in hashes), np.uint64)


def groups(keys: np.ndarray) -> np.ndarray:
    """[n]: the number of each pair's group, by connected components of shared images and shared texts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(keys)
    (_, left), (_, right) = (np.unique(side, return_inverse=True) for side in keys.T)
    columns = n + np.concatenate([left, left.max() + 1 + right])
    links = coo_array((np.ones(2 * n, bool), (np.tile(np.arange(n), 2), columns)), shape=(columns.max() + 1,) * 2)
    return np.unique(connected_components(links, directed=False)[1][:n], return_inverse=True)[1]
