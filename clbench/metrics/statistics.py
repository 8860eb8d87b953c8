"""Means, intervals and decisions from the values of several seeds, for tables, reports and `clbench check`.

Two rows of a table are always compared seed by seed. Standard deviations have ddof 1. One seed has no
interval. A missing value (NaN or None) is never skipped: it makes the result None.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit  # of the normal and of t; scipy.stats is slow to import

TOO_WIDE = 0.1  # an interval that reaches so far from 0 says nothing about a tie
Values = Sequence[float] | np.ndarray  # one for each seed


@dataclass(frozen=True)
class Summary:
    """Mean over n seeds, half-width of its 95 % t interval, and standard deviation.

    The last two are None for one seed; all three are None where a value is missing.
    """

    mean: float | None
    half_width: float | None
    sd: float | None
    n: int


@dataclass(frozen=True)
class PairedDifference:
    """Mean over n seeds of a difference, and its t interval; of two samples n is the size of the smaller.

    The interval is None for one seed; all three are None where a value is missing.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def contains_zero(self) -> bool:
        return self.low is not None and self.high is not None and self.low <= 0 <= self.high


@dataclass(frozen=True)
class Recovered:
    """Share of the damage that a method undoes (1: all), with its 95 % interval over n seeds."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Standing:
    """The row with the best mean, and how the others compare with it: tied (cannot be told from it), unclear
    (too few seeds to tell)."""

    best: str | None = None
    tied: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()


def summarise(values: Values) -> Summary:
    """Mean, 95 % interval and standard deviation of one value per seed.

    >>> summarise([0.5])
    Summary(mean=0.5, half_width=None, sd=None, n=1)
    """
    x = _floats(values)
    if not x.size or not np.isfinite(x).all():
        return Summary(None, None, None, x.size)
    if x.size == 1:
        return Summary(float(x[0]), None, None, 1)
    return Summary(float(x.mean()), _half_width(x, 0.95), float(x.std(ddof=1)), x.size)


def paired_difference(a: Values, b: Values, level: float = 0.95) -> PairedDifference:
    """Mean of a - b and its t interval. a and b hold one value per seed, in the same order of seeds.

    >>> paired_difference([0.75, 1.0], [0.5, 0.75])  # all differences equal: the interval is a point
    PairedDifference(mean=0.25, low=0.25, high=0.25, n=2)
    """
    d = _differences(a, b)
    if not d.size or not np.isfinite(d).all():
        return PairedDifference(None, None, None, d.size)
    mean = float(d.mean())
    if d.size == 1:
        return PairedDifference(mean, None, None, 1)
    half = _half_width(d, level)
    return PairedDifference(mean, mean - half, mean + half, d.size)


def welch_difference(a: Values, b: Values, level: float = 0.95) -> PairedDifference:
    """mean(a) - mean(b) of two independent samples, and its t interval after Welch (1947): each has its own
    size and its own variance.

    >>> found = welch_difference([0.75, 1.0, 1.25], [0.5, 0.5, 0.5])  # b has no spread: the interval of a
    >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3), found.n
    (0.5, -0.121, 1.121, 3)
    """
    x, y = _floats(a), _floats(b)
    n = min(x.size, y.size)
    if not n or not np.isfinite(x).all() or not np.isfinite(y).all():
        return PairedDifference(None, None, None, n)
    mean = float(x.mean() - y.mean())
    if n == 1:
        return PairedDifference(mean, None, None, 1)
    squares = np.array([0.0 if np.ptp(one) == 0 else one.var(ddof=1) / one.size for one in (x, y)])
    if not squares.any():
        return PairedDifference(mean, mean, mean, n)
    freedom = squares.sum() ** 2 / (squares**2 / [x.size - 1, y.size - 1]).sum()
    half = float(stdtrit(freedom, (1 + level) / 2) * math.sqrt(squares.sum()))
    return PairedDifference(mean, mean - half, mean + half, n)


Interval = Callable[[Values, Values, float], PairedDifference]  # of a - b, at a level


def standing(values: Mapping[str, Mapping[int, float]], higher_is_better: bool, seeds: int) -> Standing:
    """Which row is best, and which others cannot be told from it.

    `values` is row -> seed -> value; `seeds` is how many a row should have. Best is the best mean among the
    rows that have as many, two at least, on the seeds that all of these have: a mean of fewer is luck, and
    one of others no comparison. These rows are judged by the 95 % interval of the paired difference from the
    best row on these seeds, another row on those that it shares with the best. Where it contains 0 the row is
    tied, unless the interval does not exclude a difference of 10 points or the row has fewer seeds than it
    should: then nothing can be told. Nor can it from one common seed. A row with a missing value is none of
    these.
    """
    known = {
        row: by_seed for row, by_seed in values.items() if summarise(list(by_seed.values())).mean is not None
    }
    whole = {row: by_seed for row, by_seed in known.items() if len(by_seed) >= max(2, seeds)}
    common = _seeds_of_most(whole)
    if len(common) < 2:
        return Standing()
    compared = {
        row: {seed: by_seed[seed] for seed in common}
        for row, by_seed in whole.items()
        if common <= by_seed.keys()
    }
    means = {row: float(np.mean(list(by_seed.values()))) for row, by_seed in compared.items()}
    choose = max if higher_is_better else min
    best = choose(means, key=means.__getitem__)
    differences = {
        row: _paired(compared[row], compared[best]) if row in compared else _paired(known[row], known[best])
        for row in known.keys() - {best}
    }
    untold = {row for row, found in differences.items() if found.low is None or found.contains_zero}
    tied = {row for row in untold & means.keys() if not _too_wide(differences[row])}
    return Standing(best, frozenset(tied), frozenset(untold - tied))


def _seeds_of_most(rows: Mapping[str, Mapping[int, float]]) -> set[int]:
    """The seeds that all rows have, but for rows that share less than two with more than half of the rows."""
    counts = Counter(seed for by_seed in rows.values() for seed in by_seed)
    usual = {seed for seed, count in counts.items() if 2 * count > len(rows)}
    shared = [usual & by_seed.keys() for by_seed in rows.values()]
    return set.intersection(*(one for one in shared if len(one) > 1), usual)


def _paired(a: Mapping[int, float], b: Mapping[int, float]) -> PairedDifference:
    own, others = on_common_seeds(a, b)
    return paired_difference(own, others)


def _too_wide(difference: PairedDifference) -> bool:
    """Whether the interval does not exclude a difference of 10 points."""
    return (
        difference.low is None or difference.high is None or max(-difference.low, difference.high) >= TOO_WIDE
    )


def equivalence(
    a: Values, b: Values, margin: float = 0.01, alpha: float = 0.05, interval: Interval = paired_difference
) -> str:
    """Whether a and b agree within the margin: "equivalent", "different" or "undecided".

    Equivalent: the 90 % interval of the difference lies inside [-margin, margin] (two one-sided tests at
    5 %, or at another alpha). Different: the 95 % interval lies outside it altogether. One seed decides
    nothing. interval: `paired_difference`, or `welch_difference` for independent samples.
    """
    smallest = smallest_margin(a, b, alpha, interval)
    if smallest is None:
        return "undecided"
    if smallest <= margin:
        return "equivalent"
    wide = interval(a, b, 1 - alpha)
    assert wide.low is not None and wide.high is not None
    return "different" if wide.low > margin or wide.high < -margin else "undecided"


def smallest_margin(
    a: Values, b: Values, alpha: float = 0.05, interval: Interval = paired_difference
) -> float | None:
    """The smallest margin at which `equivalence` says "equivalent"; None for fewer than two seeds."""
    narrow = interval(a, b, 1 - 2 * alpha)
    if narrow.low is None or narrow.high is None:
        return None
    return max(abs(narrow.low), abs(narrow.high))


def p_above(values: Values, bound: float) -> float:
    """One-sided p of a t test of "the mean is at most the bound", so small where it lies above. Two values at
    least; where all are equal they are no sample but a number, and p is 0 or 1.

    >>> round(p_above([1.0, 2.0, 3.0], 0.0), 4), p_above([2.0, 2.0], 1.0), p_above([2.0, 2.0], 2.0)
    (0.0371, 0.0, 1.0)
    """
    x = _floats(values)
    if np.ptp(x) == 0:
        return float(x[0] <= bound)
    t = (x.mean() - bound) / (x.std(ddof=1) / math.sqrt(x.size))
    return float(stdtr(x.size - 1, -t))


def seeds_needed(differences: Values, margin: float) -> int | None:
    """How many seeds would show a difference as large as the margin, by a two-sided test at 5 % with power
    80 %.

    The smallest n >= 2 with (t[n-1, 0.975] + t[n-1, 0.8]) SD / sqrt(n) <= margin, where SD is the standard
    deviation of the differences. None for fewer than two seeds and for a margin of, nearly, 0.
    """
    return _size_needed(summarise(differences).sd, margin, samples=1)


def seeds_needed_unpaired(a: Values, b: Values, margin: float) -> int | None:
    """`seeds_needed`, of each of two independent samples as large as each other: t has 2 (n - 1) degrees of
    freedom, and SD is the root of the sum of both variances. None for fewer than two seeds on a side, too."""
    sds = [summarise(one).sd for one in (a, b)]
    if sds[0] is None or sds[1] is None:
        return None
    return _size_needed(math.hypot(sds[0], sds[1]), margin, samples=2)


def _size_needed(sd: float | None, margin: float, samples: int) -> int | None:
    if sd is None or margin <= 0 or sd / margin > 1e6:
        return None
    by_normal = ((ndtri(0.975) + ndtri(0.8)) * sd / margin) ** 2
    n: int = max(2, math.ceil(by_normal))  # not too large
    while sum(stdtrit(samples * (n - 1), share) for share in (0.975, 0.8)) * sd / math.sqrt(n) > margin:
        n += 1
    return n


def recovered(
    strategy: Mapping[int, float], fine_tuned: Mapping[int, float], retrained: Mapping[int, float]
) -> Recovered | None:
    """The metric "recovered": (ACC - ACC(naive)) / (ACC(joint) - ACC(naive)), from means over the common
    seeds.

    Each argument is seed -> ACC. None where `pooled_recovered` is.
    """
    return pooled_recovered([(strategy, fine_tuned, retrained)])


def pooled_recovered(benchmarks: Sequence[tuple[Mapping[int, float], ...]]) -> Recovered | None:
    """Sum of gains / sum of damages over benchmarks, each given as (strategy, naive, joint); one benchmark's
    is the metric "recovered".

    Sums are over the seeds that all benchmarks have. A mean of the benchmarks' ratios would say nothing where
    one of them has hardly any damage. None for fewer than two common seeds and where there is no damage
    that could be told from none.
    """
    if not benchmarks:
        return None
    rows = on_common_seeds(*(row for triple in benchmarks for row in triple))
    s, n, j = np.reshape(rows, (len(benchmarks), 3, -1)).sum(axis=0)  # [seeds] each
    if s.size < 2 or not np.isfinite([s, n, j]).all():
        return None
    value, low, high = ratio_of_means(s - n, j - n)
    no_damage = np.isnan(low) or (j - n).mean() <= 0
    return None if no_damage else Recovered(float(value), float(low), float(high), s.size)


def ratio_of_means(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mean(a) / mean(b) of paired samples [..., n], and its 95 % interval (Fieller 1954): three of [...].

    The interval holds every ratio r for which a paired t test does not reject mean(a - r b) = 0. It covers
    95 % for any number of seeds if a and b are normal; a percentile bootstrap covers 74 % at n = 3. NaN
    where the 95 % interval of mean(b) contains 0: any ratio is possible then.

    >>> [round(float(one), 3) for one in ratio_of_means(np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0, 4.0]))]
    [0.5, -0.121, 1.121]
    """
    n = a.shape[-1]
    k = stdtrit(n - 1, 0.975) ** 2 / n
    bottom = b.mean(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = a.mean(axis=-1) / bottom
        rest = a - value[..., None] * b  # its mean is 0
        rest_of_b = b - bottom[..., None]
        # mean(a - (value + d) b) = -d mean(b), so d is in where its square is at most k times a variance.
        leading = bottom**2 - k * (rest_of_b**2).sum(axis=-1) / (n - 1)
        covariance = k * (rest * rest_of_b).sum(axis=-1) / (n - 1)
        variance = k * (rest**2).sum(axis=-1) / (n - 1)
        middle = value - covariance / leading
        half = np.sqrt(covariance**2 + leading * variance) / leading
    defined = leading > 0
    return value, np.where(defined, middle - half, np.nan), np.where(defined, middle + half, np.nan)


def on_common_seeds(*rows: Mapping[int, float]) -> list[np.ndarray]:
    """Each row's values on the seeds that all rows have, in ascending order of seed.

    >>> [values.tolist() for values in on_common_seeds({2: 0.2, 0: 0.1}, {0: 0.3, 1: 0.4, 2: 0.5})]
    [[0.1, 0.2], [0.3, 0.5]]
    """
    seeds = sorted(set.intersection(*(set(row) for row in rows)))
    return [_floats([row[seed] for seed in seeds]) for row in rows]


def _differences(a: Values, b: Values) -> np.ndarray:
    """a - b, seed by seed. Raises ValueError if they hold different numbers of seeds."""
    left = _floats(a)
    right = _floats(b)
    if left.shape != right.shape:
        raise ValueError(
            f"paired values needed, one per seed on both sides: got {left.size} and {right.size}"
        )
    return left - right


def _half_width(x: np.ndarray, level: float) -> float:
    """Half the width of the t interval of the mean of x, at this level."""
    if np.ptp(x) == 0:  # the SD of equal floats can round to more than 0
        return 0.0
    return half_width(float(x.std(ddof=1)), x.size, level)


def half_width(sd: float, n: int, level: float = 0.95) -> float:
    """Half the width of the t interval of a mean over n >= 2 values, from their standard deviation.

    >>> round(half_width(0.05, 3), 4)
    0.1242
    """
    return float(stdtrit(n - 1, (1 + level) / 2) * sd / math.sqrt(n))


def _floats(values: Values) -> np.ndarray:
    """A float64 copy; None becomes NaN."""
    return np.array(values, dtype=np.float64)
