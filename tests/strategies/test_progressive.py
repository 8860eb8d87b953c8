"""Progressive networks against a plain twin, and what they are for."""

import pytest
import torch
from helpers import make, until
from strategies.test_equations import SGD, Twin, same_weights
from test_stream import pictures
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from clbench.core.budget import Budget
from clbench.engine.run import Run
from clbench.models import by_name
from clbench.models.small_conv import SmallConv
from clbench.strategies.architecture.progressive import Progressive
from clbench.streams.labelled import split_by_class


class Lists(nn.Module):
    """Layers by column; column k reads, below each layer, what columns 0 to k computed."""

    def __init__(self, views: dict, columns: int):
        super().__init__()
        self.columns = nn.ModuleList(
            nn.ModuleList(self.layer(views, f"columns.{k}.{name}") for name in ("0.0", "1.0", "2"))
            for k in range(columns)
        )

    @staticmethod
    def layer(views, name):
        layer = nn.Linear(*reversed(views[f"{name}.weight"].shape))
        layer.weight.data, layer.bias.data = views[f"{name}.weight"].clone(), views[f"{name}.bias"].clone()
        return layer

    def answer(self, x, k):
        h = [[], []]
        for layers in self.columns[: k + 1]:
            h[0].append(torch.relu(layers[0](x)))
            h[1].append(torch.relu(layers[1](torch.cat(h[0], 1))))
        return self.columns[k][2](torch.cat(h[1], 1))


class ProgressiveTwin(Twin):
    """Rusu et al. 2016: another optimiser for the parameters of every new column."""

    def __init__(self, run):
        self.run, self.stream, self.seed = run, run.stream, run.seeds[0]
        self.net = Lists(run.learner.net.layout.views(run.learner.initial[0]), len(run.stream.tasks))

    def before_task(self, t):
        self.t, self.optimiser = t, self.new_optimiser(self.net.columns[t].parameters())

    def cross_entropy(self, x, y, mask):
        return nn.functional.cross_entropy(self.net.answer(x, self.t), y - 2 * self.t)


def test_progressive():
    run = make("progressive", "task", **SGD)
    same_weights(run, ProgressiveTwin(run))


def convolutional(norm: str, seeds) -> Run:
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "task", list(seeds))
    return Run(stream, SmallConv((6, 5, 3), 4, (8, 8), norm), [Progressive()], Budget(steps=6, rows=8))


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
@pytest.mark.parametrize("network", ["mlp", "group", "batch"])
def test_earlier_tasks_answer_the_same_bits_after_later_training(network, seeds):
    run = make("progressive", "task", seeds) if network == "mlp" else convolutional(network, seeds)
    answers = []
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        run.learn(task)
        now = [
            run.predict(run.stream.test(j, slice(0, 20)).expand(len(seeds), -1, -1), j) for j in range(t + 1)
        ]
        assert all(torch.equal(a, b) for a, b in zip(answers, now, strict=False))
        answers = now


def test_a_column_reads_those_before_it():
    run = make("progressive", "task")
    until(run, 2)
    x = run.stream.test(1, slice(0, 20))
    with_them = run.predict(x, 1)
    with torch.no_grad():
        run.learner.net.layout.views(run.learner.theta)["columns.1.1.0.weight"][..., :32] = (
            0  # what column 0 gives it
        )
    assert not torch.allclose(run.predict(x, 1), with_them, atol=1e-3)


def test_later_columns_are_not_computed_and_only_the_last_is_trained():
    flops = []
    for t in range(3):
        run = make("progressive", "task")
        plan = until(run, t)
        before = run.learner.theta.detach().clone()
        with FlopCounterMode(display=False) as counter:
            run.step(plan.at(0))
        moved = run.learner.net.layout.views((run.learner.theta.detach() != before)[0])
        assert {name.split(".")[1] for name, where in moved.items() if where.any()} == {str(t)}
        flops.append(counter.get_total_flops())
    assert flops[0] < flops[1] < flops[2]


@pytest.mark.parametrize("network", ["mlp", "batch"])
def test_it_says_how_many_weights_are_in_use_after_each_task(network):
    """Those of the columns so far, and in the end all."""
    run = make("progressive", "task") if network == "mlp" else convolutional(network, [0])
    (part,), layout, tasks = run.parts, run.learner.net.layout, run.stream.tasks
    for t in range(len(tasks)):
        own = [name for name in layout.shapes if int(name.split(".")[1]) <= t and "running" not in name]
        assert part.parameters(t) == sum(layout.views(run.learner.theta)[name][0].numel() for name in own)
    assert part.parameters(len(tasks) - 1) == layout.parameters > part.parameters(len(tasks) - 2)


def test_a_network_that_is_not_built_of_blocks_gets_a_reason():
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "task", [0])
    reason = Progressive().supports(stream, by_name.network("resnet18_slim", (6, 5, 3), 4, "group"))
    assert reason.startswith("resnet18_slim, group norm is not built of blocks")
