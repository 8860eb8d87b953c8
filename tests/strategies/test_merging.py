"""Merging against plain twins by hand, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.test_equations import SGD, Twin
from test_stream import pictures

from clbench.models.small_conv import SmallConv
from clbench.strategies.architecture.merging import Merging
from clbench.streams.labelled import split_by_class

METHODS = ("arithmetic", "ties", "magmax")
SCALE, KEEP = 0.7, 0.3


def merged(method: str, vectors: list) -> list:
    """Of lists of numbers, a number for each place."""
    if method == "ties":
        vectors = [trimmed(vector) for vector in vectors]
    return [RULES[method](numbers) for numbers in zip(*vectors, strict=True)]


def trimmed(vector: list) -> list:
    places = sorted(range(len(vector)), key=lambda place: -abs(vector[place]))
    kept = set(places[: int(KEEP * len(vector))])
    return [number if place in kept else 0.0 for place, number in enumerate(vector)]


def of_the_elected_sign(numbers) -> float:
    total = sum(numbers)
    agreeing = [number for number in numbers if number * total > 0]
    return sum(agreeing) / len(agreeing) if agreeing else 0.0


RULES = {
    "arithmetic": lambda numbers: sum(numbers) / len(numbers),
    "ties": of_the_elected_sign,
    "magmax": lambda numbers: max(numbers, key=abs),
}


class MergingTwin(Twin):
    """A list of all vectors; each from the weights after the first task, or one from the last one's end."""

    def __init__(self, run, method):
        super().__init__(run)
        self.method, self.vectors, self.answers = method, [], []

    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.net.parameters()])

    def before_task(self, t):
        if t > 0 and self.method != "magmax":
            torch.nn.utils.vector_to_parameters(self.base.clone(), self.net.parameters())
            self.optimiser = self.new_optimiser(self.net.parameters())

    def after_task(self, t):
        if t == 0:
            self.base = self.weights()
            self.answers.append(self.base)
            return
        self.vectors.append((self.weights() - self.base).tolist())
        self.answers.append(self.base + SCALE * torch.tensor(merged(self.method, self.vectors)))


@pytest.mark.parametrize("method", METHODS)
def test_merging(method):
    spec = f"merging(method={method!r}, scale={SCALE}, keep={KEEP})"
    run = make(spec, "task", benchmark="blobs_{}(width=8)", **SGD)
    twin = MergingTwin(run, method).train()
    for t, (task, theirs) in enumerate(zip(run.stream.tasks, twin.answers, strict=True)):
        run.t = t
        run.learn(task)
        ours = run.parts[0].merged[0, : len(theirs)]
        assert (ours - theirs).norm() < 1e-5 * theirs.norm()
    assert (theirs - twin.base).norm() > 0.01 * theirs.norm()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("arithmetic", [2.0, -1.0, 1.0, -2 / 3, 1.0]),
        ("ties", [4.5, -5.0, 0.0, -4.0, 0.0]),
        ("magmax", [5.0, -5.0, 2.0, -4.0, 3.0]),
    ],
)
def test_three_changes_of_five_weights(method, answer):
    """Of each change ties keeps two; of the first weight's 5, 4 and -3 it takes the mean of the first two."""
    changes = torch.tensor([[5.0, 1, 0, 2, 0], [4, -5, 1, 0, 3], [-3.0, 1, 2, -4, 0]])
    run = make(f"merging(method={method!r}, scale=1, keep=0.4)", "task", [0, 1])
    run.learner.net.layout.parameters = 5
    part, theta = run.parts[0], run.learner.theta
    part.after_task(0)
    base = theta.clone()
    for t, change in enumerate(changes, 1):
        theta.copy_(base)
        theta[:, :5] += change
        part.after_task(t)
    found = (part.merged - base)[:, :5]
    assert torch.allclose(found, torch.tensor(answer).expand(2, 5), atol=1e-6)


def test_before_the_second_task_ends_it_answers_as_plain_training_does():
    for method in METHODS:
        acc, naive = (make(spec, "task").train() for spec in (f"merging(method={method!r})", "naive"))
        assert torch.equal(acc[:, :2], naive[:, :2]) and not torch.equal(acc[:, 2:], naive[:, 2:])


def test_only_magmax_goes_on_from_where_the_last_task_ended():
    for method in METHODS:
        run = make(f"merging(method={method!r})", "task", [0, 1])
        until(run, 2)
        after_second, base = run.learner.theta.clone(), run.parts[0].base
        until_third = run.plan(run.stream.tasks[2])
        due = after_second if method == "magmax" else base
        assert torch.equal(run.learner.theta, due) and len(until_third.samples) == 12
        assert all((tensor == 0).all() for tensor in run.learner.optimiser.state) == (method != "magmax")


def test_merged_weights_forget_less_of_the_first_task():
    acc, naive = (make(spec, "domain", [0, 1], steps=40, lr=0.01).train() for spec in ("merging", "naive"))
    assert acc[:, -1, 0].mean() > naive[:, -1, 0].mean() + 0.05


def test_running_statistics_cannot_be_merged():
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "class", [0])
    assert "running statistics" in Merging().supports(stream, SmallConv((6, 5, 3), 4, (8, 8), "batch"))
