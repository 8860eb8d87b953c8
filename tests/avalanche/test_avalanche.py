"""Avalanche's rows: the same start, batches, steps and scores as ours, and nothing of the process left
changed."""

import dataclasses
import itertools
import os
import random
import subprocess
import sys
import warnings
from functools import lru_cache

import numpy as np
import pytest
import torch
from helpers import CPU, SCENARIOS, make, small

from clbench import registry, spec
from clbench.avalanche import run as runner
from clbench.benchmarks.blobs import gaussian_blobs
from clbench.core.keyed import generator
from clbench.core.part import Part, refusal
from clbench.engine.clock import Clock
from clbench.engine.run import Run
from clbench.errors import InputError, RunFailed, Unavailable
from clbench.models.mlp import MLP
from clbench.streams.labelled import same_classes

ROWS = [name for name, entry in registry.strategies().items() if entry.backend == "avalanche"]
BLOBS, TASKS, STEPS = "blobs_{}(tasks=3)", 3, 12  # steps per task


def reason(name: str, scenario: str) -> str | None:
    """Why the row cannot learn blobs in this scenario, or None."""
    _, benchmark, _ = registry.benchmark(BLOBS.format(scenario), "smoke")
    (row,) = registry.strategy(small(name)).build()
    return row.supports(benchmark.stream([0], CPU), benchmark.network())


REASONS = {(name, scenario): reason(name, scenario) for name in ROWS for scenario in SCENARIOS}
RUNS = [pair for pair, why in REASONS.items() if not why]
every = pytest.mark.parametrize(("name", "scenario"), RUNS)


class Seen:
    """What a run did: by call of train() the losses, their data terms, the batch sizes and the weights at the
    end."""

    def __init__(self):
        self.losses, self.data_terms, self.sizes, self.weights = [], [], [], []

    def watch(self, row, at_step=lambda step: None):
        """Makes the row build strategies with a plugin that notes all this, last in the list."""
        with runner._no_warnings():
            from avalanche.training.plugins import SupervisedPlugin
        seen = self

        class Watch(SupervisedPlugin):
            def before_training_exp(self, strategy, **kwargs):
                seen.losses.append([])
                seen.data_terms.append([])
                seen.sizes.append([])

            def before_backward(self, strategy, **kwargs):
                at_step(sum(map(len, seen.losses)))
                seen.data_terms[-1].append(strategy.criterion().item())

            def after_training_iteration(self, strategy, **kwargs):
                seen.losses[-1].append(strategy.loss.item())
                seen.sizes[-1].append(len(strategy.mb_x))

            def after_training_exp(self, strategy, **kwargs):
                tensors = row.weights(strategy)
                seen.weights.append(torch.cat([tensor.detach().flatten() for tensor in tensors]))

        build = row.build

        def watched(common, stream):
            strategy = build(common, stream)
            strategy.plugins.append(Watch())
            return strategy

        row.build = watched


def avalanche(spec, scenario="class", seeds=(0,), stream=None, net=None, at_step=lambda step: None, **budget):
    """(outcome, what was seen) of a row on blobs, or on another stream."""
    _, benchmark, _ = registry.benchmark(BLOBS.format(scenario), "smoke")
    (row,), seen = registry.strategy(spec).build(), Seen()
    seen.watch(row, at_step)
    outcome = runner.run(
        stream or benchmark.stream(list(seeds), CPU),
        net or benchmark.network(),
        [row],
        dataclasses.replace(benchmark.budget("smoke"), **budget),
        Clock(CPU),
    )
    return outcome, seen


@lru_cache
def group(name, scenario):
    """The run of the seeds 4 and 1 that several tests look at."""
    return avalanche(small(name), scenario, [4, 1])


@lru_cache
def plain(spec, scenario="class"):
    """The run of seed 0 that several tests look at."""
    return avalanche(spec, scenario)


class Losses(Part):
    """A native part that notes the loss of every step, and the weights after every task."""

    def start(self, run):
        self.noted, self.weights = [], []

    def after_step(self, batch):
        self.noted.append(batch.loss[0].item())

    def after_task(self, t):
        tensors = self.run.learner.net.layout.views(self.run.learner.theta[0].detach()).values()
        self.weights.append(torch.cat([tensor.flatten() for tensor in tensors]))


@lru_cache
def slowly(spec, scenario):
    """Our run of a copy, which several tests look at."""
    return native_losses(spec, scenario, **SLOW_SGD)


