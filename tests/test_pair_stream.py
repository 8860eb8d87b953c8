"""Pairs in the engine: the loss, recall, fixed compute, what may be read, and the order of methods on
driftcaps."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import CPU

from clbench import registry
from clbench.core.batch import Batch
from clbench.core.keyed import draw, generator
from clbench.core.part import refusal
from clbench.data.pairs.pairs import Pairs
from clbench.engine.clock import Clock
from clbench.engine.optimiser import warm_up_rates
from clbench.engine.run import Run
from clbench.engine.run import run as run_group
from clbench.metrics.accuracy import per_seed
from clbench.strategies.parts.fisher import fisher_of_batches
from clbench.streams.pairs import PairStream, info_nce

PLAIN = (
    "naive",
    "joint_equal",
    "cumulative",
    "cumulative_equal",
    "cumulative_exp",
    "ema",
    "patching",
    "head_only",
    "adapter",
)
PAYING = ("er", "agem", "mir", "lwf", "ewc(samples=256)")


def benchmark(spec: str = "driftcaps(n=200, n_test=40, size=16)"):
    return registry.benchmark(spec, "smoke")[1]


def make(spec: str, chosen=None, seeds=(0,), steps: int = 8, pairs: Pairs | None = None) -> Run:
    chosen = chosen or benchmark()
    stream = chosen.stream(list(seeds), CPU) if pairs is None else PairStream(pairs.to(CPU), seeds)
    parts = registry.strategy_on(spec, chosen, "smoke").build()
    return Run(stream, chosen.network(), parts, replace(chosen.budget("smoke"), steps=steps, rows=128))


@lru_cache
def accuracies(spec: str) -> torch.Tensor:
    """Of the run of seed 0 that several tests compare with: [S=1, T + 1, E]."""
    return make(spec).train()


def embeddings(*key, n: int = 12, h: int = 5):
    return tuple(
        F.normalize(torch.randn(n, h, generator=generator(i, *key)), dim=-1) * (7 if i == 0 else 1)
        for i in range(2)
    )


def test_info_nce_is_the_mean_of_both_cross_entropies():
    left, right = embeddings("info_nce")
    scores, diagonal = left @ right.T, torch.arange(12)
    wanted = 0.5 * (
        F.cross_entropy(scores, diagonal, reduction="none")
        + F.cross_entropy(scores.T, diagonal, reduction="none")
    )
    assert torch.allclose(info_nce((left, right), Batch(y=diagonal)), wanted, atol=1e-5)
    assert torch.allclose(info_nce((right, left), Batch(y=diagonal)), wanted, atol=1e-5)  # sides swapped


def test_pairs_of_a_group_leave_each_others_denominators():
    left, right = embeddings("groups")
    group = torch.tensor([0, 1, 0, *range(3, 12)])
    keep = [0, 1, *range(3, 12)]
    alone = info_nce((left[keep], right[keep]), Batch(y=group[keep]))
    assert torch.allclose(
        info_nce((left, right), Batch(y=group))[0], alone[0], atol=1e-5
    )  # as if it were not there
    assert not torch.allclose(info_nce((left, right), Batch(y=torch.arange(12)))[0], alone[0], atol=1e-3)


def test_recall_ranks_within_the_slice_and_counts_ties_as_wrong():
    stream = benchmark().stream([0], CPU)
    same = torch.eye(40).unsqueeze(0)
    assert stream.score(0, (same, same)).tolist() == [[1, 1, 1, 1]]
    constant = torch.ones(1, 40, 5)
    assert stream.score(0, (constant, constant)).tolist() == [[0, 0, 0, 0]]
    left, right = (one.unsqueeze(0) for one in embeddings("recall", n=40))
    acc, there, back, five = stream.score(0, (left, right))[0].tolist()
    assert stream.score(0, (right, left))[0].tolist() == [acc, back, there, five]
    order = torch.randperm(40, generator=generator(0, "order"))
    assert stream.score(0, (left[:, order], right[:, order]))[0].tolist() == [acc, there, back, five]
    scores = (left[0] @ right[0].T).numpy()
    by_hand = [
        np.mean([(row >= row[i]).sum() <= 1 for i, row in enumerate(side)]) for side in (scores, scores.T)
    ]
    assert [there, back] == pytest.approx(by_hand) and acc == pytest.approx(sum(by_hand) / 2)


@pytest.mark.parametrize("spec", PLAIN + PAYING)
def test_compute_is_fixed(spec):
    """Whatever a method does besides its steps, it takes no more FLOPs than naive (joint apart).

    A forward pass is a little more than the third that it counts; adapter's own layers are 4 % of this small
    network."""
    assert 0.9 * flops("naive") < flops(spec) < 1.05 * flops("naive")


@lru_cache
def flops(spec: str) -> float:
    chosen = benchmark("driftcaps(n=512, n_test=40, size=16)")
    parts, budget = registry.strategy(spec).build(), replace(chosen.budget("smoke"), steps=26, rows=128)
    return run_group(chosen.stream([0], CPU), chosen.network(), parts, budget, Clock(CPU)).costs["flops"]


def test_a_run_measures_recall_in_either_direction_and_among_five():
    run = make("naive", seeds=[0, 1])
    acc = run.train()
    assert acc.shape == (2, 4, 3) and ((acc >= 0) & (acc <= 1)).all() and not run.diverged
    assert set(run.more) == {"r1_left_right", "r1_right_left", "r5"}


def test_a_stored_pair_counts_both_sides_as_they_are_stored():
    run, words = make("er"), 8 * benchmark().stream([0], CPU).pairs.right.shape[1]
    run.train()
    assert run.memory_bytes() == run.parts[0].stored.shape[1] * (16 * 16 * 3 + words)


@pytest.mark.parametrize("spec", ["er+agem", "agem+er"])
def test_parts_that_replay_share_a_batch_as_large_as_one(spec):
    run, rows = make(spec), []
    for run.t in range(2):
        plan = run.plan(run.stream.tasks[run.t])
        rows.append(plan.samples.shape[2])
        for _, part in run.turns():
            part.after_task(run.t)
    third = run.rows // 3
    assert rows == [run.rows, 2 * third] and run.replayed == third
    agem = next(i for i, part in enumerate(run.parts) if hasattr(part, "rows"))
    assert plan.for_part(agem).reference.shape[2] == third


def test_restart_does_not_depend_on_what_was_trained_before():
    whole, last = make("joint_equal"), make("joint_equal")
    whole.train()
    last.t = 2
    last.learn(last.stream.tasks[2])
    assert torch.equal(whole.learner.theta, last.learner.theta)


def test_the_first_slice_of_joint_is_naives():
    assert torch.equal(make("joint").train()[:, :2], accuracies("naive")[:, :2])


@pytest.mark.parametrize("spec", ["icarl", "gem", "packnet", "derpp"])
def test_methods_for_classes_are_refused(spec):
    run = make("naive")
    (part,) = registry.strategy(spec).build()
    assert refusal(part, run.stream, None, run.budget) == "is defined for class labels; this stream has pairs"


def test_the_learning_rate_rises_and_falls():
    rates = warm_up_rates(benchmark().budget("smoke"), 20, CPU)
    assert rates.argmax() in (1, 2) and rates[0] == pytest.approx(1e-3) and rates[-1] < 2e-5
    assert rates.max() == pytest.approx(2e-3, rel=0.02)


def test_from_memory_or_from_the_map_the_numbers_are_the_same(monkeypatch):
    there = make("er").train()
    monkeypatch.setattr("clbench.data.pairs.pairs.MOST_OF_MEMORY", 0.0)
    assert torch.equal(make("er", pairs=benchmark().contents()).train(), there)


def test_the_fisher_of_pairs_is_of_whole_batches_with_sampled_partners():
    """B (d loss / d theta)^2, mean of two batches; partners drawn from each side's softmax; the temperature
    left out."""
    run = make("naive", benchmark("driftcaps(n=300, n_test=40, size=16)"))
    samples, B = run.stream.tasks[0].train[:256].unsqueeze(0), 128
    found, wanted = fisher_of_batches(run, samples)[0], 0.0
    for i in (0, B):
        module = run.learner.net.module(run.learner.theta[0])
        left, right = module(tuple(side[0] for side in run.stream.gather(samples[:, i : i + B]).x))
        u = draw([0], f"fisher partners {i}", 0, lambda draws: torch.rand(2, B, 1, generator=draws))[0]
        losses = []
        for scores, points in ((left @ right.T, u[0]), (right @ left.T, u[1])):
            edges = scores.softmax(1).cumsum(1)
            partners = torch.tensor(
                [min(int((row < point).sum()), B - 1) for row, point in zip(edges, points, strict=True)]
            )
            losses.append(F.cross_entropy(scores, partners))
        gradients = torch.autograd.grad(sum(losses) / 2, module.parameters())
        named = dict(zip((name for name, _ in module.named_parameters()), gradients, strict=True))
        named["head.log_scale"] = torch.zeros(())
        wanted = wanted + run.learner.net.layout.flat(named).square() * B / 2
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.max())) and found.max() > 0


def test_ewc_takes_fewer_pairs_than_a_batch():
    assert make("ewc(samples=40)").train().isfinite().all()


def test_without_drift_the_columns_of_a_row_agree():
    """Within twice the binomial spread of their candidates."""
    chosen = benchmark("driftcaps(n=600, n_test=400, drift=0, churn=0, slices=4, size=32)")
    row = make("naive", chosen, steps=60).train()[0, -1]
    p = row.mean()
    assert row.std() < 2 * (p * (1 - p) / 400).sqrt()


def test_the_order_of_methods_on_driftcaps():
    """In each of two worlds: backward sequential < er < cumulative; in-domain restart below all."""
    for world in range(2):
        chosen, found = benchmark(f"driftcaps(n_test=100, size=32, data_seed={world})"), {}
        for spec in ("naive", "er", "cumulative", "joint_equal"):
            found[spec] = per_seed(make(spec, chosen, steps=30).train().numpy())
        backward = [found[spec]["stream_backward"][0] for spec in ("naive", "er", "cumulative")]
        assert backward == sorted(backward) and backward[1] > backward[0] + 0.05
        assert found["joint_equal"]["stream_id"] < 0.6 * min(
            found[spec]["stream_id"] for spec in ("naive", "er", "cumulative")
        )
