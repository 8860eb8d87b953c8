"""XdG against a plain twin, and what it is for."""

import pytest
import torch
import torch.nn.functional as F
from helpers import make, reason, until
from strategies.test_equations import SGD, Twin
from test_stream import pictures

from clbench import registry
from clbench.core.budget import Budget
from clbench.engine.run import Run
from clbench.models.mlp import MLP
from clbench.models.small_conv import SmallConv
from clbench.strategies.architecture.xdg import XdG
from clbench.streams.labelled import split_by_class


class XdGTwin(Twin):
    """Masse et al. 2018: torch layers, and a mask of the units of each task."""

    def __init__(self, run):
        self.run, self.stream, self.seed = run, run.stream, run.seeds[0]
        views = run.learner.net.layout.views(run.learner.initial[0])
        net = MLP(16, 32, 32, 6)
        own = [tensor for name, tensor in views.items() if "gates" not in name]
        self.net = net.module(net.layout.flat(dict(zip(net.layout.shapes, own, strict=True))))
        self.masks = [(views[name] > 0).float() for name in run.learner.net.gates]
        self.optimiser = self.new_optimiser(self.net.parameters())

    def cross_entropy(self, x, y, mask):
        for layer, masks in zip(self.net[:-1:2], self.masks, strict=True):
            x = layer(x).relu() * masks[self.run.t]
        return F.cross_entropy(self.net[-1](x).masked_fill(~mask, -1e9), y)


def test_xdg():
    run = make("xdg(closed=0.6)", "task", benchmark="blobs_{}(tasks=3)", **SGD)
    run.train()
    views = run.learner.net.layout.views(run.learner.theta[0])
    ours = torch.cat([tensor.flatten() for name, tensor in views.items() if "gates" not in name])
    theirs = torch.cat([p.detach().flatten() for p in XdGTwin(run).train().net.parameters()])
    assert (ours - theirs).norm() < 1e-5 * theirs.norm()


def test_with_every_unit_open_it_is_the_plain_network():
    ours, naive = (make(spec, "task", [0, 1], **SGD) for spec in ("xdg(closed=0)", "naive"))
    acc = ours.train()
    assert torch.equal(acc, naive.train())
    views = ours.learner.net.layout.views(ours.learner.theta).items()
    plain = naive.learner.net.layout.views(naive.learner.theta).values()
    weights = (tensor for name, tensor in views if "gates" not in name)
    assert all((a - b).abs().max() < 1e-5 for a, b in zip(weights, plain, strict=True))


def gates(run: Run) -> list:
    """[S, T, units] of each layer."""
    views = run.learner.net.layout.views(run.learner.theta)
    return [views[name] for name in run.learner.net.gates]


def test_gates_are_a_share_of_each_layer_and_differ_by_task_and_seed():
    both, alone = (make("xdg(closed=0.75)", "task", seeds) for seeds in ([0, 1], [1]))
    for e, own in zip(gates(both), gates(alone), strict=True):
        assert ((e > 0).sum(2) == 8).all() and torch.equal(e[1:], own)
        assert len(e.flatten(0, 1).unique(dim=0)) == 10


def convolutional(norm: str = "group") -> Run:
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "task", [0, 1])
    return Run(stream, SmallConv((6, 5, 3), 4, (16, 16), norm), [XdG(0.5)], Budget(steps=6, rows=8))


@pytest.mark.parametrize("network", ["mlp", "small_conv"])
def test_weights_at_closed_units_have_no_part_in_a_task(network):
    """They keep their bits while it is learnt, under momentum too, and its answers keep theirs without
    them."""
    run = make("xdg", "task", [0, 1]) if network == "mlp" else convolutional()
    net, theta = run.learner.net, run.learner.theta
    until(run, 1)
    run.learner.reset_optimiser()
    before = net.layout.views(theta.clone())
    taken = net.between([(e[:, 1] > 0).float() for e in gates(run)])
    run.fit(run.plan(run.stream.tasks[1]))
    x = run.stream.test(1, slice(0, 20)).expand(2, -1, -1)
    answers = run.predict(x, 1)
    for name, where in taken.items():
        now, closed = net.layout.views(theta)[name], (where == 0).expand_as(before[name])
        assert torch.equal(now[closed], before[name][closed]) and (now != before[name]).any(), name
        now[closed] = 1.0
    assert torch.equal(run.predict(x, 1), answers)
    assert all(torch.equal(net.layout.views(theta)[name], before[name]) for name in net.gates)


def test_weight_decay_leaves_the_gates_alone():
    run = make("xdg", "task", weight_decay=0.5, lr=0.3)
    before = [e.clone() for e in gates(run)]
    run.learn(run.stream.tasks[0])
    assert all(torch.equal(*both) for both in zip(gates(run), before, strict=True))


@pytest.mark.parametrize("other", [name for name in ("ewc", "si") if name in registry.strategies()])
def test_with_a_penalty_it_moves_less_of_what_the_first_task_learnt(other):
    def moved(spec: str) -> float:
        run = make(spec, "task", [0, 1], steps=30)
        until(run, 1)
        before = run.learner.theta.clone()
        run.learn(run.stream.tasks[1])
        return (run.learner.theta - before).norm().item()

    for spec in (f"xdg+{other}", f"{other}+xdg"):
        assert moved(spec) < moved("xdg")


def test_what_it_cannot_learn_gets_a_reason():
    assert reason("xdg", "class") == reason("xdg", "domain") == "needs the task label at test time"
    said = XdG().supports(convolutional().stream, SmallConv((6, 5, 3), 4, (8, 8), "batch"))
    assert said.startswith("needs a network without running statistics")
