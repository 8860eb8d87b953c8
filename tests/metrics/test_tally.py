"""The worked examples of what evaluation tallies and of what a probe sees."""

import doctest

import numpy as np
import pytest

from clbench.metrics import tally, within


@pytest.mark.parametrize("module", [tally, within])
def test_the_examples_of_the_docstrings_hold(module):
    failed, attempted = doctest.testmod(module)
    assert not failed and attempted >= 5


def test_what_cannot_be_told_is_no_number():
    assert np.isnan(tally.worst_class(np.full(3, np.nan)))
    assert np.isnan(tally.class_accuracy(np.array([[0, 0], [1, 1]]))[0])
    assert np.isnan(tally.recency_bias(tally.CONFUSION, np.zeros(3, int)))  # one task
    assert np.isnan(tally.negative_flips(np.zeros((2, 1)))) and np.isnan(
        tally.negative_flips(np.zeros((3, 5)))
    )
    alone = within.SCORES[:3], within.TASK[:3]
    assert np.isnan(within.min_acc(*alone)) and np.isnan(within.recovery_steps(*alone, within.STEP[:3]))
    assert np.isnan(within.steps_to(2.0, within.seen(*alone), within.TASK[:3], within.STEP[:3]))
