"""L2 against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, parts_of, until
from strategies.test_equations import SGD, Twin, same_weights
from test_stream import pictures

from clbench.core.budget import Budget
from clbench.core.part import Part
from clbench.engine.run import Run
from clbench.models.small_conv import SmallConv
from clbench.streams.labelled import split_by_class


class L2Twin(Twin):
    """Hsu et al. 2018: the squared distance to the last task's weights, through autograd."""

    lam = 0.3

    def before_task(self, t):
        self.anchor = [p.detach().clone() for p in self.net.parameters()]

    def penalty(self, x, t):
        if t == 0:
            return 0.0
        pairs = zip(self.net.parameters(), self.anchor, strict=True)
        return self.lam * sum((p - anchor).square().sum() for p, anchor in pairs)


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_l2(scenario, optimiser):
    run = make("l2(lam=0.3)", scenario, **optimiser)
    same_weights(run, L2Twin(run))


def test_the_first_task_is_learnt_without_and_the_second_near_the_first():
    first, moved = {}, {}
    for spec in ("naive", "l2(lam=30.0)"):
        run = make(spec, seeds=[0, 1], steps=30)
        until(run, 1)
        first[spec] = run.learner.theta.detach().clone()
        run.learn(run.stream.tasks[1])
        moved[spec] = (run.learner.theta.detach() - first[spec]).norm(dim=-1)
    assert torch.equal(*first.values())
    assert (moved["l2(lam=30.0)"] < 0.5 * moved["naive"]).all()


def gradients_of_running_statistics(spec: str) -> float:
    """The largest gradient that the spec gives to running statistics, of two tasks under batch norm."""
    largest = []

    class Last(Part):
        def gradient(self, g, batch):
            largest.append(float(g[:, self.run.learner.net.layout.buffers].abs().max()))
            return g

    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "class", [0, 1])
    net = SmallConv((6, 5, 3), 4, (8, 8), "batch")
    run = Run(stream, net, [*parts_of(spec), Last()], Budget(steps=9, rows=8))
    statistics = run.learner.theta[:, net.layout.buffers].clone()
    run.train()
    assert len(largest) == 18 and (run.learner.theta[:, net.layout.buffers] != statistics).any()
    return max(largest)


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("l2(lam=1.0)") == 0
