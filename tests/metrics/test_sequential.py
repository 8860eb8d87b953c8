"""Looking again costs no false alarms, by simulation of whole sequences of looks."""

import numpy as np
import pytest

from clbench.metrics.sequential import share
from clbench.metrics.statistics import paired_difference
from clbench.metrics.verdict import ALPHA, MARGIN

LOOKS = (5, 10, 20, 40, 80)
SEQUENCES = 4000


def wrong_decisions(mean: float, shares: list[float]) -> tuple[float, float]:
    """How often a look at normal differences of this mean and SD 0.03 says "equivalent", and "different"."""
    draws = np.random.default_rng(0).normal(mean, 0.03, (SEQUENCES, LOOKS[-1]))
    equivalent, different = np.zeros((2, SEQUENCES), dtype=bool)
    for n, own in zip(LOOKS, shares, strict=True):
        seen = draws[:, :n]
        unit = np.arange(n) - (n - 1) / 2  # of a known SD, to read the t quantiles off an interval
        spread = seen.std(axis=1, ddof=1) / unit.std(ddof=1)
        narrow, wide = (
            paired_difference(unit, 0 * unit, level).high * spread
            for level in (1 - 2 * ALPHA * own, 1 - ALPHA * own)
        )
        open_ones = ~(equivalent | different)
        centre = np.abs(seen.mean(axis=1))
        equivalent |= open_ones & (centre + narrow <= MARGIN)
        different |= open_ones & (centre - wide > MARGIN)
    return equivalent.mean(), different.mean()


def spent(counts) -> list[float]:
    return [share(counts[: i + 1]) for i in range(len(counts))]


@pytest.mark.parametrize("counts", [LOOKS, (5, 7, 8, 30, 31)])
def test_the_shares_of_all_looks_are_never_more_than_the_whole(counts):
    shares = spent(list(counts))
    assert all(0 < one <= 0.5 for one in shares) and sum(shares) < 1


def test_looking_again_costs_no_false_alarms():
    """At the margin itself, where a wrong decision is likeliest; the same looks without spending err more
    often."""
    equivalent, different = wrong_decisions(MARGIN, spent(list(LOOKS)))
    assert equivalent <= ALPHA and different <= ALPHA / 2 + 0.01
    equivalent_unspent, different_unspent = wrong_decisions(MARGIN, [1.0] * len(LOOKS))
    assert equivalent_unspent > ALPHA and different_unspent > ALPHA


def test_what_is_true_is_still_found():
    assert wrong_decisions(0.0, spent(list(LOOKS)))[0] > 0.8
    assert wrong_decisions(0.05, spent(list(LOOKS)))[1] > 0.95
