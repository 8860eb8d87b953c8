"""Retrieval against brute force in numpy, and what it is for."""

import numpy as np
import pytest
import torch
from helpers import CPU, make, parts_of, until
from strategies.test_equations import SGD

from clbench import PairStream
from clbench.core.budget import Budget
from clbench.data.pairs.pairs import Pairs
from clbench.engine.run import Run
from clbench.models.dual_encoder import DualEncoder
from clbench.strategies.replay.retrieval import Retrieval

K, SHARE, T = 7, 0.6, 0.2
SPEC = f"retrieval(memory=60, k={K}, share={SHARE}, temperature={T})"


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(1e-12)


def weights(query, keys):
    """Of each key, one query: over the nearest K and those as near as the K-th."""
    distances = [2 - 2 * float(query @ key) for key in keys]  # of rows of length 1
    bound = sorted(distances)[min(K, len(keys)) - 1] + 1e-6
    raw = np.array([np.exp(-d / T) if d <= bound else 0.0 for d in distances])
    return raw / raw.sum()


def softmax(row, seen):
    raw = np.where(seen, np.exp(row - row[seen].max()), 0.0)
    return raw / raw.sum()


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_the_answer_is_mixed_with_the_votes_of_the_nearest(scenario):
    run = make(SPEC, scenario, steps=20, **SGD)
    run.train()
    net = run.learner.net.module(run.learner.theta[0])
    stored = run.stream.gather(run.parts[0].stored)
    t = 1 if scenario == "task" else None
    own = np.ones(60, bool) if t is None else (stored.task[0] == t).numpy()
    seen = np.ones(run.stream.classes, bool) if t is None else run.stream.tasks[t].classes.numpy()
    x = run.stream.test(1, slice(None))
    keys, queries = (unit(net[:-1](rows).detach().double().numpy()) for rows in (stored.x[0], x[0]))
    labels, out = stored.y[0].numpy(), net(x[0]).detach().double().numpy()
    expected = []
    for query, row in zip(queries, out, strict=True):
        votes = np.bincount(labels[own], weights(query, keys[own]), minlength=run.stream.classes)
        expected.append((1 - SHARE) * softmax(row, seen) + SHARE * votes)
    assert own.sum() == (60 if t is None else 12)
    assert np.abs(run.predict(x, t)[0].numpy() - np.array(expected)).max() < 1e-5


def test_all_that_are_as_near_as_the_kth_vote():
    part = Retrieval(k=2, temperature=1.0)
    part.keys = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]])
    part.values = torch.eye(5).unsqueeze(0)
    found = part.found(torch.tensor([[[1.0, 0.0]]]), None)[0, 0].double().numpy()
    raw = np.exp([-0.0, -2.0, -2.0, -2.0])
    assert np.abs(found - np.array([*raw / raw.sum(), 0.0])).max() < 1e-6


def test_without_a_share_it_answers_as_naive_does():
    for scenario in ("class", "task"):
        plain, run = (make(spec, scenario) for spec in ("naive", "retrieval(memory=60, share=0.0)"))
        assert torch.equal(plain.train(), run.train())
        assert torch.equal(plain.learner.theta, run.learner.theta)


def test_a_task_without_stored_examples_is_answered_by_the_network():
    run = make("retrieval(memory=60, share=0.9)", "task")
    until(run, 2)
    x, own = run.stream.test(3, slice(None)), run.stream.tasks[3].classes
    guess = run.learner.outputs(x)[..., own].argmax(-1)
    assert torch.equal(run.predict(x, 3)[..., own].argmax(-1), guess)


def test_votes_bring_old_classes_back():
    acc, naive = (make(spec, seeds=[0, 1], steps=30).train()[:, -1].mean() for spec in (SPEC, "naive"))
    assert acc > naive + 0.2


def test_keys_are_those_of_the_network_as_it_is():
    run = make(SPEC)
    until(run, 2)
    once = run.parts[0].keys[:, :20].clone()
    run.learn(run.stream.tasks[2])
    f = run.learner.features(run.stream.gather(run.parts[0].stored).x).detach()
    now = run.parts[0].keys
    assert torch.allclose(now, f / f.norm(dim=-1, keepdim=True), atol=1e-6)
    assert (now[:, :20] - once).abs().max() > 0.01


def text_run(spec: str) -> Run:
    draws = np.random.default_rng(0)
    left, right = (draws.integers(1, 64, (60, 5)) for _ in range(2))
    slices = [np.arange(20 * t, 20 * t + 20) for t in range(3)]
    train, test = (tuple(rows[own] for rows in slices) for own in (slice(14), slice(14, 20)))
    pairs = Pairs(left, right, np.arange(60), train, test, ("a", "b", "c"), None, "texts 1", {})
    stream = PairStream(pairs.to(CPU), [0])
    return Run(stream, DualEncoder(None, 64, 12), parts_of(spec), Budget(steps=8, rows=8, **SGD))


def image_run(spec: str) -> Run:
    return make(spec, benchmark="driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=8)")


@pytest.mark.parametrize("made", [image_run, text_run])
def test_a_left_side_is_told_the_right_sides_of_the_nearest_left_ones(made):
    run = made(SPEC.replace("memory=60", "memory=30"))
    run.train()
    stored = run.stream.gather(run.parts[0].stored)
    x = run.stream.test(1, slice(None))
    keys, values = (side[0].detach().double().numpy() for side in run.learner.outputs(stored.x))
    left, right = (side[0].detach().double().numpy() for side in run.learner.outputs(x))
    expected = []
    for q in left:
        told = unit(q) + SHARE * weights(unit(q), unit(keys)) @ unit(values)
        expected.append(np.linalg.norm(q) * unit(told))
    ours = [side[0].numpy() for side in run.predict(x, None)]
    assert np.abs(ours[0] - np.array(expected)).max() < 1e-4 * np.linalg.norm(left[0])
    assert np.abs(ours[1] - right).max() < 1e-6


@pytest.mark.parametrize("made", [image_run, text_run])
def test_without_a_share_pairs_are_answered_as_by_naive(made):
    plain, run = made("naive"), made("retrieval(memory=30, share=0.0)")
    plain.train(), run.train()
    assert run.learner.theta.shape == plain.learner.theta.shape
    plain.learner.theta.data.copy_(run.learner.theta)  # naive takes a step more where compute is fixed
    x = run.stream.test(1, slice(None))
    for ours, theirs in zip(run.predict(x, None), plain.predict(x, None), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_what_it_cannot_learn():
    run = make("naive")
    net = run.learner.net

    class Bare:
        layout, init, __call__ = net.layout, net.init, net.__call__

    assert "shows its features" in Retrieval(memory=60).supports(run.stream, Bare())
    assert "is smaller than the number of tasks" in Retrieval(memory=4).supports(run.stream, net)
