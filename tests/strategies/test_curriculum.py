"""Curriculum: which examples come when, by margins and by a column of the data."""

import pytest
import torch
from helpers import CPU, make

from clbench.core.budget import Budget
from clbench.core.part import Part
from clbench.data.labelled.sources import Images
from clbench.engine.run import Run
from clbench.models.mlp import MLP
from clbench.strategies.sampling.curriculum import Curriculum
from clbench.streams.labelled import split_by_class


class Watch(Part):
    """The examples of every step, and the network before the last steps of each task."""

    def __init__(self):
        self.steps, self.theta = [], []

    def after_step(self, batch):
        self.steps.append(batch.samples.clone())
        self.theta.append(self.run.learner.theta.clone())


def test_easy_ones_come_first_by_the_margins_of_the_network_after_the_warm_up():
    watch = Watch()
    run = make("curriculum(warm_up=0.4, tau=0.1)", seeds=(0, 1), extra=[watch], steps=40)
    run.learn(run.stream.tasks[0])
    task, theta = run.stream.tasks[0], watch.theta[15]
    x = run.stream.gather(task.train.expand(2, -1, 2)).x
    y = run.stream.images.y[task.train[:, 1]]
    views = [run.learner.net.module(one) for one in theta]
    groups, shares = [], []
    for s, module in enumerate(views):
        p = module(x[s]).softmax(-1)
        own = p[torch.arange(len(y)), y]
        others = p.clone()
        others[torch.arange(len(y)), y] = 0
        m = own - others.max(-1).values
        groups.append(
            dict(zip(task.train[:, 1].tolist(), ((m < 0.1).int() + (m < 0).int()).tolist(), strict=True))
        )
        shares.append([(m >= 0.1).float().mean(), ((m >= 0) & (m < 0.1)).float().mean()])
    assert all(0 < share < 1 for both in shares for share in both)  # all three groups
    for s in range(2):
        levels = torch.tensor([[groups[s][int(i)] for i in step[s, :, 1]] for step in watch.steps[16:]])
        assert (levels[1:].float().mean(1) >= levels[:-1].float().mean(1)).all()
        share = (levels == 0).float().mean()
        assert abs(share - shares[s][0]) < 0.05  # as many steps as its share of the examples
    drawn = [{int(i) for i in step[0, :, 1]} for step in watch.steps[:16]]
    assert len(set.union(*drawn)) == len(y)  # the warm-up draws from all of them


def test_a_share_of_each_batch_stays_at_random():
    alone, mixed = (make(f"curriculum(mix={mix})", steps=40) for mix in (0.0, 0.5))
    plain = make("naive", steps=40)
    plan = plain.plan(plain.stream.tasks[0]).samples[10:]
    for run, random in ((alone, 0), (mixed, plan.shape[2] // 2)):
        watch = Watch()
        run.parts.append(watch)
        watch.run = run
        run.learn(run.stream.tasks[0])
        same = (torch.stack(watch.steps[10:]) == plan).all(-1).float().mean((0, 1))  # [B]
        assert (same == 1).sum() == random


def images(**more):
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(60, 8, generator=draws)
    y = torch.arange(60) % 4
    return Images(x, y, x[:20], y[:20], 1.0, **more)


def run_of(data, part, extra=()):
    stream = split_by_class(data, [[0, 1], [2, 3]], "class", [0, 1])
    return Run(stream, MLP(8, 16, 4), [part, *extra], Budget(steps=15, rows=4))


def test_a_column_of_the_data_orders_the_examples():
    hardness = torch.randperm(60, generator=torch.Generator().manual_seed(1)).float()
    watch = Watch()
    run = run_of(images(hardness=hardness), Curriculum(by="column"), [watch])
    run.train()
    for s in range(2):
        for task in (watch.steps[:15], watch.steps[15:]):
            means = [float(hardness[step[s, :, 1]].mean()) for step in task]
            assert means == sorted(means)
    assert run.updates == 30
    assert images(hardness=hardness).digest not in (images().digest, images(hardness=-hardness).digest)
    held = images(hardness=hardness).validation()
    assert held.hardness.shape == held.y.shape and held.to(CPU).hardness is not None


def test_what_it_refuses():
    stream, net = run_of(images(), Part()).stream, MLP(8, 16, 4)
    assert "no column" in Curriculum(by="column").supports(stream, net)
    assert Curriculum().supports(stream, net) is None
    with pytest.raises(Exception, match="hardness has the shape"):
        images(hardness=torch.zeros(3)).check()
