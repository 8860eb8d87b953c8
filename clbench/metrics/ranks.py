"""Ranks and tie groups of rows, from one value per seed.

The page of results computes the same from the same values (`report/templates/board/statistics.js`). So what
is random here comes from a generator that is easy to write in any language, and values are whole numbers of
`UNIT`: two rows are equal in both or in none.
"""

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

DRAWS = 10_000
UNIT = 1e-7


@dataclass(frozen=True)
class MeanRank:
    """Mean over benchmarks of 1 + the number of better rows, and its 95 % interval."""

    mean: float
    low: float
    high: float
    of_each: tuple[int, ...]  # the rank on each benchmark


def mean_ranks(values: Sequence[np.ndarray]) -> list[MeanRank]:
    """Of each row, its mean rank over benchmarks; `values` has an array [rows, seeds] for each, higher is
    better.

    Rows and seeds are the same everywhere, two seeds at least. Equal rows share the better rank. The
    interval: `DRAWS` draws move the rows by their seeds' deviations, weighed so that any difference of two
    rows varies as its t interval says (`weights_of_seeds`).
    """
    whole = [np.round(np.asarray(one, dtype=np.float64) / UNIT) for one in values]
    weights = weights_of_seeds(whole[0].shape[1])
    point = np.array([ranks(x.mean(axis=1)[None])[0] for x in whole])  # [benchmarks, rows]
    drawn = sum(ranks(drawn_means(x, weights)) for x in whole) / len(whole)  # [draws, rows]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0, method="inverted_cdf")
    return [
        MeanRank(
            mean := float(each.mean()),
            min(mean, float(low[i])),
            max(mean, float(high[i])),
            tuple(map(int, each)),
        )
        for i, each in enumerate(point.T)
    ]


def drawn_means(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[draws, rows] means of x [rows, seeds], moved. Seed after seed: a product of matrices may add up equal
    rows in different orders."""
    means = x.mean(axis=1)
    moved = np.broadcast_to(means, (len(weights), len(x)))
    for seed in range(x.shape[1]):
        moved = moved + weights[:, seed, None] * (x[:, seed] - means)
    return moved


def ranks(values: np.ndarray) -> np.ndarray:
    """[draws, rows]: 1 + how many rows of the same draw are better.

    >>> ranks(np.array([[0.5, 0.9, 0.5, 0.1]])).tolist()
    [[2, 1, 2, 4]]
    """
    better = np.zeros(values.shape, dtype=np.int64)
    for other in range(values.shape[1]):
        better += values[:, other, None] > values
    return 1 + better


def weights_of_seeds(seeds: int) -> np.ndarray:
    """[DRAWS, seeds] weights of the seeds' deviations from their mean, the same for all rows.

    Normals / (chi / sqrt(S - 1)) / sqrt(S (S - 1)): a row's mean then varies as t with S - 1 degrees of
    freedom. A plain resample of three seeds has ten outcomes and is too sure of itself.
    """
    normals = _normals(DRAWS * (2 * seeds - 1)).reshape(DRAWS, -1)
    squares = np.zeros(DRAWS)
    for column in normals[:, : seeds - 1].T:
        squares = squares + column * column
    spread = np.sqrt(squares / (seeds - 1)) * math.sqrt(seeds * (seeds - 1))
    return (normals[:, seeds - 1 :] / spread[:, None]).astype(np.float32).astype(np.float64)


def _normals(count: int) -> np.ndarray:
    """Box and Muller 1958, from two uniform numbers each."""
    first, second = uniforms(2 * count).reshape(-1, 2).T
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


def uniforms(count: int) -> np.ndarray:
    """Numbers in (0, 1): number i is a hash of i (the finaliser of MurmurHash3), so nothing else moves them.

    >>> uniforms(3).round(6).tolist()
    [0.573398, 0.237654, 0.105781]
    """
    x = (np.arange(1, count + 1, dtype=np.uint64) * 0x9E3779B9).astype(np.uint32)
    x ^= x >> 16
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> 13
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> 16
    return (x + 0.5) / 2**32


# ---- ties


def told_apart(values: np.ndarray, correct: bool = False) -> np.ndarray:
    """[rows, rows]: whether two rows of values [rows, seeds] differ by a paired t test at 5 %, for each pair
    by itself or corrected for all pairs (Holm 1979)."""
    whole = np.round(np.asarray(values, dtype=np.float64) / UNIT)
    first, second = np.tril_indices(len(whole), -1)
    p = np.array([p_of_difference(whole[i] - whole[j]) for i, j in zip(first, second, strict=True)])
    told = np.zeros((len(whole), len(whole)), dtype=bool)
    told[first, second] = told[second, first] = (holm(p) if correct else p) < 0.05
    return told


def p_of_difference(d: np.ndarray) -> float:
    """Two-sided p of a t test for mean 0; 1 for one value, and where all are 0."""
    if d.size < 2 or np.ptp(d) == 0:
        return 0.0 if d.size > 1 and d[0] else 1.0
    t = abs(d.mean()) / (d.std(ddof=1) / math.sqrt(d.size))
    return float(2 * stdtr(d.size - 1, -t))


def holm(p: np.ndarray) -> np.ndarray:
    """p values, corrected step by step for their number.

    >>> holm(np.array([0.01, 0.04, 0.03, 0.005])).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.minimum(1, np.arange(len(p), 0, -1) * p[order]))
    return corrected


def tie_letters(told: np.ndarray) -> list[str]:
    """Letters for rows, best first: two rows share one exactly if they cannot be told apart.

    >>> told = np.array([[0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]], dtype=bool)
    >>> tie_letters(told)
    ['a', 'ab', 'bc', 'c']
    """
    groups = _without_needless(_groups(told), len(told))
    return ["".join(letter(k) for k, group in enumerate(groups) if row in group) for row in range(len(told))]


def _groups(told: np.ndarray) -> list[list[int]]:
    """Sets of rows that are all alike, so many that each alike pair, and each row, is in one."""
    rows = range(len(told))
    groups: list[list[int]] = []
    together = np.zeros_like(told)
    for i in rows:
        for j in rows[i:]:
            if told[i, j] or together[i, j]:
                continue
            group = [i] if i == j else [i, j]
            for other in rows:
                if other not in group and not told[other, group].any():
                    group.append(other)
            together[np.ix_(group, group)] = True
            groups.append(sorted(group))
    return sorted(groups)


def _without_needless(groups: list[list[int]], rows: int) -> list[list[int]]:
    """Those without which a pair would be in no group; the small ones go first."""
    times = np.zeros((rows, rows), dtype=int)
    for group in groups:
        times[np.ix_(group, group)] += 1
    kept = list(groups)
    for group in sorted(groups, key=len):
        if (times[np.ix_(group, group)] > 1).all():
            times[np.ix_(group, group)] -= 1
            kept.remove(group)
    return kept


def letter(k: int) -> str:
    """One sign for group k: a to z, A to Z, then Cyrillic."""
    return string.ascii_letters[k] if k < 52 else chr(0x0400 + k - 52)
