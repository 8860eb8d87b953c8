"""The sign test over all pairs of a run: exact where the pairs of a seed have everything in common."""

import numpy as np
import pytest

from clbench.metrics.shift import ALARMS, shift

SEEDS = 10


def pairs_of(differences: np.ndarray) -> list[dict[int, float]]:
    """[pairs, S] -> what `shift` takes."""
    return [dict(enumerate(row)) for row in differences.tolist()]


def test_many_pairs_that_move_a_little_the_same_way_are_seen():
    noise = np.random.default_rng(0).normal(0, 1, (60, SEEDS))
    found = shift(pairs_of(noise - 0.5))
    assert found.p <= ALARMS / 2 and found.fell > found.rose and (found.pairs, found.seeds) == (60, SEEDS)
    assert shift(pairs_of(noise)).p > ALARMS


def test_nothing_moved():
    assert shift([]) is None and shift(pairs_of(np.zeros((4, SEEDS)))) is None


def test_few_seeds_show_nothing_and_the_smallest_p_is_known():
    assert shift(pairs_of(np.ones((9, 4)))).p == pytest.approx(2 / 2**4)
    assert shift(pairs_of(np.ones((9, SEEDS)))).p == pytest.approx(2 / 2**SEEDS)
    assert shift(pairs_of(np.ones((2, 20)))).p <= ALARMS  # drawn, not counted


def test_pairs_may_have_other_seeds():
    assert shift([{0: 1.0, 1: 1.0}, {1: 1.0, 2: -1.0}]).seeds == 3


@pytest.mark.parametrize("common", [0.0, 0.7, 1.0], ids=["independent", "alike", "the same"])
def test_false_alarms_are_as_rare_as_promised_whatever_the_pairs_have_in_common(common):
    """A test that took pairs for independent would cry at nearly every run of pairs that move together."""
    draws = np.random.default_rng(1)
    runs, alarms = 600, 0
    for _ in range(runs):
        shared, own = draws.normal(0, 1, (1, SEEDS)), draws.normal(0, 1, (25, SEEDS))
        found = shift(pairs_of(common * shared + (1 - common) * own))
        alarms += found.p <= ALARMS
    assert alarms / runs <= ALARMS + 3 * np.sqrt(ALARMS / runs)
