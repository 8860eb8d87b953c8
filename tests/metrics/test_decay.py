"""Ageing, updates and calendars against values worked out by hand."""

import doctest

import numpy as np
import pytest

from clbench.metrics import accuracy, decay
from clbench.metrics.accuracy import EXAMPLE


def stream(tasks: int, kept: float, chance: float = 0.2) -> np.ndarray:
    """[T+1, T] of models that know 0.6 above chance of their own slice, and keep so much of it for each slice
    that they are older; of slices that are gone they know nothing."""
    R = np.full((tasks + 1, tasks), chance)
    for k in range(tasks):
        R[k + 1, k:] += 0.6 * kept ** np.arange(tasks - k)
    return R


FAST, SLOW = stream(5, kept=0.25), stream(5, kept=0.95)


def test_documented_examples():
    failed, attempted = doctest.testmod(decay)
    assert attempted >= 9 and failed == 0


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.8])
def test_what_decays_at_a_known_rate_has_the_curve_of_it(kept):
    R = stream(5, kept)
    assert decay.curve(R) == pytest.approx(0.2 + 0.6 * kept ** np.arange(5))
    assert decay.above_untrained(R) == pytest.approx(0.6 * kept ** np.arange(5))
    assert decay.terms(R) == [5, 4, 3, 2, 1]


def test_half_life_lies_between_the_ages_around_the_half():
    assert decay.half_life(stream(5, kept=0.5)) == pytest.approx(1)
    assert decay.half_life(FAST) == pytest.approx(0.5 / 0.75)
    assert decay.half_life(stream(5, kept=0.8)) == pytest.approx(3 + (0.512 - 0.5) / (0.512 - 0.4096))
    assert decay.half_life(SLOW) == np.inf  # 0.95^4 is more than a half
    assert np.isnan(decay.half_life(np.full((4, 3), 0.5)))  # nothing was learnt
    assert np.isnan(decay.half_life(np.array([[0.1], [0.9]])))  # no slice behind the first


def test_an_update_buys_what_age_has_taken():
    assert decay.update_gain(FAST) == pytest.approx(0.6 * 0.75)
    assert decay.update_gain(SLOW) == pytest.approx(0.6 * 0.05)
    assert np.isnan(decay.update_gain(np.array([[0.1], [0.9]])))


def test_a_calendar_costs_the_ages_that_it_leaves():
    ages = {2: [0, 1, 0, 1, 0], 3: [0, 1, 2, 0, 1], 5: [0, 1, 2, 3, 4]}
    for R, kept in ((FAST, 0.25), (SLOW, 0.95)):
        assert decay.on_calendar(R, 1) == pytest.approx(accuracy.la(R))
        for every, own in ages.items():
            assert decay.on_calendar(R, every) == pytest.approx(0.2 + 0.6 * np.mean(kept ** np.array(own)))
        assert decay.every_second_loss(R) == pytest.approx(0.6 * (1 - kept) * 2 / 5)
    assert [decay.saved(5, every) for every in (1, 2, 3, 5)] == pytest.approx([0, 0.4, 0.6, 0.8])
    assert np.isnan(decay.every_second_loss(np.array([[0.1], [0.9]])))


def test_steps_say_which_slices_are_of_one_time():
    """Each slice twice, in another order, is the same stream."""
    order = [2, 0, 1, 1, 0, 2]
    twice, steps = EXAMPLE[:, order], [place + 1 for place in order]
    assert decay.curve(twice, steps) == pytest.approx(decay.curve(EXAMPLE))
    assert decay.terms(twice, steps) == [6, 4, 2]
    for function in (decay.half_life, decay.update_gain, decay.every_second_loss):
        assert function(twice, steps) == pytest.approx(function(EXAMPLE))
    assert decay.update_gain(np.c_[EXAMPLE, [0.0, 0.2, 0.4, 0.6]], [1, 2, 3, 4]) == pytest.approx(0.65)


def test_what_does_not_exist_is_nan():
    functions = (decay.half_life, decay.update_gain, decay.every_second_loss)
    holed = EXAMPLE.copy()
    holed[2, 1] = np.nan  # R[2,2]
    for function in functions:
        assert np.isnan(function(EXAMPLE[:, :2])) and np.isnan(function(holed))
    assert np.isnan(decay.curve(EXAMPLE[:, :2])).all() and decay.terms(EXAMPLE[:, :2]) == []
    far = [1, 2, 2**31 - 1]  # which a record may say
    assert decay.terms(EXAMPLE, far) == [] and np.isnan(decay.half_life(EXAMPLE, far))
    gap = [1, 2, 4]  # no slice is of age 3 - 1 for model 1
    assert decay.terms(EXAMPLE, gap) == [2, 2, 1, 1] and decay.terms(EXAMPLE, [1, 1, 4]) == [2, 1, 1, 1]
    untested = EXAMPLE.copy()
    untested[0] = np.nan  # of other code nothing is known of the untrained network
    assert np.isnan(decay.half_life(untested)) and decay.update_gain(untested) == pytest.approx(0.65)
