"""The contract of a benchmark: `check_benchmark("split_digits_class")`."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.pytree import tree_leaves, tree_map
from clbench.errors import InputError
from clbench.execution.own import benchmark_of
from clbench.execution.processor import one_thread
from clbench.profiles import PROFILES
from clbench.testing.check import Check, name_of
from clbench.testing.runs import CPU


def check_benchmark(
    benchmark, scenario: str | None = None, *, shared: int = 0, unused: bool = False, repeats: bool = False
) -> None:
    """Raises AssertionError, with a sentence that says what is wrong, where a benchmark breaks the contract.

    benchmark: a name, spec, class derived from `clbench.Benchmark`, instance, or "file.py:Class_scenario".
    scenario: which one of a class that has several; None for all of them. What is meant may be said:
    shared: so many test examples stand among the training examples as well;
    unused: training examples that no task has;
    repeats: (of pairs) a right answer of the test stands among the training pairs as well.
    Raises Unavailable where its data are not here.
    """
    for check in benchmark_checks(benchmark, scenario, shared=shared, unused=unused, repeats=repeats):
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"{check}: {error}") from error


def benchmark_checks(
    benchmark, scenario: str | None = None, *, shared: int = 0, unused: bool = False, repeats: bool = False
) -> Iterator[Check]:
    """The checks of `check_benchmark`, one by one; no data are read before the first is called."""
    several = scenario is None and isinstance(benchmark, type)
    scenarios = getattr(benchmark, "scenarios", ()) if several else ()
    for one in scenarios or (scenario,):
        subject = Subject(benchmark, one, shared, unused, repeats)
        for check in (*CHECKS, *(PAIRS if subject.smallest.scenario == "pairs" else LABELLED)):
            yield _named(check, subject, f", {one}" if len(scenarios) > 1 else "")


def _named(check: Callable, subject: "Subject", scenario: str) -> Check:
    def run() -> None:
        with one_thread("cpu"):
            check(subject)

    return Check(name_of(check) + scenario, run)


@dataclass(frozen=True, eq=False)
class Subject:
    """A benchmark in one scenario, and what is meant in it."""

    benchmark: str | Benchmark | type[Benchmark]
    scenario: str | None
    shared: int
    unused: bool
    repeats: bool

    def of_profile(self, profile: str) -> Benchmark:
        return benchmark_of(self.benchmark, profile, self.scenario)[1]

    @cached_property
    def smallest(self) -> Benchmark:
        """As the first of the profiles has it that it has a budget for."""
        errors = []
        for profile in PROFILES:
            try:
                return self.of_profile(profile)
            except InputError as error:
                errors.append(error)
        raise errors[0]

    @property
    def profiles(self) -> list[str]:
        return [profile for profile in PROFILES if profile in type(self.smallest).profiles()]

    def stream(self, seeds: Sequence[int] = (0, 1), validation: bool = False):
        """Of the smallest profile; for the first seed alone where a stream cannot have several."""
        chosen = copy.copy(self.smallest)
        chosen.validation = validation or chosen.validation
        return _stream(chosen, seeds)


def _stream(benchmark: Benchmark, seeds: Sequence[int] = (0, 1)):
    return benchmark.stream([seeds[0]] if benchmark.one_seed else list(seeds), CPU)


# ---- of every benchmark


def check_its_data_have_a_fingerprint(subject: Subject) -> None:
    first, again = (subject.of_profile(subject.profiles[0]).fingerprint() for _ in range(2))
    assert isinstance(first, str) and first, f"a fingerprint is a text, not {first!r}"
    assert first == again, f"the same data have two fingerprints, {first} and {again}"


def check_a_seed_sees_the_same_test_in_any_group(subject: Subject) -> None:
    alone = subject.stream([1])
    if subject.smallest.one_seed:
        return
    among = subject.stream([4, 1])
    for j in range(len(alone.tasks)):
        inputs = (tree_leaves(stream.test(j, slice(0, 5))) for stream in (alone, among))
        for a, b in zip(*inputs, strict=True):
            same = torch.equal(a[0], b.expand(2, *b.shape[1:])[1])
            assert same, f"slice {j} looks otherwise to a seed beside another: draw by seed (core/keyed.py)"


def check_the_network_and_the_budget_fit_the_stream(subject: Subject) -> None:
    for profile in subject.profiles:
        benchmark = subject.of_profile(profile)
        stream, net = _stream(benchmark), benchmark.network()
        rows, fewest = benchmark.budget(profile).rows, min(len(task.train) for task in stream.tasks)
        assert rows <= fewest, (
            f"under {profile} a batch has {rows} rows, more than the {fewest} examples of a task"
        )
        x = tree_map(lambda side: side[0], stream.test(0, slice(0, 3)))
        _check_network(net, x, stream.classes)


def _check_network(net, x, classes: int) -> None:
    """What the engine asks of a network. x: inputs of three examples; classes: outputs, 0 for pairs."""
    theta, again = (net.init(torch.Generator().manual_seed(0)) for _ in range(2))
    P = net.layout.P
    assert theta.shape == (P,), f"init gives {tuple(theta.shape)}, the layout has {P} numbers"
    assert torch.equal(theta, again), "init draws from something else than the generator that it is given"
    out = net(theta, x)
    sides = tree_leaves(out)
    assert all(side.isfinite().all() for side in sides), "the untrained network gives what is not finite"
    if classes:
        assert isinstance(out, Tensor) and out.shape == (3, classes), (
            f"three examples give {tuple(sides[0].shape)}, not (3, {classes})"
        )
    else:
        shapes = [side.shape for side in sides]
        assert shapes == 2 * [(3, sides[0].shape[-1])], "pairs need two embeddings of one length"
    answer = tree_leaves(net.head(theta, net.features(theta, x)))
    close = all(torch.allclose(a, b, atol=1e-6) for a, b in zip(sides, answer, strict=True))
    assert close, "head(theta, features(theta, x)) is something else than the outputs"
    if classes and hasattr(net, "module"):  # Avalanche's rows ask for it
        same = torch.allclose(net.module(theta).eval()(x), out, atol=1e-6)
        assert same, "module(theta) gives other outputs than the network"


# ---- of labelled examples


def check_tasks_partition_the_training_data(subject: Subject) -> None:
    stream = subject.stream()
    train = torch.cat([task.train for task in stream.tasks])
    assert len(train.unique(dim=0)) == len(train), "an example stands twice in one task"
    own = all((task.train[:, 0] == t).all() for t, task in enumerate(stream.tasks))
    assert own, "the first column of a task's examples is not the number of the task"
    counts = torch.bincount(train[:, 1], minlength=len(stream.images.y))
    if stream.pixels is not None:  # every task is all of the data, in its own way
        assert (counts == len(stream.tasks)).all(), "a task that shows all of the data leaves examples out"
        return
    assert counts.max() == 1, "an example stands in two tasks"
    unused = int((counts == 0).sum())
    assert subject.unused or not unused, (
        f"no task has {unused} of the training examples; if that is meant, say unused=True"
    )


def check_train_and_test_are_disjoint(subject: Subject) -> None:
    stream = subject.stream()
    shared = _in_both(stream.images.x, stream.images.x_test)
    assert shared <= subject.shared, (
        f"{shared} test examples stand among the training examples as well; "
        f"if that is known, say shared={shared}"
    )


def _in_both(x: Tensor, x_test: Tensor) -> int:
    rows = {row.tobytes() for row in x.numpy()}
    return sum(row.tobytes() in rows for row in x_test.numpy())


def check_labels_are_in_the_mask_and_scores_can_be_perfect(subject: Subject) -> None:
    stream = subject.stream()
    S = len(stream.seeds)
    for j, task in enumerate(stream.tasks):
        batch = stream.gather(task.train[:200].expand(S, -1, 2))
        assert batch.x.shape[:2] == (S, min(200, len(task.train))) and batch.x.dtype == torch.float32
        seen = batch.mask.gather(-1, batch.y.unsqueeze(-1))
        assert seen.all(), f"task {j} has a label that its softmax does not see"
        labels = stream.images.y_test[task.test] + stream.offset[j]
        perfect = torch.nn.functional.one_hot(labels, stream.classes).float().expand(S, -1, -1)
        assert (stream.score(j, perfect) == 1).all(), f"the right answers do not score 1 on slice {j}"
        assert (stream.score(j, -perfect) == 0).all(), f"only wrong answers do not score 0 on slice {j}"


def check_validation_never_touches_the_test_set(subject: Subject) -> None:
    stream, held = subject.stream(), subject.stream(validation=True)
    shared = _in_both(stream.images.x_test, held.images.x_test)
    assert shared <= subject.shared, f"{shared} of the examples held out for validation are test examples"
    whole = len(held.images.y) + len(held.images.y_test) == len(stream.images.y)
    assert whole, "training examples and those held out are not the training examples together"


# ---- of pairs


def check_slices_of_pairs_are_apart_and_tested_alike(subject: Subject) -> None:
    stream = subject.stream()
    train = torch.cat([task.train[:, 1] for task in stream.tasks])
    test = torch.cat([task.test for task in stream.tasks])
    both = torch.cat([train, test])
    assert len(both.unique()) == len(both), "a pair stands in two slices, or among training and test pairs"
    counts = {len(task.test) for task in stream.tasks}
    assert len(counts) == 1, (
        f"slices have different numbers of test pairs, {sorted(counts)}, so their recall does not compare"
    )
    groups = [stream.pairs.group[task.test] for task in stream.tasks]
    distinct = min(len(group.unique()) / len(group) for group in groups)
    assert distinct >= 0.99, (
        f"only {distinct:.0%} of a slice's test pairs are no right answers for each other"
    )
    if not subject.repeats:
        shared = set(stream.pairs.group[train].tolist()) & set(stream.pairs.group[test].tolist())
        assert not shared, (
            f"{len(shared)} right answers of the test stand among training pairs; "
            f"if that is meant, say repeats=True"
        )


def check_a_batch_of_pairs_has_both_sides(subject: Subject) -> None:
    stream = subject.stream()
    S = len(stream.seeds)
    batch = stream.gather(stream.tasks[-1].train[:7].expand(S, -1, 2))
    assert batch.y.shape == (S, 7) and len(batch.x) == 2 and all(side.shape[:2] == (S, 7) for side in batch.x)


def check_validation_pairs_are_training_pairs(subject: Subject) -> None:
    stream, held = subject.stream(), subject.stream(validation=True)
    for whole, part in zip(stream.tasks, held.tasks, strict=True):
        left = set(whole.train[:, 1].tolist()) - set(part.train[:, 1].tolist())
        own = set(part.test.tolist()) <= left
        assert own, "pairs held out for validation are trained on, or are test pairs"


CHECKS = (
    check_its_data_have_a_fingerprint,
    check_a_seed_sees_the_same_test_in_any_group,
    check_the_network_and_the_budget_fit_the_stream,
)
LABELLED = (
    check_tasks_partition_the_training_data,
    check_train_and_test_are_disjoint,
    check_labels_are_in_the_mask_and_scores_can_be_perfect,
    check_validation_never_touches_the_test_set,
)
PAIRS = (
    check_slices_of_pairs_are_apart_and_tested_alike,
    check_a_batch_of_pairs_has_both_sides,
    check_validation_pairs_are_training_pairs,
)
