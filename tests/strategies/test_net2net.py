"""Net2WiderNet against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make
from strategies.test_equations import Twin, same_weights
from test_stream import pictures
from torch import nn

from clbench.core.keyed import generator
from clbench.models.small_conv import SmallConv
from clbench.strategies.architecture.net2net import Net2Net
from clbench.streams.labelled import split_by_class

SGD = {"optimiser": "sgd", "lr": 0.02, "momentum": 0.9, "optimiser_state": "reset"}
WIDTHS = (13, 22, 32)  # of three tasks, from .4 of 32


class Net2NetTwin(Twin):
    """Chen et al. 2016, section 2.2: networks that are as small as they are said to be, each made from the
    one before, unit by unit, and a new optimiser for each."""

    noise = 0.1

    def __init__(self, run):
        self.run, self.stream, self.seed = run, run.stream, run.seeds[0]
        sizes = (16, WIDTHS[0], WIDTHS[0], run.stream.classes)
        views = run.learner.net.layout.views(run.learner.initial[0])
        self.net = plain(sizes)
        for parameter, whole in zip(self.net.parameters(), views.values(), strict=True):
            parameter.data = whole[tuple(slice(n) for n in parameter.shape)].clone()

    def before_task(self, t):
        self.optimiser = self.new_optimiser(self.net.parameters())

    def after_task(self, t):
        if t + 1 == len(WIDTHS):
            return
        for place, name in ((0, "hidden0"), (2, "hidden1")):
            self.widen(self.net[place], self.net[place + 2], name, WIDTHS[t + 1], t)

    def widen(self, layer, following, name, width, t):
        """One hidden layer, by a list of which unit each one copies."""
        old = len(layer.bias)
        drawn = torch.randint(old, (1, width - old), generator=generator(self.seed, f"copies in {name}", t))
        source = [*range(old), *drawn[0].tolist()]
        normal = torch.randn(
            1, width - old, layer.weight.shape[1], generator=generator(self.seed, f"noise in {name}", t)
        )[0]
        spread = layer.weight.data.std()
        W, b, out = [], [], []
        for j, u in enumerate(source):
            W.append(layer.weight.data[u] + (self.noise * spread * normal[j - old] if j >= old else 0))
            b.append(layer.bias.data[u])
            out.append(following.weight.data[:, u] / source.count(u))
        layer.weight, layer.bias = nn.Parameter(torch.stack(W)), nn.Parameter(torch.stack(b))
        following.weight = nn.Parameter(torch.stack(out, 1))


def plain(sizes):
    layers = [nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False)]
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_net2net(scenario):
    run = make("net2net(share=0.4, noise=0.1)", scenario, benchmark="blobs_{}(tasks=3)", **SGD)
    twin = Net2NetTwin(run)
    first = [p.clone() for p in twin.net.parameters()]
    same_weights(run, twin)
    assert [len(p) for p in first][:4:2] == [13, 13] and len(twin.net[0].bias) == 32


@pytest.mark.parametrize(("noise", "least", "most"), [(0.0, 0, 1e-6), (0.01, 1e-4, 0.02)])
def test_the_function_stays_where_the_network_grows(noise, least, most):
    run = make(f"net2net(noise={noise})", seeds=[0, 1])
    x = run.stream.test(0, slice(0, 40)).expand(2, -1, -1)
    (net2net,) = run.parts
    grows = net2net.after_task
    moved = []

    def watched(t):
        before, theta = run.learner.outputs(x).detach(), run.learner.theta.detach().clone()
        grows(t)
        after = run.learner.outputs(x).detach()
        moved.append(((after - before).norm(dim=(1, 2)) / before.norm(dim=(1, 2))).tolist())
        assert torch.equal(theta, run.learner.theta) == (t == 4)

    net2net.after_task = watched
    run.train()
    assert len(moved) == 5
    assert all(least <= one < most for both in moved[:-1] for one in both)


def in_use(run) -> list[list[int]]:
    """Units of each hidden layer that have weights other than 0, by seed."""
    views = run.learner.net.layout.views(run.learner.theta.detach())
    found = []
    for name, following in (("hidden0", "hidden1"), ("hidden1", "head")):
        incoming, outgoing = views[f"{name}.weight"].any(-1), views[f"{following}.weight"].any(-2)
        assert torch.equal(incoming, outgoing)
        found.append(incoming.sum(-1).tolist())
    return found


def test_units_in_use_are_as_planned_and_their_parameters_are_said():
    run = make("net2net", seeds=[0, 1])
    (net2net,) = run.parts
    for t, width in enumerate((16, 20, 24, 28, 32)):
        run.t = t
        plan = run.plan(run.stream.tasks[t])
        assert in_use(run) == [[width] * 2] * 2
        run.fit(plan)
        assert in_use(run) == [[width] * 2] * 2  # what is to come has not moved
        assert net2net.parameters(t) == (16 + 1) * width + (width + 1) * width + (width + 1) * 10
        assert (run.learner.theta != 0).sum(-1).tolist() == [net2net.parameters(t)] * 2
        net2net.after_task(t)
    assert net2net.parameters(4) == run.learner.net.layout.parameters


def test_what_stands_behind_takes_the_wider_network():
    run = make("net2net+ewc", seeds=[0, 1])
    run.learn(run.stream.tasks[0])
    (_, ewc), theta = run.parts, run.learner.theta.detach()
    assert in_use(run) == [[20, 20], [20, 20]]
    of_copies = run.learner.net.layout.views(ewc.fisher)["hidden0.weight"][:, 16:20]
    assert of_copies.any(-1).any() and torch.equal(ewc.fisher_anchor, ewc.fisher * theta)
    nothing = torch.zeros_like(theta)
    assert ewc.gradient(nothing, None).abs().max() < 1e-6 * (ewc.lam * ewc.fisher_anchor).abs().max()


def test_a_network_that_is_not_a_chain_of_layers_and_a_stream_of_one_task_get_a_reason():
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "task", [0])
    reason = Net2Net().supports(stream, SmallConv((6, 5, 3), 4, (8, 8), "group"))
    assert "small_conv 8-8, group norm is not a chain of linear layers" in reason
    run = make("naive", benchmark="blobs_{}(tasks=1)")
    assert "one task" in Net2Net().supports(run.stream, run.learner.net)
