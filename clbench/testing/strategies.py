"""The contract of a strategy: `check_strategy("er", memory=100)`."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeCopyMode, FakeTensorMode

from clbench import registry
from clbench.artefacts.curves import Curves
from clbench.core.batch import Batch
from clbench.core.part import Part, refusal
from clbench.core.pytree import tree_leaves, tree_map
from clbench.engine.probe import Probe
from clbench.engine.run import Run
from clbench.errors import InputError
from clbench.execution.own import strategy_of
from clbench.execution.processor import one_thread
from clbench.testing.check import Check, name_of
from clbench.testing.recording import Operators, Tape
from clbench.testing.runs import (
    LONG_STREAMS,
    SCENARIOS,
    STREAMS,
    small_run,
    steps_in,
    suited,
    until_a_step,
)

MEMORY = 100  # examples, for a strategy that keeps some: the battery's streams have 144 or 360
HOOKS = (
    "network",
    "choose_samples",
    "data_losses",
    "predict",
    "start",
    "before_task",
    "batch",
    "losses",
    "gradient",
    "after_step",
    "after_period",
    "after_task",
)


def check_strategy(strategy, **options) -> None:
    """Raises AssertionError, with a sentence that says what is wrong, where a strategy breaks the contract.

    strategy: a name, spec, class derived from `clbench.Part`, instance, or "file.py:Class"; a class and a
    name take `options` as arguments. It is tried on small streams of every scenario that it supports; a
    memory that is not given is of 100 examples. Takes some seconds.
    """
    for check in strategy_checks(strategy, **options):
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"{check}: {error}") from error


def strategy_checks(strategy, **options) -> Iterator[Check]:
    """The checks of `check_strategy`, one by one: those of every scenario that the strategy supports, and for
    the others one that there is a reason."""
    subjects = [Subject(strategy, options, scenario) for scenario in SCENARIOS]
    if not subjects[0].learns_pairs:
        subjects = subjects[:-1]  # the engine itself refuses
    reasons = {subject.scenario: subject.reason for subject in subjects}
    if all(reasons.values()):
        yield Check("supports a stream", lambda: _fail(f"it refuses every stream of the battery: {reasons}"))
    for subject in subjects:
        if reasons[subject.scenario]:
            yield _named(check_an_impossible_stream_gets_a_reason, subject)
        else:
            yield from (_named(check, subject) for check in CHECKS)


def _named(check: Callable, subject: "Subject") -> Check:
    def run() -> None:
        with one_thread("cpu"):
            check(subject)

    return Check(f"{name_of(check)}, {subject.scenario}", run)


def _fail(sentence: str) -> None:
    raise AssertionError(sentence)


@dataclass(frozen=True, eq=False)
class Subject:
    """A strategy on the battery's streams of one scenario."""

    strategy: object
    options: dict
    scenario: str

    def parts(self) -> list[Part]:
        """New ones."""
        _, benchmark, _ = registry.benchmark(f"blobs_class(memory={MEMORY})", "smoke")
        found = strategy_of(self._with_options(), benchmark, "smoke")
        if found.backend != "native":
            raise InputError(f"{found.name} runs in another library; the contract is of parts")
        return found.build()

    def _with_options(self):
        strategy = self.strategy
        if not self.options:
            return strategy
        if isinstance(strategy, str) and "(" not in strategy:
            return f"{strategy}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"
        if isinstance(strategy, type):
            memory = {"memory": MEMORY} if "memory" in getattr(strategy, "__dataclass_fields__", {}) else {}
            return strategy(**memory | self.options)
        raise InputError(f"{strategy!r} has its arguments; options are for a name or a class")

    def run(
        self,
        seeds: Sequence[int] = (0,),
        extra: Sequence[Part] = (),
        stream: str | None = None,
        **budget: Any,
    ) -> Run:
        """A run that has not begun; `extra` parts come last."""
        return small_run([*self.parts(), *extra], stream or STREAMS[self.scenario], seeds, **budget)

    @property
    def learns_pairs(self) -> bool:
        return all(part.learns_pairs for part in self.parts())

    @property
    def reason(self) -> str | None:
        """Why the strategy cannot learn the stream, or None."""
        parts = self.parts()
        plain = small_run([], suited(STREAMS[self.scenario], parts))
        reasons = (refusal(part, plain.stream, plain.learner.net, plain.budget) for part in parts)
        return next(filter(None, reasons), None)

    @cached_property
    def trained(self) -> Run:
        """The run of seed 0 that several checks look at."""
        run = self.run()
        run.train()
        return run


