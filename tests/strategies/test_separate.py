"""A network for every task against plain twins, and what it is for."""

import pytest
import torch
from helpers import make, reason
from strategies.test_equations import SGD, Twin

from clbench.core.keyed import generator


class SeparateTwin(Twin):
    """A module and an optimiser of its own for every task."""

    def __init__(self, run):
        super().__init__(run)
        self.nets = []

    def before_task(self, t):
        draws = generator(self.seed, "init", t)
        for layer in self.net[::2]:
            for tensor in layer.weight, layer.bias:
                tensor.data = (2 * torch.rand(tensor.shape, generator=draws) - 1) / layer.in_features**0.5
        self.optimiser = self.new_optimiser(self.net.parameters())

    def after_task(self, t):
        self.nets.append(torch.cat([p.detach().flatten() for p in self.net.parameters()]))


@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_separate(optimiser):
    run = make("separate", "task", benchmark="blobs_{}(tasks=3)", **optimiser)
    run.train()
    theirs = torch.stack(SeparateTwin(run).train().nets)
    ours = run.parts[0].nets[0, :, : theirs.shape[1]]
    assert (ours - theirs).norm() < 1e-5 * theirs.norm()  # measured: 2e-8


def test_a_task_is_answered_alike_ever_after_and_before_by_the_untrained_network():
    acc, naive = (make(name, "task", seeds=[0, 1]).train() for name in ("separate", "naive"))
    assert torch.equal(acc[:, 0], naive[:, 0]) and torch.equal(acc[:, 1, 0], naive[:, 1, 0])
    for j in range(5):
        assert (acc[:, j + 1 :, j] == acc[:, -1:, j]).all()
        assert (acc[:, : j + 1, j] == acc[:, :1, j]).all()
    assert acc[:, -1].mean() > acc[:, 0].mean() + 0.2


def test_no_task_starts_where_another_one_started():
    run = make("separate", "task", seeds=[0, 1])
    starts = []
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        run.plan(task)
        starts += run.learner.theta.detach().clone().unbind()
    assert torch.stack(starts)[:, :64].unique(dim=0).shape[0] == 10


def test_what_it_keeps_is_a_network_a_task():
    run = make("separate", "task", seeds=[0, 1])
    one = run.learner.net.layout.parameters
    assert run.extra_parameters() == 5 * one
    assert [run.parts[0].parameters(t) for t in range(5)] == [one, 2 * one, 3 * one, 4 * one, 5 * one]


@pytest.mark.parametrize("scenario", ["class", "domain"])
def test_without_the_task_label_it_is_refused(scenario):
    assert reason("separate", scenario) == "needs the task label at test time"
