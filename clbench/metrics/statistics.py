"""Means, intervals and decisions from the values of several seeds, for tables, reports and `clbench check`.

Two rows of a table are always compared seed by seed. Standard deviations have ddof 1. One seed has no
interval. A missing value (NaN or None) is never skipped: it makes the result None.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit  # quantiles of the normal and of t; scipy.stats is slow to import

RESAMPLES = 10_000  # of the bootstrap
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
    """Mean over n seeds of a difference, and its t interval.

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
    """Share of the damage that a method undoes (1: all), with its 95 % bootstrap interval over n seeds."""

    value: float
    low: float
    high: float
    n: int


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


def best_and_ties(
    values: Mapping[str, Mapping[int, float]], higher_is_better: bool
) -> tuple[str | None, set[str]]:
    """The row with the best mean over its own seeds, and the other rows not distinguishable from it.

    `values` is row -> seed -> value. A row is tied when the 95 % interval of its paired difference from the
    best row, on the seeds that both have, contains 0; with one common seed, when the two values are equal.
    A row with a missing value is neither best nor tied.
    """
    means = {
        row: mean
        for row, by_seed in values.items()
        if (mean := summarise(list(by_seed.values())).mean) is not None
    }
    if not means:
        return None, set()
    choose = max if higher_is_better else min
    best = choose(means, key=means.__getitem__)
    ties = set()
    for row in means.keys() - {best}:
        own, others = on_common_seeds(values[row], values[best])
        difference = paired_difference(own, others)
        if difference.contains_zero or (difference.n == 1 and difference.mean == 0):
            ties.add(row)
    return best, ties


def equivalence(a: Values, b: Values, margin: float = 0.01, alpha: float = 0.05) -> str:
    """Whether a and b agree within the margin: "equivalent", "different" or "undecided".

    Equivalent: the 90 % interval of the paired difference lies inside [-margin, margin] (two one-sided
    tests at 5 %, or at another alpha). Different: the 95 % interval lies outside it altogether. One seed
    decides nothing.
    """
    smallest = smallest_margin(a, b, alpha)
    if smallest is None:
        return "undecided"
    if smallest <= margin:
        return "equivalent"
    wide = paired_difference(a, b, 1 - alpha)
    assert wide.low is not None and wide.high is not None
    return "different" if wide.low > margin or wide.high < -margin else "undecided"


def smallest_margin(a: Values, b: Values, alpha: float = 0.05) -> float | None:
    """The smallest margin at which `equivalence` says "equivalent"; None for fewer than two seeds."""
    narrow = paired_difference(a, b, 1 - 2 * alpha)
    if narrow.low is None or narrow.high is None:
        return None
    return max(abs(narrow.low), abs(narrow.high))


def seeds_needed(differences: Values, margin: float) -> int | None:
    """How many seeds would show a difference as large as the margin, by a two-sided test at 5 % with power
    80 %.

    The smallest n >= 2 with (t[n-1, 0.975] + t[n-1, 0.8]) SD / sqrt(n) <= margin, where SD is the standard
    deviation of the differences. None for fewer than two seeds and for a margin of 0.
    """
    sd = summarise(differences).sd
    if sd is None or margin <= 0:
        return None
    n: int = max(
        2, math.ceil(((ndtri(0.975) + ndtri(0.8)) * sd / margin) ** 2)
    )  # by the normal: not too large
    while (stdtrit(n - 1, 0.975) + stdtrit(n - 1, 0.8)) * sd / math.sqrt(n) > margin:
        n += 1
    return n


def recovered(
    strategy: Mapping[int, float], fine_tuned: Mapping[int, float], retrained: Mapping[int, float]
) -> Recovered | None:
    """The metric "recovered": (ACC - ACC(naive)) / (ACC(joint) - ACC(naive)), from means over the common
    seeds.

    Each argument is seed -> ACC. The interval is a percentile bootstrap that resamples seeds, the same ones
    for all three rows. None when the 95 % interval of the denominator contains 0, and for fewer than two
    common seeds, where the denominator has no interval.
    """
    s, n, j = on_common_seeds(strategy, fine_tuned, retrained)
    damage = paired_difference(j, n)
    if damage.low is None or damage.contains_zero or not np.isfinite(s).all():
        return None
    generator = np.random.default_rng(list(b"recovered"))
    resamples = generator.integers(s.size, size=(RESAMPLES, s.size))
    gains = (s - n)[resamples].mean(axis=1)
    damages = (j - n)[resamples].mean(axis=1)
    defined = damages != 0  # a resample whose damages cancel has no ratio
    low, high = np.quantile(gains[defined] / damages[defined], [0.025, 0.975])
    return Recovered(float((s - n).mean() / damage.mean), float(low), float(high), s.size)


def mean_recovered(benchmarks: Sequence[tuple[Mapping[int, float], ...]]) -> Recovered | None:
    """Mean of `recovered` over benchmarks, each given as (strategy, naive, joint); its n counts the
    benchmarks.

    A benchmark for which `recovered` is None is left out; None if all are. The bootstrap resamples the
    seeds that all benchmarks have, the same ones everywhere, since a mean of intervals is no interval of
    the mean.
    """
    defined = [triple for triple in benchmarks if recovered(*triple)]
    if not defined:
        return None
    rows = on_common_seeds(*(row for triple in defined for row in triple))
    triples = np.reshape(rows, (len(defined), 3, -1))  # [benchmarks, rows, seeds]
    s, n, j = (np.ascontiguousarray(triples[:, i]) for i in range(3))  # [benchmarks, seeds]
    if s.shape[1] < 2:
        return None
    generator = np.random.default_rng(list(b"recovered"))
    resamples = generator.integers(s.shape[1], size=(RESAMPLES, s.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (s - n)[:, resamples].mean(axis=2) / (j - n)[:, resamples].mean(axis=2)
        means = shares.mean(axis=0)
    low, high = np.quantile(means[np.isfinite(means)], [0.025, 0.975])
    value = ((s - n).mean(axis=1) / (j - n).mean(axis=1)).mean()
    return Recovered(float(value), float(low), float(high), len(defined))


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
    return float(stdtrit(x.size - 1, (1 + level) / 2) * x.std(ddof=1) / math.sqrt(x.size))


def _floats(values: Values) -> np.ndarray:
    """A float64 copy; None becomes NaN."""
    return np.array(values, dtype=np.float64)