@lru_cache
def untouched(stream: str) -> Run:
    """The run of seed 0 without any part: plain training on one task after the other."""
    run = small_run([], stream)
    run.train()
    return run


# ---- the checks


def check_an_impossible_stream_gets_a_reason(subject: Subject) -> None:
    assert subject.reason and len(subject.reason.splitlines()) == 1, (
        f"`supports` has to give one line, not {subject.reason!r}"
    )


def check_twice_the_same_bits_and_sensible(subject: Subject) -> None:
    first, second = (subject.run([0, 1]) for _ in range(2))
    second.looks = [Probe(second.stream, 20), Curves()]  # which predict and take gradients between steps
    acc, again = first.train(), second.train()
    assert not first.diverged and acc.isfinite().all(), f"a loss or a weight is not finite: {first.diverged}"
    same = torch.equal(acc, again) and torch.equal(first.learner.theta, second.learner.theta)
    assert same, (
        "two runs of the same seeds end in different bits: "
        "draw with run.draw, run.shuffled or run.subset only, and let `predict` leave all as it was"
    )
    tasks = len(first.stream.tasks)
    shape = tuple(acc.shape)
    assert shape == (2, tasks + 1, tasks), f"accuracies have the shape {shape}"
    assert acc.dtype == torch.float64, f"accuracies are {acc.dtype}"
    assert acc.min() >= 0 and acc.max() <= 1, "an accuracy lies outside 0 … 1"


def check_a_seed_alone_is_the_same_seed_after_others(subject: Subject) -> None:
    alone = subject.trained
    for seed in (4, 0):  # one after another, as a worker does
        other = subject.run([seed])
        other.train()
    assert torch.equal(alone.learner.theta, other.learner.theta), (
        "a seed ends in other bits when another run came before it: keep no state outside the part"
    )


def check_a_seed_alone_is_the_same_seed_in_a_larger_group(subject: Subject) -> None:
    # SGD, because Adam blows up the rounding of gradients near zero: see `Part.tolerance`.
    settings: dict[str, Any] = {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9, "steps": 6}
    alone, among, two = (subject.run(seeds, **settings) for seeds in ([1], [4, 1, 2], [1, 7]))
    acc = [run.train() for run in (alone, among, two)]
    allowed = max(part.tolerance for part in alone.parts)
    for run, row in ((among, 1), (two, 0)):
        theta = alone.learner.theta[0]
        distance = float((theta - run.learner.theta[row]).norm() / theta.norm())
        assert distance < allowed, (
            f"a seed's weights differ by {distance:.1e} of their length when it trains beside others, more "
            f"than {allowed:.1e}: seeds see each other, or rounding turns into choices (then say `tolerance`)"
        )
    moved = float((acc[0][0] - acc[1][1]).abs().max())
    assert moved < 0.03, f"a seed's accuracy differs by {moved:.3f} when it trains beside others"


class Poison(Part):
    """Last in the list: after a task, what no part has stored becomes NaN (0 among whole numbers)."""

    def start(self, run: Run) -> None:
        run.stream = self.stream = copy.copy(run.stream)
        examples = 1 + max(int(task.train[:, 1].max()) for task in run.stream.tasks)
        self.dead = torch.zeros(run.S, examples, dtype=torch.bool)
        self.read, gather = 0, run.stream.gather

        def poisoned(samples: Tensor) -> Batch:
            batch = gather(samples)
            dead = self.dead.gather(1, samples[..., 1])
            self.read += int(dead.sum())
            batch.x = tree_map(lambda x: _without(x, dead), batch.x)
            return batch

        run.stream.gather = poisoned  # type: ignore[method-assign]

    def after_task(self, t: int) -> None:
        self.dead[:, self.stream.tasks[t].train[:, 1]] = True
        for part in self.run.parts:
            if part.stored is not None:
                self.dead.scatter_(1, part.stored[..., 1], False)


