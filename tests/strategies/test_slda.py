"""SLDA against scikit-learn's discriminant analysis, and what fixed features are for."""

import numpy as np
import pytest
import torch
from helpers import make, until
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from strategies.closed_form import answers, distance, uneven
from torch import nn

from clbench.core.part import refusal
from clbench.models.functional import Functional
from clbench.strategies.parts import sums
from clbench.strategies.representation.slda import SLDA


class Shrunk:
    """A covariance for scikit-learn, of the examples of one class."""

    def fit(self, X):
        away = X - X.mean(0)
        self.covariance_ = 0.95 * away.T @ away / len(X) + 0.05 * np.eye(X.shape[1])
        return self


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_slda_is_linear_discriminant_analysis_with_equal_priors(scenario):
    run = uneven("slda(eps=0.05)", scenario)
    X, y, X_test, scores = answers(run)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunk()).fit(X, y)
    expected = theirs.decision_function(X_test) - np.log(theirs.priors_)
    assert distance(scores, expected) < 1e-5  # measured: 9e-15


def test_a_domain_adds_to_the_sums_of_those_before():
    run = uneven("slda(eps=0.05)", "domain")
    X, y, X_test, scores = answers(run)
    assert run.parts[0].n[0].tolist() == [40 + 15 + 8, 60 + 30 + 50]
    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunk()).fit(X, y)
    expected = theirs.decision_function(X_test) - np.log(theirs.priors_[1] / theirs.priors_[0])
    assert distance(scores[:, 1] - scores[:, 0], expected) < 1e-5


def test_no_weight_moves_after_the_first_task_and_all_classes_are_told_apart():
    run, first = (make("slda", seeds=[0, 1], steps=60) for _ in range(2))
    until(first, 1)
    acc = run.train()
    assert run.updates == 60 and torch.equal(run.learner.theta, first.learner.theta)
    assert acc[:, -1].mean() > make("naive", seeds=[0, 1], steps=60).train()[:, -1].mean() + 0.4


def test_the_order_of_tasks_is_of_no_account():
    scores = []
    for order in ((0, 1, 2, 3, 4), (0, 4, 2, 1, 3)):
        run = make("slda")
        for t in order:
            run.t = t
            run.learn(run.stream.tasks[t])
        scores.append(run.predict(run.stream.test(2, slice(None)), None))
    assert torch.allclose(*scores, rtol=1e-9, atol=1e-9)


def test_a_class_without_examples_is_never_the_answer():
    run = make("slda")
    until(run, 2)
    guess = run.predict(run.stream.test(3, slice(None)), None).argmax(-1)
    assert guess.max() < 4 and len(guess.unique()) > 1


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 20), nn.BatchNorm1d(20), nn.ReLU())
        self.head = nn.Linear(20, 6)

    def forward(self, x):
        return self.head(self.body(x))


def test_statistics_of_batches_stay_those_of_the_first_task(monkeypatch):
    """Examples pass as at evaluation, so it does not matter which pass together."""
    scores = []
    for rows in (7, 1000):
        monkeypatch.setattr(sums, "ROWS", rows)
        run = uneven("slda", net=Functional(Normalised(), "normalised"))
        until(run, 1)
        first = run.learner.theta.clone()
        run.learn(run.stream.tasks[1])
        assert torch.equal(run.learner.theta, first)
        scores.append(run.predict(run.stream.test(1, slice(None)), None))
    assert torch.allclose(*scores, rtol=1e-5, atol=1e-5)


def test_where_compute_is_fixed_the_first_task_pays_for_its_sums():
    flops, steps = [], []
    for spec in ("slda", "naive"):
        run = make(spec, steps=60, fixed_compute=True)
        until(run, 1)
        flops.append(run.clock.flops)
        steps.append(run.updates)
    assert steps[0] < 60 and 0.8 * flops[1] < flops[0] < 1.05 * flops[1], flops[0] / flops[1]


def test_a_seed_that_has_diverged_does_not_end_the_others():
    run = make("slda", seeds=[0, 1])
    until(run, 1)
    x = run.stream.test(0, slice(None)).expand(2, -1, -1)
    alone = run.predict(x, None)[1]
    with torch.no_grad():
        run.learner.theta[0] = torch.nan
    run.learn(run.stream.tasks[1])
    assert torch.equal(run.predict(x, None)[1, :, :2].argmax(-1), alone[:, :2].argmax(-1))
    assert [one["seed"] for one in run.diverged] == [0]


def test_what_it_cannot_learn():
    run = make("naive")
    net = run.learner.net

    class Bare:
        layout, init, __call__ = net.layout, net.init, net.__call__

    assert "shows its features" in SLDA().supports(run.stream, Bare())
    pairs = make("naive", benchmark="driftcaps(slices=2, n=32, n_test=8, size=8)")
    assert "this stream has pairs" in refusal(SLDA(), pairs.stream, pairs.learner.net, pairs.budget)
