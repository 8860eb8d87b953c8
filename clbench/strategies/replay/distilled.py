"""Replay of distilled data: a few learnt samples X stand for a task, learnt by gradient matching (Zhao et al.
2021, algorithm 1).

When a task ends, X starts from real rows of its classes, `per_class` of each, and is learnt by Adam; from the
next task on it is replayed as `er` replays its memory. L(rows; theta) is their mean loss, sg stops gradients:

    match         X_c <- argmin sum_units 1 - cos(grad L(X_c; theta), grad L(real_c; theta)), of every layer
    second_order  X   <- argmin L(real; theta - eta grad L(X; theta))
    first_order   X   <- argmin L(X; theta - eta sg(grad L(real; theta))) - L(X; theta)

theta: fresh weights, then plain steps of length eta on X, and fresh ones again every `restart` iterations.
`second_order` (Wang et al. 2018, algorithm 1): one step on X is to lower the loss on real rows; its gradient
goes through that step. `first_order` is for the same end without second derivatives. If second_order's inner
gradient is merely detached, theta' does not depend on X, and X learns nothing. But to first order in eta a
step on X lowers the loss on the real rows by eta <grad L(X), grad L(real)>, and by just as much a step on the
real rows lowers the loss on X. So the detached step is that on the real rows, and X is reached through its
own loss; as eta goes to 0, both have the same gradient. `match` compares classes one by one, the other two
only ask that those of one task be told apart. Beside real rows of later tasks their samples harm (split
digits, five seeds: .31 and .32, match .72, the undistilled rows .54), by themselves they do not (below).

`alone` measures what X is worth by itself: every task begins with the initial weights, X is learnt at its
beginning, and every step is on the learnt samples of the tasks so far and nothing else (match .85,
second_order .78, first_order .77). `iterations=0` is the comparison: as many random real rows (.64). With
`width` X is learnt for hidden layers of another width than those that read it (50 for 100: .84). Kept: X, at
most the share `most` of the training data, in floats; no example. Cost: when a task ends, in each iteration a
pass forward and back over `real` rows a class, and three over X.

Differs: Zhao et al. learn for 1,000 iterations from noise, by SGD (0.1, momentum 0.5), against 256 rows a
class, theta moved by steps of 0.01; their continual learner trains a fresh network on the memory alone. Wang
et al. start from noise, learn eta too, and take ten steps, three times over. Avalanche has none of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, cast

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.keyed import passes
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, Positive, PositiveShare, Rows, Width
from clbench.models.learned_inputs import LearnedInputs
from clbench.models.mlp import MLP
from clbench.strategies.parts.distillation import Objectives

if TYPE_CHECKING:
    from clbench.engine.learner import Learner
    from clbench.streams.labelled import LabelledStream


@dataclass
class Distilled(Part):
    per_class: Count = 1  # learnt samples of each class of a task
    method: Literal["match", "second_order", "first_order"] = "match"  # what they are learnt for
    iterations: Annotated[int, Meta(ge=0, le=10**6)] = 60  # steps of X; 0: the real rows it starts from
    restart: Count = 10  # iterations between fresh weights
    lr: Positive = 0.02  # of X, by Adam
    eta: Positive = 0.1  # length of a step of theta
    real: Rows = 64  # rows of a class to compare with, drawn anew in every iteration
    most: PositiveShare = 0.01  # of the training data that X may be
    alone: bool = False  # whether a fresh network learns from X only
    width: Width | None = None  # of the hidden layers for which X is learnt; None: as those that read X
    paper = "Zhao et al. 2021"
    keeps = "learnt samples"
    small = {"iterations": 3, "most": 1.0}
    replays = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        classes = [stream.labels(task.train).unique(return_counts=True)[1] for task in stream.tasks]
        learnt, there = self.per_class * sum(map(len, classes)), sum(len(task.train) for task in stream.tasks)
        if learnt > self.most * there:
            return f"{learnt} learnt samples are more than {self.most:.0%} of the {there} training examples"
        if self.per_class > int(torch.cat(classes).min()):
            return f"per_class={self.per_class} is more than some class has"
        if self.width and not isinstance(net, MLP):
            return f"width={self.width} is of hidden layers of a perceptron, and the network is {net}"
        return None

    def start(self, run: Run) -> None:
        self.classes = [run.stream.labels(task.train).unique() for task in run.stream.tasks]
        M, shown = self.per_class * sum(map(len, self.classes)), run.stream.tasks[0].train[:1]
        x = run.stream.gather(shown.expand(run.S, 1, -1)).x
        self.samples = x.new_zeros(run.S, M, x.shape[-1])  # [S, M, d], of which `filled` have been learnt
        self.labels = torch.zeros(run.S, M, dtype=torch.long, device=x.device)
        self.task, self.filled, self.retrains = torch.zeros_like(self.labels), 0, self.alone
        net = run.learner.net
        if self.width:
            assert isinstance(net, MLP)
            net = MLP(net.inputs, *[self.width] * net.hidden, net.sizes[-1])
        self.net = net

    def extra_cost(self, t: int) -> float:
        """The iterations' passes, spread over the steps that are left for them."""
        per_class = self.real + 3 * self.per_class
        cost = self.iterations * len(self.classes[t]) * per_class / self.run.rows
        return cost / max(1.0, self.run.budget.steps - cost)

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.alone:
            self.distil(t)
        if self.filled:
            steps, rows = len(plan.samples), self.run.rows if self.alone else self.run.replayed
            plan.read = self.run.draw(
                "replay", lambda draws: passes(self.filled, steps * rows, draws).view(steps, rows)
            )
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "read" not in batch:
            return batch
        x, y, task = (take(kept, batch.read) for kept in (self.samples, self.labels, self.task))
        none = torch.full_like(task, -1).unsqueeze(-1)  # no example's number
        samples = torch.cat([task.unsqueeze(-1), none.expand(*task.shape, batch.samples.shape[-1] - 1)], -1)
        learnt = Batch(
            samples=samples, x=x, y=y, task=task, mask=cast("LabelledStream", self.run.stream).masks[task]
        )
        if not self.alone:
            return batch.append(learnt)
        return Batch({**batch, **learnt, "weight": torch.full_like(x[..., 0], 1 / y.shape[1])})

    def after_task(self, t: int) -> None:
        if not self.alone:
            self.distil(t)

    def distil(self, t: int) -> None:
        """Learns the samples of task t and puts them behind those of earlier tasks."""
        run, start = self.run, self.some_of_each(t, self.per_class, "distilled")
        learner = self.learner_of(start.x)
        objectives = Objectives(self.net, run.stream.losses, len(self.classes[t]), self.eta)
        b = Batch(x=start.x, own={"y": start.y, "mask": start.mask})
        for i in run.clock.repeat(self.iterations):
            if i % self.restart == 0:
                b.theta = self.fresh_weights(f"distilled weights {i}")
            real = self.some_of_each(t, self.real, f"distilled {i}")
            b.real = {"x": real.x, "y": real.y, "mask": real.mask}
            learner.step(learner.gradient(getattr(objectives, self.method), b))
            b.theta = run.learner.map(objectives.step_on_learnt, learner.outputs(start.x), dict(b)).detach()
        place = slice(self.filled, self.filled + start.y.shape[1])
        self.samples[:, place] = learner.outputs(start.x).detach()
        self.labels[:, place], self.task[:, place] = start.y, t
        self.filled = place.stop

    def some_of_each(self, t: int, rows: int, purpose: str) -> Batch:
        """So many rows of each class of task t, class by class; of all as many as the smallest class has."""
        train = self.run.stream.tasks[t].train
        labels = self.run.stream.labels(train)
        own = {c: train[labels == c] for c in self.classes[t].tolist()}
        rows = min(rows, *map(len, own.values()))
        return self.run.stream.gather(
            torch.cat([self.run.subset(rows_of, rows, f"{purpose} {c}") for c, rows_of in own.items()], 1)
        )

    def learner_of(self, x: Tensor) -> "Learner":
        """Learns inputs from x [S, M, d] on, by Adam."""
        adam = {"optimiser": "adam", "lr": self.lr, "momentum": 0.0, "weight_decay": 0.0, "warm_up": None}
        learner = self.run.new_learner(LearnedInputs(*x.shape[1:]), "distilled", **adam)
        learner.theta[:, : x[0].numel()] = x.flatten(1)
        return learner

    def fresh_weights(self, purpose: str) -> Tensor:
        """theta [S, P] of a new network."""
        return self.run.draw(purpose, lambda draws: self.net.init(draws).unsqueeze(0))[0]
