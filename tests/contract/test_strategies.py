"""The contract battery: every native strategy passes all of it without further test code."""
import copy
from functools import lru_cache

import pytest
import torch
from helpers import NATIVE, SCENARIOS, SUPPORTED, make, reason, until
from torch._subclasses.fake_tensor import FakeCopyMode, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from clbench import registry
from clbench.core.batch import Batch
from clbench.core.part import Part

every = pytest.mark.parametrize(("name", "scenario"), SUPPORTED)

@lru_cache
def trained(name, scenario):
    """The run of seed 0 that several tests look at."""
    run = make(name, scenario)
    run.train()
    return run


@every
def test_twice_the_same_bits_and_sensible(name, scenario):
    first, second = (make(name, scenario, [0, 1]) for _ in range(2))
    acc = first.train()
    assert torch.equal(acc, second.train())
    assert torch.equal(first.learner.theta, second.learner.theta)
    assert acc.shape == (2, 6, 5) and acc.dtype == torch.float64
    assert acc.isfinite().all() and acc.min() >= 0 and acc.max() <= 1
    assert not first.diverged


@every
def test_a_seed_alone_is_the_same_seed_after_others(name, scenario):
    alone = trained(name, scenario)
    for seed in (4, 0):                                      # one after another in one process, as a worker does
        other = make(name, scenario, [seed])
        other.train()
    assert torch.equal(alone.learner.theta, other.learner.theta)


@every
def test_a_seed_alone_is_the_same_seed_in_a_larger_group(name, scenario):
    settings = {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9, "steps": 6}
    alone, among, two = (make(name, scenario, seeds, **settings) for seeds in ([1], [4, 1, 2], [1, 7]))
    acc = [run.train() for run in (alone, among, two)]
    for run, row in ((among, 1), (two, 0)):
        distance = (alone.learner.theta[0] - run.learner.theta[row]).norm() / alone.learner.theta.norm()
        assert distance < max(part.tolerance for part in run.parts)
    assert (acc[0][0] - acc[1][1]).abs().max() < 0.03


class Poison(Part):
    """Last in the list: after a task, whatever no part has stored becomes NaN."""

    def start(self, run):
        run.stream = self.stream = copy.copy(run.stream)
        self.dead = torch.zeros(run.S, len(run.stream.images.x), dtype=torch.bool)
        self.read, gather = 0, run.stream.gather

        def poisoned(samples):
            batch = gather(samples)
            dead = self.dead.gather(1, samples[..., 1])
            self.read += int(dead.sum())
            batch.x = batch.x.masked_fill(dead.unsqueeze(-1), torch.nan)
            return batch
        run.stream.gather = poisoned

    def after_task(self, t):
        self.dead[:, self.stream.tasks[t].train[:, 1]] = True
        for part in self.run.parts:
            if part.stored is not None:
                self.dead.scatter_(1, part.stored[..., 1], False)


@every
def test_reads_no_old_data_that_it_has_not_stored(name, scenario):
    poison = Poison()
    run, plain = make(name, scenario, extra=[poison]), trained(name, scenario)
    run.train()
    honest = poison.read == 0 and torch.equal(run.learner.theta, plain.learner.theta)
    assert honest != any(part.sees_all_data for part in run.parts)


@every
def test_differs_from_naive(name, scenario):
    run, naive = trained(name, scenario), trained("naive", scenario)
    x = run.stream.test(0, slice(0, 50))
    task = 0 if scenario == "task" else None
    assert torch.equal(run.predict(x, task), naive.predict(x, task)) == (name == "naive")


@every
def test_steps_and_samples_are_as_planned(name, scenario):
    seen = []

    class Watch(Part):
        def after_step(self, batch):
            seen.append(batch.y.shape[1])
    run, extra = make(name, scenario, extra=[Watch()]), []
    gradient = run.gradient
    run.gradient = lambda batch, theta=None: extra.append(batch.y.shape[1]) or gradient(batch, theta)
    run.train()
    per_task = [12 * (t + 1) if name == "joint" else 12 for t in range(5)]
    assert run.updates == len(seen) == sum(per_task)
    assert run.samples_seen == sum(seen) + sum(extra)
    assert seen[0] == 16


