"""Intervals and decisions against values worked out by hand; t[2, 0.975] = 4.3027, t[2, 0.95] = 2.9200."""

import numpy as np
import pytest
from scipy import stats

from clbench.metrics.statistics import (
    PairedDifference,
    Standing,
    Summary,
    equivalence,
    paired_difference,
    pooled_recovered,
    ratio_of_means,
    recovered,
    seeds_needed,
    seeds_needed_unpaired,
    smallest_margin,
    standing,
    summarise,
    welch_difference,
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


@pytest.mark.parametrize(("level", "sizes"), [(0.95, (5, 8)), (0.9, (2, 3)), (0.95, (10, 2))])
def test_welch_interval_is_that_of_scipy(level, sizes):
    generator = np.random.default_rng(sum(sizes))
    a, b = generator.normal(0.5, 0.01, sizes[0]), generator.normal(0.6, 0.05, sizes[1])
    found = welch_difference(a, b, level)
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert found.mean == pytest.approx(a.mean() - b.mean()) and found.n == min(sizes)


def test_welch_of_samples_without_spread_one_seed_or_a_missing_value():
    constant = [0.1, 0.1, 0.1]  # its SD can round to more than 0
    assert welch_difference(constant, constant) == PairedDifference(0.0, 0.0, 0.0, 3)
    one = welch_difference(np.array(SPREAD), constant)
    assert one.high - one.low == pytest.approx(2 * HALF_95, rel=1e-6)
    assert welch_difference([0.75], [0.5, 0.25]) == PairedDifference(0.375, None, None, 1)
    assert welch_difference([0.5, None], [0.5, 0.5]) == PairedDifference(None, None, None, 2)
    assert welch_difference([], [0.5]) == PairedDifference(None, None, None, 0)


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_best_row_and_its_ties():
    values = {
        "best": by_seed(0.80, 0.70, 0.90),
        "close": by_seed(0.81, 0.68, 0.90),
        "worse": by_seed(0.70, 0.60, 0.80),
        "one seed": {0: 0.75},
        "one seed, equal": {1: 0.70},
        "other seeds": {7: 0.80, 8: 0.70, 9: 0.75},
        "missing": by_seed(0.99, 0.99, None),
    }
    unclear = {"one seed", "one seed, equal", "other seeds"}
    assert standing(values, True, 3) == Standing("best", frozenset({"close"}), frozenset(unclear))
    low = {"a": by_seed(0.2, 0.3), "b": by_seed(0.1, 0.2)}
    assert standing(low, higher_is_better=False, seeds=2) == Standing("b")
    assert standing({"missing": {0: None}}, True, 1) == Standing()


def test_ties_are_judged_on_common_seeds():
    values = {"a": {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.99}, "b": {2: 0.7, 1: 0.6, 0: 0.5}}
    assert standing(values, True, 3) == Standing("a", frozenset("b"))


def test_a_row_with_fewer_seeds_is_neither_best_nor_tied():  # case 31
    values = {
        "er": by_seed(0.80, 0.82, 0.81, 0.79, 0.80),
        "derpp": by_seed(0.40, 0.41, 0.39, 0.40, 0.38),
        "gem": by_seed(0.90, 0.84),
        "clearly worse": by_seed(0.20, 0.22),
    }
    assert standing(values, True, 5) == Standing("er", unclear=frozenset({"gem"}))
    assert standing(values, True, 6) == Standing()  # nobody has what was asked for
    assert standing({"a": {0: 0.5}, "b": {0: 0.4}}, True, 1) == Standing()  # one seed tells nothing


@pytest.mark.parametrize(("spread", "named"), [(0.03, "tied"), (0.05, "unclear")])
def test_an_interval_that_does_not_exclude_ten_points_is_no_tie(spread, named):
    best = [0.5, 0.5, 0.5]  # half-width of the differences: 2.484 times their SD
    other = [0.49, 0.49 + spread, 0.49 - spread]
    found = standing({"best": by_seed(*best), "other": by_seed(*other)}, True, 3)
    assert found == Standing("best", **{named: frozenset({"other"})})


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


def test_equivalence_of_independent_samples_takes_both_spreads():
    shifted = np.array(SPREAD) + 0.004  # 90 % interval of t[4]: 0.004 ± 2.132 * 0.01 * sqrt(2 / 3)
    decided = [equivalence(shifted, SPREAD, margin, interval=welch_difference) for margin in (0.021, 0.022)]
    assert decided == ["undecided", "equivalent"] and equivalence(shifted, SPREAD, 0.005) == "equivalent"
    assert equivalence(np.array(SPREAD) + 0.05, SPREAD, 0.02, interval=welch_difference) == "different"


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


def test_seeds_needed_unpaired_agrees_with_the_tables_of_the_two_sample_t_test():
    needed = [seeds_needed_unpaired(SPREAD, SPREAD, size * 0.01) for size in (1, 0.8, 0.5, 0.2)]
    assert needed == [17, 26, 64, 394]  # of each sample, by effect size (Cohen 1988)
    assert seeds_needed_unpaired(SPREAD, [0.1], 0.01) is None
    assert seeds_needed_unpaired(SPREAD, SPREAD, 0) is None


def test_recovered_from_means_over_the_common_seeds():
    naive, joint = by_seed(0.20, 0.22, 0.18, 0.20), by_seed(0.80, 0.78, 0.82, 0.80)
    half_way = {seed: (naive[seed] + joint[seed]) / 2 for seed in naive} | {9: 0.99}
    result = recovered(half_way, naive, joint)
    assert result.n == 4
    assert (result.value, result.low, result.high) == pytest.approx((0.5, 0.5, 0.5))
    assert recovered(naive, naive, joint).value == 0
    assert recovered(joint, naive, joint).high == pytest.approx(1)


def test_with_equal_damage_recovered_has_the_t_interval_of_the_gain():
    naive, joint = by_seed(0.2, 0.2, 0.2), by_seed(0.7, 0.7, 0.7)
    result = recovered(by_seed(0.49, 0.50, 0.51), naive, joint)
    assert (result.low, result.high) == pytest.approx((0.6 - 2 * HALF_95, 0.6 + 2 * HALF_95), rel=1e-6)


def test_recovered_needs_damage_that_is_distinguishable_from_none():
    naive, joint = by_seed(0.5, 0.6, 0.7), by_seed(0.6, 0.5, 0.7)
    assert recovered(naive, naive, joint) is None
    assert recovered({0: 0.5}, {0: 0.2}, {0: 0.8}) is None
    assert recovered(by_seed(0.5, None), by_seed(0.2, 0.2), by_seed(0.8, 0.8)) is None


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_recovered_covers_95_percent(seeds):
    """200,000 simulated tables: what is true is inside 95 times in 100, where a bootstrap has 74 at 3
    seeds."""
    draws = np.random.default_rng(seeds).normal(size=(4, 200_000, seeds))
    shared = 0.03 * draws[0]  # what a seed does to all three rows
    naive, joint, row = 0.2 + shared + 0.02 * draws[1], 0.9 + shared + 0.01 * draws[2], 0.6 + 0.04 * draws[3]
    _, low, high = ratio_of_means(row - naive, joint - naive)
    true = (0.6 - 0.2) / (0.9 - 0.2)
    assert np.mean((low <= true) & (true <= high)) == pytest.approx(0.95, abs=0.003)


def test_pooled_recovered_is_the_sum_of_gains_over_the_sum_of_damages():
    naive, joint = by_seed(0.2, 0.3, 0.2), by_seed(0.9, 0.9, 1.0)
    half = {seed: (naive[seed] + joint[seed]) / 2 for seed in naive}
    hardly_damaged = by_seed(0.201, 0.302, 0.201)  # its ratio alone would be enormous
    both = pooled_recovered([(half, naive, joint), (half, naive, hardly_damaged)])
    gain, damage = 0.7 + 0.6 + 0.8, 0.7 + 0.6 + 0.8 + 0.004
    assert both.value == pytest.approx(gain / damage) and both.n == 3
    assert both.low < both.value < both.high
    fewer = pooled_recovered([(half, naive, joint), ({0: 0.5, 2: 0.6, 7: 0.9}, naive, joint)])
    assert fewer.n == 2  # the seeds that all have
    assert pooled_recovered([]) is None and pooled_recovered([(half, naive, naive)]) is None


def test_no_damage_is_no_recovery():
    better = {seed: 0.5 + seed / 1000 for seed in range(5)}
    worse = {seed: 0.4 + seed / 900 for seed in range(5)}
    between = {seed: 0.45 + seed / 800 for seed in range(5)}
    assert recovered(between, fine_tuned=worse, retrained=better) is not None
    assert recovered(between, fine_tuned=better, retrained=worse) is None


def test_a_margin_of_nearly_nothing_takes_no_number_of_seeds():
    assert seeds_needed([0.1, -0.1, 0.05], 1e-200) is None
