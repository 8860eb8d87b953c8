"""Ranks, their intervals, and tie groups."""

import numpy as np
import pytest
from scipy import stats

from clbench.metrics.ranks import (
    holm,
    mean_ranks,
    p_of_difference,
    tie_letters,
    told_apart,
    uniforms,
    weights_of_seeds,
)
from clbench.metrics.statistics import paired_difference


def test_mean_ranks_on_two_benchmarks():
    first = np.array([[0.9, 0.9, 0.9], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]])
    second = np.array([[0.1, 0.1, 0.1], [0.5, 0.5, 0.5], [0.3, 0.3, 0.3]])
    ranks = mean_ranks([first, second])
    assert [one.of_each for one in ranks] == [(1, 3), (2, 1), (2, 2)]
    assert [(one.mean, one.low, one.high) for one in ranks] == [(2, 2, 2), (1.5, 1.5, 1.5), (2, 2, 2)]


@pytest.mark.parametrize("seeds", [3, 5])
def test_two_rows_change_ranks_as_often_as_their_t_interval_contains_0(seeds):
    """The interval of a rank is [1, 2] just where the paired test cannot tell the two rows apart."""
    generator, agree = np.random.default_rng(seeds), 0
    for _ in range(40):
        rows = generator.normal([[0.5], [0.53]], 0.02, (2, seeds))
        (first, _), difference = mean_ranks([rows]), paired_difference(*rows)
        agree += (first.low < first.high) == difference.contains_zero
    assert agree >= 38  # the draws are finite


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_a_drawn_mean_varies_as_its_t_interval_says(seeds):
    x = np.random.default_rng(seeds).normal(size=seeds)
    drawn = weights_of_seeds(seeds) @ (x - x.mean())
    half = np.quantile(np.abs(drawn), 0.95)
    assert half == pytest.approx(paired_difference(x, np.zeros(seeds)).high - x.mean(), rel=0.05)


def test_the_generator_is_uniform_and_its_numbers_do_not_hang_together():
    numbers = uniforms(200_000)
    assert stats.kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.01


def test_equal_rows_share_a_rank_in_every_draw():
    rows = np.random.default_rng(1).random((7, 5))
    rows[6] = rows[2]
    ranks = mean_ranks([rows])
    assert ranks[2] == ranks[6]


def test_p_values_are_those_of_scipy():
    d = np.array([0.01, 0.03, -0.01, 0.02, 0.04])
    assert p_of_difference(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
    assert p_of_difference(np.zeros(3)) == 1 and p_of_difference(np.full(3, 0.1)) == 0
    assert p_of_difference(np.array([0.5])) == 1


def test_holm_on_a_worked_example():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_rows_share_a_letter_exactly_if_they_cannot_be_told_apart():
    generator = np.random.default_rng(3)
    for rows in (1, 2, 9, 30):
        told = np.triu(generator.random((rows, rows)) < 0.4, 1)
        told |= told.T
        letters = tie_letters(told)
        assert all(letters)
        for i in range(rows):
            for j in range(rows):
                assert i == j or bool(set(letters[i]) & set(letters[j])) == (not told[i, j])


def test_correction_tells_fewer_rows_apart():
    generator = np.random.default_rng(5)
    rows = generator.normal(np.linspace(0, 0.2, 12)[:, None], 0.02, (12, 5))
    plain, corrected = told_apart(rows), told_apart(rows, correct=True)
    assert not (corrected & ~plain).any() and plain.sum() > corrected.sum() > 0
    assert plain[0, 11] == (not paired_difference(rows[0], rows[11]).contains_zero)
