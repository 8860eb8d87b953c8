"""Intervals and decisions against values worked out by hand; t[2, 0.975] = 4.3027, t[2, 0.95] = 2.9200."""

import numpy as np
import pytest

from clbench.metrics.statistics import (
    PairedDifference,
    Summary,
    best_and_ties,
    equivalence,
    mean_recovered,
    paired_difference,
    recovered,
    seeds_needed,
    smallest_margin,
    summarise,
)

SPREAD = [-0.01, 0.0, 0.01]  # mean 0, SD 0.01
ZERO = [0.0, 0.0, 0.0]
HALF_95 = 4.302653 * 0.01 / 3**0.5
HALF_90 = 2.919986 * 0.01 / 3**0.5


def test_summary_of_three_seeds():
    summary = summarise([0.49, 0.50, 0.51])
    assert (summary.mean, summary.sd, summary.n) == (pytest.approx(0.5), pytest.approx(0.01), 3)
    assert summary.half_width == pytest.approx(HALF_95, rel=1e-6)


def test_summary_without_spread_or_numbers():
    assert summarise([0.1, 0.1, 0.1]).half_width == 0
    assert summarise([0.5, np.nan, 0.7]) == Summary(None, None, None, 3)
    assert summarise([0.5, None]) == Summary(None, None, None, 2)
    assert summarise([]) == Summary(None, None, None, 0)


def test_paired_interval_of_the_differences():
    b = np.array([0.2, 0.9, 0.5])  # a wide spread over seeds that both rows share leaves the interval alone
    difference = paired_difference(b + 0.1 + SPREAD, b)
    assert (difference.low, difference.high) == pytest.approx((0.1 - HALF_95, 0.1 + HALF_95), rel=1e-6)
    assert not difference.contains_zero and paired_difference(b + SPREAD, b).contains_zero


def test_paired_of_one_seed_or_a_missing_value():
    assert paired_difference([0.75], [0.5]) == PairedDifference(0.25, None, None, 1)
    assert paired_difference([0.75, None], [0.5, 0.5]) == PairedDifference(None, None, None, 2)
    with pytest.raises(ValueError, match="one per seed"):
        paired_difference([0.1, 0.2, 0.3], [0.1])


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_best_row_and_its_ties():
    values = {
        "best": by_seed(0.80, 0.70, 0.90),
        "close": by_seed(0.81, 0.68, 0.90),
        "worse": by_seed(0.70, 0.60, 0.80),
        "one seed": {0: 0.75},
        "one seed, equal": {1: 0.70},
        "other seeds": {7: 0.80, 8: 0.70},
        "missing": by_seed(0.99, 0.99, None),
    }
    assert best_and_ties(values, True) == ("best", {"close", "one seed, equal"})
    low = {"a": by_seed(0.2, 0.3), "b": by_seed(0.1, 0.2)}
    assert best_and_ties(low, higher_is_better=False) == ("b", set())
    assert best_and_ties({"missing": {0: None}}, True) == (None, set())


def test_ties_are_judged_on_common_seeds():
    values = {"a": {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.99}, "b": {2: 0.7, 1: 0.6, 0: 0.5}}
    assert best_and_ties(values, True) == ("a", {"b"})


@pytest.mark.parametrize(
    ("shift", "decision"),
    [
        (0.0, "equivalent"),  # 90 % interval [-0.0169, 0.0169] inside 0.02
        (0.004, "undecided"),  # 90 % interval up to 0.0209
        (0.044, "undecided"),  # 95 % interval from 0.0192
        (0.046, "different"),  # 95 % interval from 0.0212
        (-0.046, "different"),
    ],
)
def test_equivalence(shift, decision):
    assert equivalence(np.array(SPREAD) + shift, ZERO, margin=0.02) == decision


def test_equivalence_without_spread_or_with_one_seed():
    assert equivalence(ZERO, ZERO, margin=0.0) == "equivalent"
    assert equivalence([0.25, 0.5], [0.0, 0.25], margin=0.02) == "different"
    assert (
        equivalence([0.5], [0.5])
        == equivalence([0.9], [0.1])
        == equivalence([0.5, None], [0.5, 0.5])
        == "undecided"
    )


def test_smallest_margin_is_where_equivalence_begins():
    smallest = smallest_margin(np.array(SPREAD) - 0.004, ZERO)
    assert smallest == pytest.approx(0.004 + HALF_90, rel=1e-6)
    assert equivalence(np.array(SPREAD) - 0.004, ZERO, smallest) == "equivalent"
    assert equivalence(np.array(SPREAD) - 0.004, ZERO, smallest * 0.999) == "undecided"
    assert smallest_margin([0.5], [0.5]) is None


def test_seeds_needed_agrees_with_the_tables_of_the_paired_t_test():
    assert seeds_needed(SPREAD, margin=0.01) == 10  # effect size 1
    assert seeds_needed(SPREAD, margin=0.005) == 34  # effect size 0.5
    assert seeds_needed(ZERO, margin=0.01) == 2
    assert seeds_needed([0.1], margin=0.01) is None and seeds_needed(SPREAD, margin=0) is None


def test_recovered_from_means_over_the_common_seeds():
    naive, joint = by_seed(0.20, 0.22, 0.18, 0.20), by_seed(0.80, 0.78, 0.82, 0.80)
    half_way = {seed: (naive[seed] + joint[seed]) / 2 for seed in naive} | {9: 0.99}
    result = recovered(half_way, naive, joint)
    assert result.n == 4
    assert (result.value, result.low, result.high) == pytest.approx((0.5, 0.5, 0.5))
    uneven = recovered(by_seed(0.2, 0.8, 0.5, 0.5), naive, joint)
    assert uneven.value == pytest.approx(0.5) and 0.1 < uneven.low < 0.4 and 0.6 < uneven.high < 0.9
    assert uneven == recovered(by_seed(0.2, 0.8, 0.5, 0.5), naive, joint)
    assert recovered(naive, naive, joint).value == 0 and recovered(joint, naive, joint).high == 1


def test_recovered_needs_damage_that_is_distinguishable_from_none():
    naive, joint = by_seed(0.5, 0.6, 0.7), by_seed(0.6, 0.5, 0.7)
    assert recovered(naive, naive, joint) is None
    assert recovered({0: 0.5}, {0: 0.2}, {0: 0.8}) is None
    assert recovered(by_seed(0.5, None), by_seed(0.2, 0.2), by_seed(0.8, 0.8)) is None


def test_mean_recovered_resamples_the_same_seeds_everywhere():
    naive, joint = {0: 0.2, 1: 0.3, 2: 0.2}, {0: 0.9, 1: 0.9, 2: 1.0}
    half, whole = (
        {seed: naive[seed] + share * (joint[seed] - naive[seed]) for seed in naive} for share in (0.5, 1.0)
    )
    both = mean_recovered([(half, naive, joint), (whole, naive, joint)])
    assert both.n == 2 and both.value == pytest.approx(0.75)
    assert (both.low, both.high) == (pytest.approx(0.75), pytest.approx(0.75))
    same = mean_recovered([(half, naive, naive), (half, naive, joint)])  # nothing was damaged in the first
    assert same.n == 1 and same.value == pytest.approx(0.5)
    assert mean_recovered([]) is None and mean_recovered([(half, naive, naive)]) is None