def native_losses(spec, scenario, **budget):
    losses = Losses()
    acc = make(spec, scenario, extra=[losses], benchmark=BLOBS, **budget).train()
    return acc, losses.noted, losses.weights


# ---- the same run as ours where the method is the same

# Measured over 100 steps: losses at most 8e-7 apart, accuracies equal.
SETTINGS = {
    "adam": {},
    "adam reset": {"optimiser_state": "reset"},
    "sgd": {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9},
    "sgd with L2": {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.3},
    "adam with L2": {"weight_decay": 0.3},
    "beta2": {"beta2": 0.9},
    "adamw": {"optimiser": "adamw", "weight_decay": 3.0},
    "warm-up": {"warm_up": 0.3},
    "pairs": {
        "optimiser": "adamw",
        "weight_decay": 3.0,
        "beta2": 0.98,
        "warm_up": 0.1,
        "optimiser_state": "reset",
    },
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_naive_follows_ours_step_by_step(scenario, settings):
    acc, ours, _ = native_losses("naive", scenario, steps=20, **settings)
    outcome, seen = avalanche("avalanche_naive", scenario, steps=20, **settings)
    assert sum(seen.losses, []) == pytest.approx(ours, abs=1e-4)
    assert torch.allclose(outcome.acc, acc, atol=0.03)  # one of 40 test examples may tip over


def test_the_settings_above_make_a_difference():
    runs = {
        name: plain("avalanche_naive") if not settings else avalanche("avalanche_naive", **settings)
        for name, settings in SETTINGS.items()
    }
    curves = {name: sum(seen.losses, []) for name, (_, seen) in runs.items()}
    assert curves["adam"][:STEPS] == curves["adam reset"][:STEPS]
    for one, other in itertools.combinations(curves, 2):
        assert max(abs(a - b) for a, b in zip(curves[one], curves[other], strict=True)) > 1e-2, (one, other)


@pytest.mark.parametrize("settings", [{}, {"warm_up": 0.3}], ids=["constant", "warm-up"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_joint_follows_ours_and_starts_like_naive(scenario, settings):
    acc, ours, _ = native_losses("joint", scenario, **settings)
    outcome, seen = avalanche("avalanche_joint", scenario, **settings)
    naive, naive_seen = avalanche("avalanche_naive", scenario, **settings)
    assert sum(seen.losses, []) == pytest.approx(ours, abs=1e-4)
    assert torch.equal(outcome.acc[:, :2], naive.acc[:, :2])
    assert torch.equal(seen.weights[0], naive_seen.weights[0])


SLOW_SGD = {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9, "steps": 50}
COPIES = {
    "lwf(lam=0.25)": "lwf",  # T = 2
    "lwf(lam=2.0, temperature=1.0)": "lwf(alpha=2.0, temperature=1.0)",
    "cumulative": "cumulative",
    "ewc(lam=1e6, estimate='batches')": "ewc(ewc_lambda=5e5)",
    "online_ewc(lam=1e6, gamma=0.6, estimate='batches')": "online_ewc(ewc_lambda=5e5, decay=0.6)",
    "si(c=0.5, xi=1e-07, path='loss', cut='above')": "si",
    "mas(lam=0.3, estimate='batches', alpha=0.4)": "mas(lambda_reg=0.3, alpha=0.4)",
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("ours", "theirs"), COPIES.items())
def test_the_same_semantics_give_the_same_losses_and_weights(ours, theirs, scenario):
    """Over fifty steps of three tasks; in the first all penalties are 0. A penalty of weights stands in our
    gradient, not in our loss."""
    acc, losses, weights = slowly(ours, scenario)
    outcome, seen = avalanche(f"avalanche_{theirs}", scenario, **SLOW_SGD)
    terms = seen.losses if theirs.startswith("lwf") else seen.data_terms
    assert sum(terms, []) == pytest.approx(losses, abs=1e-4)
    assert torch.allclose(seen.weights[2][: len(weights[2])], weights[2], atol=1e-4)
    assert torch.allclose(outcome.acc, acc, atol=0.03)


@pytest.mark.parametrize("ours", [one for one in COPIES if "(" in one])
def test_every_argument_of_a_copy_matters(ours):
    """By five times what is allowed above, in one of the scenarios."""

    def learnt(one, scenario):  # without the cut SI diverges
        return slowly(one, scenario)[2][-1].nan_to_num()

    (term,) = spec.parse(ours)
    for left_out in term.arguments:
        others = {name: value for name, value in term.arguments.items() if name != left_out}
        without = spec.canonical(term.name, others, dict.fromkeys(others))
        apart = ((learnt(without, scenario) - learnt(ours, scenario)).abs().max() for scenario in SCENARIOS)
        assert any(most > 5e-4 for most in apart), left_out


@pytest.mark.parametrize("scenario", ["domain", "task"])
def test_permuted_inputs_and_shifted_labels_follow_ours(scenario):
    images, seeds = gaussian_blobs(classes=4), [4, 1]
    pixels = torch.stack(
        [
            torch.stack(
                [torch.randperm(16, generator=torch.Generator().manual_seed(10 * s + t)) for t in range(3)]
            )
            for s in seeds
        ]
    )
    net = MLP(16, 32, 12 if scenario == "task" else 4)
    stream = same_classes(images, pixels, scenario, seeds, len(images.y_test))
    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    budget = dataclasses.replace(benchmark.budget("smoke"), steps=15)
    for s, seed in enumerate(seeds):
        losses = Losses()
        run = Run(
            same_classes(images, pixels[s : s + 1], scenario, [seed], len(images.y_test)),
            net,
            [losses],
            budget,
        )
        acc = run.train()
        outcome, seen = avalanche("avalanche_naive", stream=stream, net=net, steps=15)
        assert sum(seen.losses[3 * s : 3 * s + 3], []) == pytest.approx(losses.noted, abs=1e-4)
        assert torch.allclose(outcome.acc[s], acc[0], atol=0.03)


@pytest.mark.parametrize("name", ["naive", "joint"])
def test_costs_are_counted_as_ours(name):
    ours = make(name, seeds=[4, 1], benchmark=BLOBS)
    ours.train()
    costs = avalanche(f"avalanche_{name}", seeds=[4, 1])[0].costs
    assert costs["steps"] == ours.updates * 2
    assert costs["samples_seen"] == ours.samples_seen
    assert costs["flops"] == ours.clock.flops > 0
    assert costs["memory_items"] == costs["extra_params"] == 0
    assert costs["train_s"] > 0 and costs["eval_s"] > 0 and costs["setup_s"] > 0


# ---- every row


@every
def test_takes_exactly_the_steps_of_the_budget(name, scenario):
    outcome, seen = group(name, scenario)
    assert outcome.acc.shape == (2, TASKS + 1, TASKS) and outcome.acc.dtype == torch.float64
    assert outcome.acc[:, 1:, 0].isfinite().all() and not outcome.diverged
    row = registry.load(registry.strategies()[name])
    times = [1 + t if row.retrains else 1 for t in range(TASKS)]
    if not row.own_loop:
        assert [len(losses) for losses in seen.losses] == [STEPS * k for k in times] * 2
        assert outcome.costs["steps"] == 2 * STEPS * sum(times)
    assert outcome.costs["samples_seen"] == sum(map(sum, seen.sizes))


@every
def test_a_seed_trained_again_and_alone_has_the_same_bits_and_leaves_no_trace(name, scenario, capfd):
    outcome, seen = group(name, scenario)
    capfd.readouterr()
    torch.manual_seed(5), np.random.seed(6), random.seed(7)  # of no account
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        alone, seen_alone = avalanche(small(name), scenario, [1])
        assert warnings.filters == filters
    assert torch.equal(outcome.acc[1:].nan_to_num(-1), alone.acc.nan_to_num(-1))
    assert len(seen_alone.weights) == TASKS
    assert all(map(torch.equal, seen.weights[TASKS:], seen_alone.weights))
    assert not torch.equal(seen.weights[TASKS - 1], seen.weights[-1])  # the other seed's
    assert torch.equal(states[0], torch.get_rng_state()) and states[2] == random.getstate()
    numpy = np.random.get_state()
    assert np.array_equal(states[1][1], numpy[1]) and states[1][2:] == numpy[2:]
    assert capfd.readouterr() == ("", "")


@every
def test_differs_from_naive(name, scenario):
    """In its weights, or in its answers; what learns the first task as Naive does has its weights then."""
    outcome, seen = group(name, scenario)
    naive_outcome, naive = group("avalanche_naive", scenario)
    if name in FIRST_TASK_AS_NAIVE:
        assert torch.equal(seen.weights[0], naive.weights[0])
    if name == "avalanche_ncm":  # the network is Naive's
        assert not torch.equal(outcome.acc[:, 1:], naive_outcome.acc[:, 1:])
    elif name != "avalanche_naive" and len(seen.weights[-1]) == len(naive.weights[-1]):
        assert not torch.equal(seen.weights[-1], naive.weights[-1])


FIRST_TASK_AS_NAIVE = [
    f"avalanche_{name}"
    for name in (
        *("agem", "cumulative", "der", "derpp", "er_ace", "er_aml", "ewc", "feature_distillation"),
        *("from_scratch", "gem", "joint", "lfl", "lwf", "mas", "mir", "online_ewc"),
    )
]


@pytest.mark.parametrize("name", ["ar1", "cope", "expert_gate", "l2p"])
def test_what_cannot_run_says_so(name):
    for scenario in SCENARIOS:
        assert REASONS[f"avalanche_{name}", scenario].startswith("unavailable: ")


def test_a_memory_for_which_er_aml_would_wait_for_ever_is_refused():
    with pytest.raises(InputError, match="wait for ever"):
        avalanche("avalanche_er_aml(memory=90)")


def test_without_its_shim_si_is_naive_on_a_cpu(monkeypatch):
    """The day it is not, the shim can go."""
    from avalanche.training.plugins import SynapticIntelligencePlugin as Plugin

    _, naive = plain("avalanche_naive")
    spec = "avalanche_si(si_lambda=1e6)"
    assert not torch.equal(avalanche(spec)[1].weights[-1], naive.weights[-1])
    monkeypatch.setattr(Plugin, "extract_weights", staticmethod(EXTRACT))
    monkeypatch.setattr(registry.load(registry.strategies()["avalanche_si"]), "prepare", lambda row: None)
    assert torch.equal(avalanche(spec)[1].weights[-1], naive.weights[-1])


@torch.no_grad()
def EXTRACT(model, target, excluded):
    """As Avalanche 0.6 has it."""
    for name, parameter in model.named_parameters():
        target[name].data = parameter.detach().cpu().flatten()


def test_augmented_examples_are_seen_in_one_of_the_streams_ways():
    from clbench.avalanche.adapt import experience
    from clbench.streams.labelled import LabelledStream

    plain_stream = registry.benchmark(BLOBS.format("class"), "smoke")[1].stream([0], CPU)
    views = torch.stack([torch.arange(16), torch.arange(16).roll(2), torch.full((16,), 16)])
    images = dataclasses.replace(plain_stream.images, mean=(0.1, 0.2), std=(0.5, 2.0))
    stream = LabelledStream(images, plain_stream.tasks, "class", [0], views=views)
    data = experience(stream, 0).dataset
    rows = stream.tasks[0].train
    for i in range(20):
        ways = stream.gather(
            torch.stack([torch.cat([rows[i], torch.tensor([v])]) for v in range(3)])[None]
        ).x[0]
        found = data.train()[i][0]
        assert (found == ways).all(1).any()
        assert torch.equal(data.eval()[i][0], ways[0])


# ---- what each row adds


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("spec", ["avalanche_ewc(ewc_lambda=0)", "avalanche_lwf(alpha=0)"])
def test_without_its_term_a_row_is_naive_bit_for_bit(spec, scenario):
    outcome, seen = avalanche(spec, scenario, [4])
    naive, naive_seen = group("avalanche_naive", scenario)
    assert torch.equal(outcome.acc, naive.acc[:1])
    assert len(seen.weights) == TASKS and all(map(torch.equal, seen.weights, naive_seen.weights[:TASKS]))


def test_a_strong_ewc_moves_the_weights_less():
    def distance(spec):
        weights = plain(spec)[1].weights
        return float((weights[-1] - weights[0]).norm())

    naive, weak, strong = map(
        distance, ["avalanche_naive", *(f"avalanche_ewc(ewc_lambda={n})" for n in (100, 10000))]
    )
    assert strong < 0.6 * naive < 0.6 * 1.2 * weak < 0.6 * 1.2 * naive  # measured: 0.33, 0.84, 0.71


def test_replay_sees_as_many_stored_examples_as_new_ones():
    outcome, seen = avalanche("avalanche_replay(memory=150)")
    assert set(seen.sizes[0]) == {16, 8}  # 120 examples: a pass ends with a short batch
    assert all(sizes[0] == 32 and max(sizes) == 32 for sizes in seen.sizes[1:])
    assert outcome.costs["memory_items"] == 150 and outcome.costs["memory_bytes"] == 150 * 16 * 4


def test_what_is_kept_is_in_the_costs():
    parameters = MLP(16, 32, 32, 2 * TASKS).layout.parameters
    assert plain("avalanche_ewc")[0].costs["extra_params"] == TASKS * 2 * parameters
    lwf = plain("avalanche_lwf")[0].costs
    assert lwf["extra_params"] == parameters and lwf["memory_bytes"] == 4 * parameters


def test_flops_of_the_extra_work_are_counted():
    naive = plain("avalanche_naive")[0].costs
    per_row = naive["flops"] / naive["samples_seen"]  # forward and backward of one example
    fisher = plain("avalanche_ewc")[0].costs["flops"] - naive["flops"]
    assert fisher == pytest.approx(TASKS * 120 * per_row)  # a pass over every task
    replay = plain("avalanche_replay")[0].costs
    assert replay["flops"] == pytest.approx(replay["samples_seen"] * per_row)
    distilled = (TASKS - 1) * STEPS * 16  # forward passes of the teacher alone
    lwf = plain("avalanche_lwf")[0].costs["flops"] - naive["flops"]
    assert distilled * per_row / 4 < lwf < distilled * per_row / 2  # forward is a third or a little more


def test_refuses_a_memory_smaller_than_the_number_of_tasks():
    stream = registry.benchmark(BLOBS.format("class"), "smoke")[1].stream([0], CPU)
    small, enough = (registry.strategy(f"avalanche_replay(memory={n})").build()[0] for n in (2, 3))
    assert "2" in small.supports(stream, None) and enough.supports(stream, None) is None


ONCE = {name: scenario for name, scenario in reversed(RUNS)}  # a row's first scenario


@pytest.mark.parametrize(("name", "scenario"), ONCE.items())
def test_learns_or_refuses_a_network_of_one_layer(name, scenario):
    """As on features that are computed beforehand."""
    chosen = registry.benchmark(BLOBS.format(scenario), "smoke")[1]
    stream, net = chosen.stream([0], CPU), MLP(16, 2 if scenario == "domain" else 6)
    (row,) = registry.strategy(small(name)).build()
    if row.supports(stream, net):
        assert name in ("avalanche_lfl", "avalanche_pnn")
    else:
        outcome, _ = avalanche(small(name), stream=stream, net=net, steps=4)  # raises nothing
        assert outcome.acc.shape == (1, TASKS + 1, TASKS)


@pytest.mark.parametrize("name", ROWS)
def test_refuses_fixed_compute(name):
    chosen = registry.benchmark("blobs_class(fixed_compute=True)", "smoke")[1]
    (row,) = registry.strategy(name).build()
    reason = refusal(row, chosen.stream([0], CPU), chosen.network(), chosen.budget("smoke"))
    assert (
        reason
        == "what it does besides its steps is not known, so with fixed_compute it cannot be paid from them"
    )


# ---- what a row may bring


def own_row(**methods):
    """avalanche_naive with attributes of its own, and its outcome on blobs."""
    (row,) = registry.strategy("avalanche_naive").build()
    for name, value in methods.items():
        setattr(row, name, value)
    _, benchmark, _ = registry.benchmark(BLOBS.format("class"), "smoke")
    stream, budget = benchmark.stream([4], CPU), benchmark.budget("smoke")
    return runner.run(stream, benchmark.network(), [row], budget, Clock(CPU))


def test_a_row_may_train_in_a_loop_of_its_own():
    """One that tells its plugins of its steps, and one that does not; all its operations count."""

    def build(told):
        def build(common, stream):
            from avalanche.training.supervised import Naive

            class Own(Naive):
                def training_epoch(self, **kwargs):
                    for batch in self.dataloader:
                        self.mbatch = batch
                        self._unpack_minibatch()
                        self.loss = self._make_empty_loss()
                        if told:
                            self._before_training_iteration(**kwargs)
                        self.loss = self._criterion(self.model(self.mb_x), self.mb_y)
                        if told:
                            self._after_training_iteration(**kwargs)

            return Own(**common | {"train_epochs": 3})

        return build

    told, silent = (own_row(own_loop=True, order="own", build=build(one)) for one in (True, False))
    passes = TASKS * 3 * 120  # tasks, epochs, examples
    assert told.costs["samples_seen"] == passes
    assert told.costs["steps"] == TASKS * 3 * 8 and silent.costs["steps"] == 0
    naive = plain("avalanche_naive")[0].costs
    forward = told.costs["flops"] / passes / (naive["flops"] / naive["samples_seen"])
    assert 1 / 4 < forward < 1 / 2 and silent.costs["flops"] == told.costs["flops"]
    assert torch.equal(told.acc, silent.acc) and not told.diverged  # nothing was learnt: the scores stay
    assert torch.equal(told.acc[:, 0], told.acc[:, -1])


def test_a_row_may_mend_avalanche_first_and_answer_in_its_own_way():
    calls = []

    def scores(strategy, x, t):
        return torch.eye(2 * TASKS)[torch.full((len(x),), 3)]

    outcome = own_row(prepare=lambda: calls.append("prepare"), scores=scores)
    assert calls == ["prepare"]
    assert outcome.acc[0, :, 1].tolist() == [0.5] * (TASKS + 1)  # always class 3, of the second task
    assert outcome.acc[0, :, 0].tolist() == [0.0] * (TASKS + 1)


# ---- what can go wrong


def test_divergence_is_noted_as_ours():
    settings = {"optimiser": "sgd", "lr": 1e18}
    ours = make("naive", benchmark=BLOBS, **settings)
    acc = ours.train()
    outcome, _ = avalanche("avalanche_naive", **settings)
    assert outcome.diverged == ours.diverged and outcome.diverged[0]["task"] == 1
    assert torch.equal(outcome.acc.isnan(), acc.isnan())
    assert outcome.acc.isnan().any() and not outcome.acc[:, 0].isnan().any()


def test_a_seed_that_diverges_later_keeps_its_earlier_rows():
    outcome, seen = avalanche("avalanche_ewc(ewc_lambda=1e18)", seeds=[4, 1], optimiser="sgd", lr=0.1)
    assert [(one["seed"], one["task"]) for one in outcome.diverged] == [(4, 2), (1, 2)]
    assert all(STEPS < one["step"] <= 2 * STEPS for one in outcome.diverged)
    assert outcome.acc[:, :2].isfinite().all() and outcome.acc[:, 2:].isnan().all()
    assert len(seen.losses) == 4  # training stops there


@pytest.mark.parametrize("step", [0, STEPS, STEPS + 3])
def test_an_error_says_where_and_leaves_no_count_open(step):
    def break_off(now):
        if now == step:
            raise ValueError("broken")

    with pytest.raises(RunFailed) as failure:
        avalanche("avalanche_naive", at_step=break_off)
    assert (failure.value.task, failure.value.step) == (1 + step // STEPS, step)
    assert str(failure.value.__cause__) == "broken"
    assert torch.utils._python_dispatch._get_current_dispatch_mode() is None


def test_the_generators_are_keyed_by_seed_and_task():
    states = []
    avalanche(
        "avalanche_replay",
        seeds=[3],
        at_step=lambda step: states.append(
            (torch.initial_seed(), np.random.get_state()[1][0], random.getstate())
        ),
    )
    for t, found in enumerate(states[::STEPS]):
        number = generator(3, "avalanche", t).initial_seed()
        assert found == (number, number % 2**32, random.Random(number).getstate())


def test_says_how_to_get_avalanche(monkeypatch):
    for module in ("single", "meter"):
        monkeypatch.delitem(sys.modules, f"clbench.avalanche.{module}", raising=False)
    for module in ("avalanche", "avalanche.training.plugins"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    _, benchmark, _ = registry.benchmark(BLOBS.format("class"), "smoke")
    with pytest.raises(Unavailable, match="pip install avalanche-lib"):
        runner.run(
            benchmark.stream([0], CPU),
            benchmark.network(),
            registry.strategy("avalanche_naive").build(),
            benchmark.budget("smoke"),
            Clock(CPU),
        )


ALONE = """
import sys
from clbench import registry
rows = [registry.load(entry) for entry in registry.strategies().values() if entry.backend == "avalanche"]
assert len(rows) >= 5 and not {"torch", "avalanche", "numpy"} & set(sys.modules), "the rows must stay light"
from clbench.avalanche import run
from clbench.errors import Unavailable
assert "avalanche" not in sys.modules
try:
    run._single_run()
except Unavailable as error:
    assert "set HOME" in str(error), error
else:
    raise AssertionError("a home that cannot be written went unnoticed")
"""


def test_the_rows_are_light_and_an_unwritable_home_is_explained(tmp_path):
    home = tmp_path / "file"
    home.write_text("no folder")
    environment = {**os.environ, "HOME": str(home), "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
