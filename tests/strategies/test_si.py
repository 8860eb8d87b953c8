"""SI against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.anchored import (
    AnchoredTwin,
    gradients_of_running_statistics,
    same_importances,
    temperature_and_largest,
)
from strategies.test_equations import SGD, same_weights


class SITwin(AnchoredTwin):
    """Zenke et al. 2017: gradients of cross-entropy and of the penalty apart, lists of tensors by layer."""

    strength, xi = 2.0, 0.05

    def before_task(self, t):
        super().before_task(t)
        self.path = self.zeros()

    def cross_entropy(self, x, y, mask):
        loss = super().cross_entropy(x, y, mask)
        self.g = torch.autograd.grad(loss, list(self.net.parameters()), retain_graph=True)
        return loss

    def samples(self, t):
        for samples in super().samples(t):
            before = self.weights()
            yield samples  # the step is taken before the next one is asked for
            self.after_step(before)

    def after_step(self, before):
        for path, g, new, old in zip(self.path, self.g, self.weights(), before, strict=True):
            path -= g * (new - old)

    def after_task(self, t):
        for omega, path, p, anchor in zip(
            self.importance, self.path, self.weights(), self.anchor, strict=True
        ):
            omega.copy_((omega + path / ((p - anchor) ** 2 + self.xi)).clamp(min=0))


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_si(scenario, optimiser):
    run = make("si(c=2.0, xi=0.05)", scenario, **optimiser)
    twin = SITwin(run)
    same_weights(run, twin)
    same_importances(run, twin, within=1e-4)
    assert sum((b > 0).sum() for b in twin.importance) > 0.5 * run.learner.net.layout.parameters


def test_no_importance_is_negative():
    """Rare on blobs: weights whose steps went uphill more than downhill."""
    run = make("si")
    until(run, 1)
    part, before = run.parts[0], run.parts[0].importance.clone()
    part.omega.copy_(before * torch.linspace(-1, 1, len(before[0])))
    part.anchor.copy_(run.learner.theta.detach())
    part.after_task(0)
    expected = (before * (1 + torch.linspace(-1, 1, len(before[0])) / 0.1)).clamp(min=0)
    assert torch.allclose(part.importance, expected) and 0 < (expected == 0).float().mean() < 1


def test_without_strength_it_is_naive_bit_for_bit():
    run, naive = make("si(c=0)", seeds=[0, 1]), make("naive", seeds=[0, 1])
    assert torch.equal(run.train(), naive.train())
    assert torch.equal(run.learner.theta, naive.learner.theta)


def test_it_forgets_less_than_naive():
    """On digits; a part that does nothing would forget as much."""
    si, naive = (
        make(one, "domain", benchmark="split_digits_{}").train()[0, -1, 0] for one in ("si", "naive")
    )
    assert si > naive + 0.03


def test_what_matters_moves_less_than_what_does_not():
    run = make("si(c=1000)", seeds=[0, 1], steps=30)
    until(run, 1)
    anchor, importance = run.learner.theta.detach().clone(), run.parts[0].importance.clone()
    run.learn(run.stream.tasks[1])
    moved = (run.learner.theta.detach() - anchor).abs()
    weights = slice(run.learner.net.layout.parameters)
    for s in range(2):
        high = importance[s, weights] > importance[s, weights].median()
        assert moved[s, weights][high].mean() < 0.5 * moved[s, weights][~high].mean()


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("si") == 0


def test_the_temperature_of_pairs_is_left_free():
    temperature, largest = temperature_and_largest("si", steps=6)
    assert temperature == [0.0] and largest > 0
