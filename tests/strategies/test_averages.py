"""Averaged weights, ema and patching, against plain twins, and what they are for."""

import copy

import pytest
import torch
from helpers import make
from strategies.test_equations import SGD, Twin, same_weights

SCENARIOS = ("class", "task")


class EMATwin(Twin):
    """Polyak & Juditsky: a second network follows the first."""

    horizon = 0.5

    def __init__(self, run):
        super().__init__(run)
        self.average = copy.deepcopy(self.net)

    def samples(self, t):
        for samples in super().samples(t):
            yield samples  # the step is taken before the next one is asked for
            with torch.no_grad():
                for mean, weights in zip(self.average.parameters(), self.net.parameters(), strict=True):
                    mean += (weights - mean) / (self.horizon * self.run.steps)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ema(scenario):
    run = make("ema(horizon=0.5)", scenario, **SGD)
    twin = EMATwin(run)
    same_weights(run, twin)
    average = run.learner.net.layout.views(run.parts[0].average[0])
    assert all(
        torch.allclose(a, b, atol=5e-5)
        for a, b in zip(average.values(), twin.average.parameters(), strict=True)
    )
    x = run.stream.test(0, slice(0, 5))
    assert torch.allclose(run.predict(x, None)[0], twin.average(x[0]), atol=1e-3)


class PatchingTwin(Twin):
    """Ilharco et al. 2022, from task to task: the weights halfway between before and after."""

    alpha = 0.3

    def before_task(self, t):
        self.before = copy.deepcopy(self.net)

    def after_task(self, t):
        with torch.no_grad():
            for old, new in zip(self.before.parameters(), self.net.parameters(), strict=True):
                new.copy_((1 - self.alpha) * old + self.alpha * new if t else new)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_patching(scenario):
    run = make("patching(alpha=0.3)", scenario, **SGD)
    same_weights(run, PatchingTwin(run))


@pytest.mark.parametrize("spec", ["ema(horizon=2.0)", "patching(alpha=0.3)"])
def test_averages_forget_less_than_naive(spec):
    """On digits, whose first task naive has lost after the second."""
    averaged, naive = (make(one, benchmark="split_digits_{}").train()[0, 2, 0] for one in (spec, "naive"))
    assert averaged > naive + 0.3