def _without(x: Tensor, dead: Tensor) -> Tensor:
    """x [S, n, ...] without the rows that are dead [S, n]."""
    nothing = torch.nan if x.is_floating_point() else 0
    return x.masked_fill(dead.view(*dead.shape, *[1] * (x.dim() - 2)), nothing)


def check_reads_no_old_data_that_it_has_not_stored(subject: Subject) -> None:
    poison = Poison()
    run = subject.run(extra=[poison])
    run.train()
    quiet = [type(part).__name__ for part in run.parts if part.stored is not None and not part.stores]
    assert not quiet, f"{', '.join(quiet)} keeps examples: say `stores = True`"
    same = torch.equal(run.learner.theta, subject.trained.learner.theta)
    if any(part.sees_all_data for part in run.parts):
        assert poison.read or not same, "it says `sees_all_data` and reads no old data: leave that out"
    else:
        assert not poison.read, (
            f"it reads {poison.read} examples of earlier tasks that do not stand in `self.stored`: store "
            f"them there, or say `sees_all_data = True`"
        )
        assert same, "it ends in other weights when the old data that it has not stored are gone"


def check_differs_from_plain_training_unless_it_has_no_hooks(subject: Subject) -> None:
    run = subject.trained
    plain = untouched(suited(STREAMS[subject.scenario], run.parts))
    x = run.stream.test(0, slice(0, 50))
    task = 0 if subject.scenario == "task" else None
    answers = [tree_leaves(one.predict(x, task)) for one in (run, plain)]
    same = all(torch.equal(a, b) for a, b in zip(*answers, strict=True))
    if any(_overrides(part) for part in run.parts):
        assert not same, "it answers what plain training on task after task answers: its hooks have no effect"
    else:
        assert same, "it has no hooks, and yet it answers something else than plain training"


def _overrides(part: Part) -> bool:
    return any(getattr(type(part), hook) is not getattr(Part, hook) for hook in HOOKS)


class Watch(Part):
    """Counts the rows of every step, and the steps that every task may take."""

    def __init__(self):
        self.rows: list[int] = []
        self.allowed: dict[int, int] = {}  # by task

    def before_task(self, t: int, plan: Batch) -> Batch:
        extra = sum(part.extra_cost(t) for part in self.run.parts) if self.run.budget.fixed_compute else 0
        self.allowed[t] = steps_in(self.run, t, max(1, int(self.run.budget.steps / (1 + extra))))
        return plan

    def after_step(self, batch: Batch) -> None:
        self.rows.append(batch.y.shape[1])


def check_steps_and_samples_are_as_planned(subject: Subject) -> None:
    watch = Watch()
    extra: list[int] = []
    run = subject.run(extra=[watch])
    gradient = run.gradient

    def count_rows(batch: Batch, theta: Tensor | None = None) -> Tensor:
        extra.append(batch.y.shape[1])
        return gradient(batch, theta)

    run.gradient = count_rows  # type: ignore[method-assign]
    run.train()
    taken, expected = run.updates, [sum(watch.allowed.values())]
    if any(part.sees_all_data for part in run.parts):  # or the budget of all tasks so far
        expected.append(sum((t + 1) * steps for t, steps in watch.allowed.items()))
    assert taken in expected, f"it takes {taken} steps where the budget has {expected[0]}"
    assert taken == len(watch.rows), f"{taken} steps are counted and {len(watch.rows)} taken"
    all_counted = run.samples_seen == sum(watch.rows) + sum(extra)
    assert all_counted, "rows pass the network that are not counted: use run.gradient"
    first = watch.rows[0]
    assert first == run.rows, f"the first step has {first} rows where the budget has {run.rows}"


