"""A run that goes on from where another stood ends in the same bits; every native strategy."""

import json

import pytest
import torch
from helpers import SUPPORTED, make

from clbench.engine.look import Look
from clbench.engine.state import State, restore, state_of

FIRST = {name: scenario for name, scenario in reversed(SUPPORTED)}  # a scenario of each strategy


@pytest.mark.parametrize(("name", "scenario"), FIRST.items())
def test_a_run_that_goes_on_ends_in_the_same_bits(name, scenario):
    states = []

    class Keeping(Look):
        def after_row(self, run):
            tensors, told = state_of(run)
            states.append(State(tensors, json.loads(json.dumps(told))))

    whole = make(name, scenario, seeds=(0, 1))
    whole.looks = [Keeping()]
    acc = whole.train()
    again = make(name, scenario, seeds=(0, 1))
    restore(again, states[-3])
    assert torch.equal(again.train(), acc) and torch.equal(again.learner.theta, whole.learner.theta)
    assert again.kept_bytes == whole.kept_bytes


def test_tensors_that_share_their_numbers_go_on_sharing_them():
    run = make("er")
    run.train()
    (part,) = run.parts
    part.twice = {"all": part.stored, "some": part.stored[:, 1:]}
    again = make("er")
    restore(again, state_of(run))
    (own,) = again.parts
    own.twice["all"].zero_()
    assert not own.stored.any() and not own.twice["some"].any() and part.stored.any()


def test_a_state_of_another_strategy_is_refused():
    run = make("er+ewc")
    run.train()
    with pytest.raises(ValueError, match="of 2 parts"):
        restore(make("er"), state_of(run))
