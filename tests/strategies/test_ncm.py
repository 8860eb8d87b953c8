"""Nearest class mean against numpy, and what it is for."""

import numpy as np
import pytest
import torch
from helpers import make, parts_of
from strategies.closed_form import answers, distance, uneven

from clbench import MLP, Budget, split_by_class
from clbench.benchmarks.blobs import gaussian_blobs
from clbench.engine.run import Run


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_ncm_is_the_cosine_with_the_mean_of_a_class(scenario):
    X, y, X_test, scores = answers(uneven("ncm", scenario))
    means = [X[y == c].mean(0) for c in range(y.max() + 1)]
    expected = np.array([[cosine(x, mean) for mean in means] for x in X_test])
    assert distance(scores, expected) < 1e-5  # measured: 2e-16


def test_classes_of_later_tasks_are_found_by_features_of_the_first():
    acc, naive = (make(spec, seeds=[0, 1], steps=60).train()[:, -1].mean() for spec in ("ncm", "naive"))
    assert acc > naive + 0.3


def test_a_class_that_comes_back_is_the_mean_of_all_its_examples():
    images = gaussian_blobs(classes=3)
    stream = split_by_class(images, [[0, 1], [1, 2]], "class", [0])
    run = Run(stream, MLP(16, 20, 3), parts_of("ncm"), Budget(steps=4, rows=8))
    run.train()
    (part,) = run.parts
    f = run.learner.features(images.x[None].float())[0].detach().double()
    assert part.n[0].tolist() == [60, 120, 60]
    assert torch.allclose(part.means()[0].mT, f.unflatten(0, (3, 60)).mean(1), atol=1e-6)