def check_a_step_is_static_and_never_waits_for_the_device(subject: Subject) -> None:
    for seeds in ([0], [0, 1]):
        run = subject.run(seeds, steps=_enough(subject))
        plan = until_a_step(run, 2)
        draws = [plan.at(step) for step in range(4)]
        run.step(draws[0])
        with Operators() as one:
            run.step(draws[1])
        with Operators() as two:
            run.step(draws[2])
        waiting = {call for call, _ in one.calls if "_local_scalar_dense" in call or "nonzero" in call}
        assert not waiting, (
            f"a step asks the device for a value ({', '.join(waiting)}): a CUDA graph cannot hold that"
        )
        assert one.calls == two.calls, (
            "two steps call different operators, or the same on other shapes or numbers"
        )
        mode = FakeTensorMode()  # raises where a step needs to know a value
        with FakeCopyMode(mode):
            fake, fake_draws = copy.deepcopy(run), copy.deepcopy(dict(draws[3]))
        with mode:
            fake.step(Batch(fake_draws))


def check_a_recorded_step_goes_on_like_an_eager_one(subject: Subject) -> None:
    for seeds in ([0], [0, 1]):
        recorded, eager = (subject.run(seeds, steps=_enough(subject)) for _ in range(2))
        plans = [until_a_step(run, 2) for run in (recorded, eager)]
        draws = Batch({key: tensor.clone() for key, tensor in plans[0].at(0).items()})
        recorded.step(draws)  # the optimiser's state is there from now on
        eager.step(plans[1].at(0))
        with Tape() as tape:
            recorded.step(draws)
        eager.step(plans[1].at(0))
        for step in (1, 2, 3):
            for key, tensor in plans[0].at(step).items():
                draws[key].copy_(tensor)
            tape.replay()
            eager.step(plans[1].at(step))
        same = all(torch.equal(a, b) for a, b in zip(_state(recorded), _state(eager), strict=True))
        assert same, "a step recorded once and replayed goes on otherwise: write what is kept in place"


def _enough(subject: Subject) -> int:
    """Steps of a task, of which six are left once what the method costs besides is paid."""
    run = subject.run()
    extra = sum(part.extra_cost(2) for part in run.parts) if run.budget.fixed_compute else 0
    pieces = 2 if any(part.splits_plan for part in run.parts) else 1
    return math.ceil(6 * pieces * (1 + extra))


def _state(run: Run) -> list[Tensor]:
    """All tensors that a run and its parts keep."""
    owners = [run, run.learner, *run.parts]
    return [tensor for owner in owners for tensor in vars(owner).values() if isinstance(tensor, Tensor)]


def check_state_does_not_grow_with_the_tasks(subject: Subject) -> None:
    run = subject.run(stream=LONG_STREAMS[subject.scenario], steps=6)
    if any(part.grows for part in run.parts):
        return  # and says why
    sizes = []
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        run.learn(task)
        stored = sum(part.stored.numel() for part in run.parts if part.stored is not None)
        sizes.append(run.extra_parameters() + stored)
    first, last = sizes[4], sizes[-1]
    assert last <= first, (
        f"it keeps {first} numbers after 5 tasks and {last} after {len(sizes)}: keep a "
        f"sum, or say in the class why it `grows`"
    )


CHECKS = (
    check_twice_the_same_bits_and_sensible,
    check_a_seed_alone_is_the_same_seed_after_others,
    check_a_seed_alone_is_the_same_seed_in_a_larger_group,
    check_reads_no_old_data_that_it_has_not_stored,
    check_differs_from_plain_training_unless_it_has_no_hooks,
    check_steps_and_samples_are_as_planned,
    check_a_step_is_static_and_never_waits_for_the_device,
    check_a_recorded_step_goes_on_like_an_eager_one,
    check_state_does_not_grow_with_the_tasks,
)