class Count(TorchDispatchMode):
    """Lists the operators with the shapes and Python numbers that a captured graph would freeze."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        shapes = (tuple(a.shape) if isinstance(a, torch.Tensor) else str(a) for a in tree_leaves((args, kwargs)))
        self.calls.append((str(func), tuple(shapes)))
        return func(*args, **(kwargs or {}))


@every
@pytest.mark.parametrize("seeds", ([0], [0, 1]))
def test_a_step_is_static_and_never_waits_for_the_device(name, scenario, seeds):
    run = make(name, scenario, seeds, steps=6)
    plan = until(run, 2)
    draws = [plan.at(step) for step in range(4)]
    run.step(draws[0])
    with Count() as one:
        run.step(draws[1])
    with Count() as two:
        run.step(draws[2])
    assert not [call for call, _ in one.calls if "_local_scalar_dense" in call or "nonzero" in call]
    assert one.calls == two.calls
    mode = FakeTensorMode()                                  # raises where a step needs to know a value
    with FakeCopyMode(mode):
        fake, fake_draws = copy.deepcopy(run), copy.deepcopy(dict(draws[3]))
    with mode:
        fake.step(Batch(fake_draws))


class Tape(TorchDispatchMode):
    """What a CUDA graph does, on a CPU: every call is recorded once, and a replay makes the same calls on the same tensors
    and writes what they give to the same places."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, out in self.calls:
            for old, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


def state(run):
    """All tensors that a run and its parts keep."""
    owners = [run, run.learner, *run.parts]
    return [tensor for owner in owners for tensor in vars(owner).values() if isinstance(tensor, torch.Tensor)]


@every
@pytest.mark.parametrize("seeds", ([0], [0, 1]))
def test_a_recorded_step_goes_on_like_an_eager_one(name, scenario, seeds):
    recorded, eager = (make(name, scenario, seeds, steps=6) for _ in range(2))
    plans = [until(run, 2) for run in (recorded, eager)]
    draws = Batch({key: tensor.clone() for key, tensor in plans[0].at(0).items()})
    recorded.step(draws), eager.step(plans[1].at(0))                        # the optimiser's state is there from now on
    with Tape() as tape:
        recorded.step(draws)
    eager.step(plans[1].at(0))
    for step in (1, 2, 3):
        for key, tensor in plans[0].at(step).items():
            draws[key].copy_(tensor)
        tape.replay()
        eager.step(plans[1].at(step))
    assert all(torch.equal(a, b) for a, b in zip(state(recorded), state(eager), strict=True))


@pytest.mark.parametrize(("name", "scenario"), [(name, scenario) for name in NATIVE for scenario in SCENARIOS
                                                if (name, scenario) not in SUPPORTED])
def test_an_impossible_stream_gets_a_reason(name, scenario):
    assert len(reason(name, scenario).splitlines()) == 1


@pytest.mark.parametrize("name", [name for name in NATIVE if not registry.facts(name).grows])
def test_state_does_not_grow_with_the_tasks(name):
    def numbers(run):
        return run.extra_parameters(run.learner.net) + sum(p.stored.numel() for p in run.parts if p.stored is not None)
    run = make(name, next(scenario for one, scenario in SUPPORTED if one == name), benchmark="blobs_{}(tasks=20)", steps=3)
    sizes = []
    for t in range(20):
        run.t = t
        run.learn(run.stream.tasks[t])
        sizes.append(numbers(run))
    assert sizes[-1] <= sizes[4]


@pytest.mark.parametrize("name", NATIVE)
def test_has_a_summary_and_typed_fields(name):
    entry = registry.strategies()[name]
    assert entry.summary.endswith((".", ":")) or len(entry.summary) > 20
    registry.strategy(name)
