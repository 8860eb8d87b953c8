"""FeCAM against a loop over classes in numpy, and what a metric of its own is for."""

import numpy as np
import pytest
import torch
from helpers import make
from strategies.closed_form import answers, distance, uneven

from clbench.strategies.representation.fecam import FeCAM

GAMMA1, GAMMA2, POWER = 0.8, 0.3, 0.7


def shrunk(S):
    h = len(S)
    V1 = sum(S[i, i] for i in range(h)) / h
    V2 = sum(S[i, j] for i in range(h) for j in range(h) if i != j) / (h * h - h)
    return S + np.array([[GAMMA1 * V1 if i == j else GAMMA2 * V2 for j in range(h)] for i in range(h)])


def distances(own, X_test):
    """The distance of each test example to one class, given the class's examples."""
    S = shrunk(shrunk(np.cov(own.T)))
    metric = np.linalg.pinv(S / np.sqrt(np.outer(np.diag(S), np.diag(S))))
    mean = own.mean(0) / np.linalg.norm(own.mean(0))
    return [(x / np.linalg.norm(x) - mean) @ metric @ (x / np.linalg.norm(x) - mean) for x in X_test]


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_fecam_is_the_distance_in_the_metric_of_each_class(scenario):
    run = uneven(f"fecam(gamma1={GAMMA1}, gamma2={GAMMA2}, power={POWER})", scenario)
    X, y, X_test, scores = answers(run)
    X, X_test = X**POWER, X_test**POWER
    expected = np.array([distances(X[y == c], X_test) for c in range(y.max() + 1)]).T
    assert distance(-scores, expected) < 1e-5  # measured: 3e-8


def test_a_class_of_one_example_is_measured_by_plain_distance():
    run = uneven("fecam", examples=(40, 60, 15, 1, 8, 50))
    X, y, X_test, scores = answers(run)
    mean = X[y == 3][0] ** 0.5
    away = [x**0.5 / np.linalg.norm(x**0.5) - mean / np.linalg.norm(mean) for x in X_test]
    assert distance(-scores[:, 3], np.array([d @ d for d in away])) < 1e-5


def test_correlations_tell_apart_what_means_do_not():
    """Two classes with the same mean and the same variances: features rise together or one against the
    other."""
    part = make("fecam(gamma1=0.01, gamma2=0.01, power=1.0)").parts[0]
    draws, h = torch.Generator().manual_seed(0), part.Q.shape[1]
    examples = []
    for c, sign in enumerate((1.0, -1.0)):
        one = torch.randn(2000, h, dtype=torch.double, generator=draws)
        one[:, ::2] += 2 * sign * one[:, 1::2]
        examples.append(10 + one)
        part.add(examples[c][None, :1000], torch.eye(10, dtype=torch.double)[c].expand(1, 1000, -1))
    part.solve()
    for c, one in enumerate(examples):
        guess = part.scores(one[None, 1000:])[0, :, :2].argmax(-1)
        assert (guess == c).double().mean() > 0.95  # by means: 0.5


def test_what_it_cannot_learn():
    run = make("naive")
    said = FeCAM(gamma1=0.5, gamma2=0.6).supports(run.stream, run.learner.net)
    assert said == "gamma2=0.6 is larger than gamma1=0.5, which may leave no metric"
