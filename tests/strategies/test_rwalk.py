"""RWalk against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.anchored import (
    gradients_of_running_statistics,
    same_importances,
    temperature_and_largest,
)
from strategies.test_equations import SGD, same_weights
from strategies.test_si import SITwin


class RWalkTwin(SITwin):
    """Chaudhry et al. 2018: lists of tensors by layer, a score where one is due."""

    strength, alpha, every, eps = 3.0, 0.3, 5, 1e-4

    def __init__(self, run):
        super().__init__(run)
        self.fisher, self.score = self.zeros(), self.zeros()

    def before_task(self, t):
        super().before_task(t)
        self.new_score, self.point, self.step = self.zeros(), self.weights(), 0

    def after_step(self, before):
        super().after_step(before)
        self.fisher = [
            self.alpha * g**2 + (1 - self.alpha) * old for g, old in zip(self.g, self.fisher, strict=True)
        ]
        self.step += 1
        if self.step % self.every == 0:
            for i, theta in enumerate(self.weights()):
                metric = self.fisher[i] * (theta - self.point[i]) ** 2 / 2
                self.new_score[i] += torch.relu(self.path[i] / (metric + self.eps))
            self.path, self.point = self.zeros(), self.weights()

    def after_task(self, t):
        pairs = zip(self.score, self.new_score, strict=True)
        self.score = [(old + new) / 2 if t else new for old, new in pairs]
        most = [max(float(p.max()) for p in values) for values in (self.fisher, self.score)]
        self.importance = [f / most[0] + s / most[1] for f, s in zip(self.fisher, self.score, strict=True)]


SPEC = "rwalk(lam=3.0, alpha=0.3, every=5, eps=1e-4)"


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_rwalk(scenario, optimiser):
    run = make(SPEC, scenario, **optimiser)  # 12 steps: two scores, and two steps over
    twin = RWalkTwin(run)
    same_weights(run, twin)
    same_importances(run, twin, within=1e-4)


def test_fisher_and_score_both_count():
    """Each is at most 1, in every seed."""
    run = make(SPEC, seeds=[0, 1])
    until(run, 2)
    part = run.parts[0]
    for s in range(2):
        fisher, score = (values[s] / values[s].max() for values in (part.fisher, part.score))
        assert torch.allclose(part.importance[s], fisher + score)
        assert fisher.mean() > 1e-3 and score.mean() > 1e-3


def test_a_score_comes_after_every_interval_and_the_rest_is_left():
    run = make(SPEC)
    plan = until(run, 1)
    scores = []
    for step in range(12):
        run.step(plan.at(step))
        run.end_periods(step + 1)
        scores.append(float(run.parts[0].new_score.sum()))
    changes = [step for step, (a, b) in enumerate(zip([0.0, *scores], scores, strict=False), 1) if a != b]
    assert changes == [5, 10]


def test_it_forgets_less_than_naive():
    """On digits; a part that does nothing would forget as much."""
    rwalk, naive = (
        make(one, "domain", benchmark="split_digits_{}").train()[0, -1, 0] for one in ("rwalk", "naive")
    )
    assert rwalk > naive + 0.03


def test_the_temperature_of_pairs_is_left_free():
    temperature, largest = temperature_and_largest("rwalk", steps=12)
    assert temperature == [0.0] and largest > 1


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("rwalk") == 0
