"""PackNet against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.test_equations import SGD, Twin, same_weights
from test_stream import pictures

from clbench.core.budget import Budget
from clbench.engine.run import Run
from clbench.models.small_conv import SmallConv
from clbench.strategies.architecture.packnet import PackNet
from clbench.streams.labelled import split_by_class


class PackNetTwin(Twin):
    """Mallya & Lazebnik 2018: a mask per parameter, weights pruned one layer after the other by sorting."""

    keep, retrained = 0.25, 3

    def __init__(self, run):
        super().__init__(run)
        self.owner = [torch.zeros_like(p, dtype=torch.long) for p in self.net.parameters()]

    def samples(self, t):
        plan = super().samples(t)
        *body, head, head_bias = self.owner
        head[self.stream.tasks[t].classes] = head_bias[self.stream.tasks[t].classes] = t + 1
        if t == 0:
            for owner in body[1::2]:
                owner[:] = 1
        self.learn_only(lambda owner: (owner == 0) | (owner == t + 1))
        yield from plan[: -self.retrained]
        for p, owner in list(zip(self.net.parameters(), self.owner, strict=True))[:-2:2]:
            free = sorted(
                ((abs(p.data[i, j].item()), i, j) for i, j in (owner == 0).nonzero().tolist()), reverse=True
            )
            for rank, (_, i, j) in enumerate(free):
                if rank < int(self.keep * len(free)):
                    owner[i, j] = t + 1
                else:
                    p.data[i, j] = 0
        self.learn_only(lambda owner: owner == t + 1)
        yield from plan[-self.retrained :]

    def learn_only(self, chosen):
        masks = [chosen(owner) for owner in self.owner]
        self.optimiser = self.new_optimiser(self.net.parameters())

        def mask_gradients(*_):
            for p, mask in zip(self.net.parameters(), masks, strict=True):
                p.grad *= mask

        self.optimiser.register_step_pre_hook(mask_gradients)


def test_packnet():
    run = make("packnet", "task", **SGD)
    same_weights(run, PackNetTwin(run))


def convolutional(norm: str, seeds) -> Run:
    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "task", list(seeds))
    return Run(stream, SmallConv((6, 5, 3), 4, (8, 8), norm), [PackNet()], Budget(steps=9, rows=8))


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
@pytest.mark.parametrize("network", ["mlp", "group", "batch"])
def test_earlier_tasks_answer_the_same_bits_after_later_training(network, seeds):
    run = make("packnet", "task", seeds) if network == "mlp" else convolutional(network, seeds)
    answers = []
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        run.learn(task)
        now = [
            run.predict(run.stream.test(j, slice(0, 20)).expand(len(seeds), -1, -1), j)[
                ..., run.stream.tasks[j].classes
            ]
            for j in range(t + 1)
        ]
        assert all(torch.equal(a, b) for a, b in zip(answers, now, strict=False))
        answers = now
    assert run.updates == len(run.stream.tasks) * run.budget.steps


def test_every_weight_has_one_owner_and_pruned_ones_are_zero():
    run = make("packnet", "task", [0, 1])
    until(run, 3)
    packnet = run.parts[0]
    views, owner = packnet.layout.views(run.learner.theta.detach()), packnet.layout.views(packnet.owner)
    free = [512]
    for _ in range(3):
        free.append(free[-1] - int(0.25 * free[-1]))
    for s in range(2):
        assert [(owner["hidden0.weight"][s] == k).sum().item() for k in (1, 2, 3)] == [
            a - b for a, b in zip(free, free[1:], strict=False)
        ]
    assert (owner["hidden0.bias"] == 1).all() and owner["head.weight"][0, :, 0].tolist() == [
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        0,
        0,
    ]
    assert (views["hidden0.weight"][owner["hidden0.weight"] == 0] == 0).all()
    assert (views["head.weight"][owner["head.weight"] == 0] != 0).all()


def test_before_it_has_learnt_anything_it_is_the_plain_network():
    assert torch.equal(make("packnet", "task").evaluate(), make("naive", "task").evaluate())
