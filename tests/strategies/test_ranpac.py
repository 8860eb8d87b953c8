"""RanPAC against least squares on random features drawn anew, and what the projection is for."""

import numpy as np
import pytest
import torch
from helpers import make
from strategies.closed_form import answers, distance, uneven
from strategies.test_ridge import least_squares

from clbench.core.keyed import generator
from clbench.strategies.representation.ranpac import RanPAC


def projected(X, width):
    R = torch.randn(X.shape[1], width, generator=generator(3, "random features")).double().numpy()
    return np.maximum(X @ R, 0)


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_ranpac_is_least_squares_on_random_features(scenario):
    X, y, X_test, scores = answers(uneven("ranpac(lam=0.001, width=70)", scenario))
    expected = projected(X_test, 70) @ least_squares(projected(X, 70), y, 0.001)
    assert distance(scores, expected) < 1e-5  # measured: 2e-7


def test_more_random_features_than_examples_can_be_solved():
    """203 examples: G has no inverse without lam."""
    X, y, X_test, scores = answers(uneven("ranpac(lam=1e-6, width=300)"))
    H = projected(X, 300)
    G = H @ H.T + 1e-6 * (H * H).sum() / 300 * np.eye(len(H))  # the dual form
    expected = projected(X_test, 300) @ (H.T @ np.linalg.solve(G, np.eye(6)[y]))
    assert distance(scores, expected) < 1e-4  # measured: 2e-5; h is in single precision


def test_random_features_fit_what_features_as_they_are_do_not():
    def left_over(spec):
        """Squared error on the training data of all tasks."""
        run = uneven(spec)
        run.train()
        batch = run.stream.gather(torch.cat([task.train for task in run.stream.tasks]).unsqueeze(0))
        return (run.predict(batch.x, None)[0] - torch.eye(6)[batch.y[0]]).square().mean()

    assert left_over("ranpac(lam=1e-4, width=200)") < 0.5 * left_over("ridge(lam=1e-4)")


def test_every_seed_has_random_features_of_its_own_and_keeps_them():
    run = make("ranpac(width=30)", seeds=[0, 1])
    R = run.parts[0].R.clone()
    assert R.shape == (2, 32, 30) and not torch.equal(R[0], R[1])
    run.train()
    assert torch.equal(run.parts[0].R, R)
    assert torch.equal(make("ranpac(width=30)", seeds=[1]).parts[0].R[0], R[1])


def test_a_width_that_memory_does_not_hold_is_asked_for():
    assert RanPAC(width=10**6).asked_bytes(make("naive").budget) > 2e13
