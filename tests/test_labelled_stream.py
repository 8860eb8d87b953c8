"""Streams of labelled data as people have them: any numbers for labels, unequal tasks, few examples, classes
that come back, networks that do not fit."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from helpers import CPU, NATIVE, small

from clbench import registry
from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.part import refusal
from clbench.data.labelled.sources import Images
from clbench.engine.run import Run
from clbench.errors import InputError
from clbench.models.mlp import MLP
from clbench.streams.labelled import LabelledStream, split_by_class
from clbench.streams.stream import Task

SCENARIOS = ("class", "task", "domain")


def clouds(labels, train=12, test=4) -> Images:
    """So many points around a corner for each of these labels; numbers, or one for each label."""
    draws = torch.Generator().manual_seed(0)

    def some(count):
        counts = [count] * len(labels) if isinstance(count, int) else count
        place = torch.arange(len(labels)).repeat_interleave(torch.tensor(counts))
        x = 3.0 * torch.nn.functional.one_hot(place, 8) + torch.randn(len(place), 8, generator=draws)
        return x, torch.tensor(labels)[place]

    (x, y), (x_test, y_test) = some(train), some(test)
    return Images(x, y, x_test, y_test, scale=1.0)


def acc(images: Images, groups, scenario: str, outputs: int, spec: str = "naive") -> torch.Tensor:
    stream = split_by_class(images, groups, scenario, [0])
    net = MLP(8, 16, outputs)
    stream.check(net)
    parts = registry.strategy(spec).build()
    budget = Budget(steps=6, rows=8)
    assert not any(refusal(part, stream, net, budget) for part in parts)
    return Run(stream, net, parts, budget).train()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("labels", [(1, 2, 3, 4), (0, 10, 20, 30), (3, 1, 2, 0)])
def test_outputs_are_places_whatever_the_labels_are(scenario, labels):
    def split(labels):
        return acc(
            clouds(labels), [list(labels[:2]), list(labels[2:])], scenario, 2 if scenario == "domain" else 4
        )

    assert torch.equal(split(labels), split((0, 1, 2, 3)))


def test_a_stream_may_leave_classes_out():
    stream = split_by_class(clouds(range(8)), [[3, 7], [1, 6]], "class", [0])
    assert stream.classes == 4 and stream.labels(stream.tasks[1].train).unique().tolist() == [2, 3]
    assert stream.images.y_test[stream.tasks[0].test].unique().tolist() == [0, 1]


def test_the_largest_task_says_how_many_outputs_all_share():
    stream = split_by_class(clouds(range(4)), [[0], [1, 2, 3]], "domain", [0])
    assert stream.classes == 3 and [len(task.test) for task in stream.tasks] == [4, 12]


@pytest.mark.parametrize("spec", NATIVE)
def test_every_method_learns_a_stream_with_classes_of_one_example_and_tasks_smaller_than_a_batch(spec):
    images = clouds(range(4), train=[9, 3, 2, 1])
    stream, net = split_by_class(images, [[0, 1], [2, 3]], "class", [0]), MLP(8, 16, 4)
    parts = registry.strategy(small(spec, memory=8)).build()
    budget = Budget(steps=4, rows=8)
    if not any(refusal(part, stream, net, budget) for part in parts):
        assert Run(stream, net, parts, budget).train().isfinite().all()


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ([9, 9, 9, 0], 4, "task 2 has no training example of class 13"),
        (9, [4, 4, 0, 0], r"task 2 has no test example of any of its classes \(12, 13\)"),
    ],
)
def test_a_class_without_examples_is_refused_by_task_and_class(train, test, said):
    with pytest.raises(InputError, match=said):
        split_by_class(clouds((10, 11, 12, 13), train, test), [[10, 11], [12, 13]], "class", [0])


@pytest.mark.parametrize("scenario", ["class", "task"])
@pytest.mark.parametrize("spec", NATIVE)
def test_a_class_that_comes_back_is_learnt_or_refused_with_a_reason(spec, scenario):
    stream, net = split_by_class(clouds(range(3)), [[0, 1], [1, 2]], scenario, [0]), MLP(8, 16, 3)
    stream.check(net)
    parts, budget = registry.strategy(small(spec, memory=8)).build(), Budget(4, rows=8)
    if not any(refusal(part, stream, net, budget) for part in parts):
        assert Run(stream, net, parts, budget).train().isfinite().all()


def test_groups_that_say_nothing_definite_are_refused():
    for groups, scenario, said in (
        ([[0, 1], [1, 2]], "domain", "class 1 is in tasks 1 and 2"),
        ([[0, 0], [1]], "class", r"task 1 has the classes \[0, 0\]"),
        ([[0], []], "class", "task 2 has the classes"),
    ):
        with pytest.raises(InputError, match=said):
            split_by_class(clouds(range(3)), groups, scenario, [0])


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        (8, 2, r"gives \[2\] outputs an example, and the stream has 4"),
        (8, 10, r"gives \[10\] outputs an example, and the stream has 4"),
        (5, 4, "does not take 8 numbers an example"),
    ],
)
def test_a_network_that_does_not_fit_is_named(inputs, outputs, said):
    stream = split_by_class(clouds(range(4)), [[0, 1], [2, 3]], "class", [0])
    stream.check(MLP(8, 16, 4))
    with pytest.raises(InputError, match=said):
        stream.check(MLP(inputs, 16, outputs))


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ([0, 99], [0], "task 1 names training example 99 of 48"),
        ([0], [-1], "task 1 names test example"),
        ([], [0], "task 1 has no training example"),
        ([0], [], "task 1 has no test example"),
        ([0], [15], "task 1 has test examples of label 3, which is none of its outputs"),
    ],
)
def test_tasks_made_by_hand_are_checked(train, test, said):
    rows = torch.tensor(train, dtype=torch.long)
    mask = torch.tensor([True, True, False, False])
    task = Task(torch.stack([torch.zeros_like(rows), rows], -1), torch.tensor(test, dtype=torch.long), mask)
    with pytest.raises(InputError, match=said):
        LabelledStream(clouds(range(4)), [task], "task", [0]).check(MLP(8, 16, 4))


# ---- what a record knows of the data


@dataclass
class Own(Benchmark):
    """As in a file of one's own."""

    labels: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    scenarios = ("class",)
    scenario = "class"
    budgets = {"smoke": Budget(steps=2, rows=8)}
    outputs: int = 4

    def contents(self):
        images = clouds(self.labels)
        return Images(images.x, images.y, images.x_test, images.y_test, scale=1.0, fingerprint="own 1")

    def make_stream(self, images, seeds):
        return split_by_class(images, [list(self.labels[:2]), list(self.labels[2:])], "class", seeds)

    def network(self):
        return MLP(8, 16, self.outputs)


class Shuffled(Own):
    labels = (1, 2, 3, 0)


def test_a_fingerprint_written_by_hand_hides_no_change_of_the_data():
    assert Own().fingerprint().startswith("own 1 ") and Own().fingerprint() == Own().fingerprint()
    assert Own().fingerprint() != Shuffled().fingerprint()


def test_data_stream_and_network_are_checked_before_anything_runs():
    with pytest.raises(InputError, match="gives .5. outputs"):
        Own(outputs=5).fingerprint()


def test_files_that_a_benchmark_says_it_reads_belong_to_its_fingerprint(tmp_path):
    class Reads(Own):
        files = (str(tmp_path / "body.pt"),)

    with pytest.raises(InputError, match="Reads reads .*body.pt, which cannot be read"):
        Reads().fingerprint()
    found = []
    for content in (b"one", b"two", b"one"):
        (tmp_path / "body.pt").write_bytes(content)
        found.append(Reads().fingerprint())
    assert found[0] == found[2] != found[1] and found[0].startswith(Own().fingerprint())
    assert Own().stream([0], CPU).tasks
