"""Ridge regression on fixed features against least squares, and what it is for."""

import numpy as np
import pytest
import torch
from helpers import make
from strategies.closed_form import answers, distance, uneven


def least_squares(H, y, lam):
    """The weights of ridge regression onto one-hot labels: least squares with sqrt(ridge) I below H."""
    ridge = lam * (H * H).sum() / H.shape[1]
    labels = np.eye(y.max() + 1)[y]
    below = np.sqrt(ridge) * np.eye(H.shape[1])
    stacked = np.concatenate([H, below]), np.concatenate([labels, np.zeros((len(below), labels.shape[1]))])
    return np.linalg.lstsq(*stacked, rcond=None)[0]


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_ridge_is_least_squares_on_all_data(scenario):
    X, y, X_test, scores = answers(uneven("ridge(lam=0.01)", scenario))
    assert distance(scores, X_test @ least_squares(X, y, 0.01)) < 1e-5  # measured: 1e-14


def test_classes_of_later_tasks_are_told_apart_by_features_of_the_first():
    acc, naive = (make(spec, seeds=[0, 1], steps=60).train()[:, -1].mean() for spec in ("ridge", "naive"))
    assert acc > naive + 0.4


def test_features_that_are_all_dead_give_scores_all_the_same():
    run = make("ridge", steps=1)
    views = run.learner.net.layout.views(run.learner.theta)
    with torch.no_grad():
        views["hidden1.weight"].fill_(-1.0)
        views["hidden1.bias"].fill_(-1e4)
    run.learn(run.stream.tasks[0])
    assert (run.parts[0].G == 0).all()
    assert (run.predict(run.stream.test(0, slice(None)), None)[..., :2] == 0).all()
