"""PackNet (Mallya & Lazebnik 2018): train the free weights, keep the largest of them, train these on, freeze
them.

    task k learns all weights that no earlier task owns; of those, in every layer, it then owns the share
    `keep` with the largest |w|; the others become 0 and free for the tasks to come; the owned learn again
    answer for task k: with the weights owned by tasks 1..k, the others 0
As in the paper biases and normalisation (statistics too) are learnt by the first task and frozen from then
on, and every task has its own head. Needs the task at test time. Training and retraining share the task's N
steps. Cost: a small integer per weight; no extra passes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Share, SmallerShare


@dataclass
class PackNet(Part):
    keep: Share = 0.25  # share of a layer's free weights that a task keeps
    retrain: SmallerShare = 0.33  # share of a task's steps that come after pruning
    tunes = {"keep": (0.1, 0.5, "linear")}  # the paper prunes 50 to 90 %
    paper = "Mallya & Lazebnik 2018"
    keeps = "the task that owns each weight"
    needs_task_label = True
    freezes = splits_plan = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return None if stream.scenario == "task" else "needs the task label at test time"

    def start(self, run: Run) -> None:
        layout = self.layout = run.learner.net.layout
        self.owner = torch.zeros_like(run.learner.theta, dtype=torch.short)  # [S, P]: k, or 0 while free
        self.pruned = [
            name for name, shape in layout.shapes.items() if len(shape) > 1 and name not in layout.head
        ]
        self.shared = layout.flat({name: name in self.pruned for name in layout.shapes}).to(
            run.stream.device
        )  # [P]

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.owner.masked_fill_(self.given_to(t), t + 1)
        self.run.learner.freeze((self.owner > 0) & (self.owner != t + 1))
        steps = len(plan.samples) - int(self.retrain * len(plan.samples))
        self.rest = plan.between(steps)
        return plan.between(0, steps)

    def given_to(self, t: int) -> Tensor:
        """[P]: what task t owns without pruning: the head of its classes; the first task also biases and
        normalisation."""
        classes = self.run.stream.tasks[t].classes.cpu()
        layout = self.layout
        rows = {
            name: classes.view(-1, *[1] * (len(shape) - 1))
            if name in layout.head
            else t == 0 and name not in self.pruned
            for name, shape in layout.shapes.items()
        }
        return layout.flat(rows).to(self.owner.device)

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        learner = self.run.learner
        weights, owner = self.layout.views(learner.theta), self.layout.views(self.owner)
        for name in self.pruned:
            free = owner[name].flatten(1) == 0  # [S, n], as many in every row
            size = weights[name].flatten(1).abs().masked_fill(~free, -1)
            largest = size.topk(int(self.keep * int(free[0].sum())), -1).indices
            owner[name].view(len(size), -1).scatter_(1, largest, t + 1)
        learner.theta.masked_fill_((self.owner == 0) & self.shared, 0)
        learner.freeze(self.owner != t + 1)
        self.run.fit(self.rest)
        self.rest = Batch()

    def predict(self, x: Tensor, t: int) -> Tensor:
        theta = self.run.learner.theta.detach()
        others = self.shared & ((self.owner == 0) | (self.owner > t + 1))
        return self.run.learner.outputs(x, theta.masked_fill(others, 0) if self.run.updates else theta)
