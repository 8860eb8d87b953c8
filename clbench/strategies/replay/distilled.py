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
digits, five seeds: .31 and .32, match .72, the undistilled rows .54), by themselves they do not (below). So
do those of match where there are more of them: on split MNIST ten of a class make .59, the rows that they
start from .69, but alone .84 and .76 (five seeds): what is learnt leaves the place of real rows, and a
network can tell the two apart.

`alone` measures what X is worth by itself: every task begins with the initial weights, X is learnt at its
beginning, and every step is on the learnt samples of the tasks so far and nothing else (match .85,
second_order .78, first_order .77). `iterations=0` is the comparison: as many random real rows (.64). With
`width` X is learnt for hidden layers of another width than those that read it (50 for 100: .84).

On pairs words are discrete, so X is learnt behind the embedding: rows of what both towers read there, by
InfoNCE of `pairs` of them against that of `real` ones, as one class. They are replayed there, as negatives
for the new pairs and for each other. The word vectors are held from the second slice on, for X would age; so
words that come later keep the vectors they were drawn with. That costs more than X is worth where steps are
few (driftcaps, smoke, three seeds: .14, undistilled .17, naive .20, er with as many pairs .21).

Kept: X, at most the share `most` of the training data, in floats; no example; on pairs a copy of the word
vectors. Cost: when a task ends, in each iteration a pass forward and back over `real` rows a class, and three
over X.

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
from clbench.core.pytree import Tree
from clbench.core.ranges import Count, Positive, PositiveShare, Rows, Width
from clbench.errors import InputError
from clbench.models.mlp import MLP
from clbench.models.network import OfEmbeddings
from clbench.strategies.parts.distillation import (
    Behind,
    Objectives,
    fresh_weights,
    groups_of,
    learner_of,
    some_of_each,
)

if TYPE_CHECKING:
    from clbench.streams.labelled import LabelledStream


Iterations = Annotated[int, Meta(ge=0, le=10**6)]


@dataclass
class Distilled(Part):
    per_class: Count = 1  # learnt samples of each class of a task
    method: Literal["match", "second_order", "first_order"] = "match"  # what they are learnt for
    iterations: Iterations | None = None  # steps of X; None: 60, or for a tenth of what pairs may cost
    restart: Count = 10  # iterations between fresh weights
    lr: Positive = 0.02  # of X, by Adam
    eta: Positive = 0.1  # length of a step of theta
    real: Rows = 64  # rows of a class to compare with, drawn anew in every iteration
    most: PositiveShare = 0.01  # of the training data that X may be
    pairs: Count | None = None  # learnt pairs of each slice; None: as many as `most` allows
    alone: bool = False  # whether a fresh network learns from X only
    width: Width | None = None  # of the hidden layers for which X is learnt; None: as those that read X
    paper = "Zhao et al. 2021"
    keeps = "learnt samples"
    small = {"iterations": 3, "real": 8, "most": 1.0, "pairs": 4}
    replays = learns_pairs = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        groups = [groups_of(stream, t) for t in range(len(stream.tasks))]
        learnt = sum(self.per_group(own) * len(own) for own in groups)
        there = sum(len(task.train) for task in stream.tasks)
        if learnt > self.most * there:
            return f"{learnt} learnt samples are more than {self.most:.0%} of the {there} training examples"
        if any(not 0 < self.per_group(own) <= len(rows) for own in groups for rows in own.values()):
            return "a class has fewer examples than learnt samples, or a slice no pair within `most`"
        if self.width and not isinstance(net, MLP):
            return f"width={self.width} is of hidden layers of a perceptron, and the network is {net}"
        if stream.scenario == "pairs" and not isinstance(net, OfEmbeddings):
            return f"{net} has no embedding behind which pairs could be learnt"
        return None

    def per_group(self, groups: dict[int | None, Tensor]) -> int:
        """The learnt samples of each group of a task."""
        return self.per_class if None not in groups else self.pairs or int(self.most * len(groups[None]))

    def start(self, run: Run) -> None:
        stream, self.net, self.retrains = run.stream, self.reader(run.learner.net), self.alone
        groups = [groups_of(stream, t) for t in range(len(stream.tasks))]
        self.counts = [self.per_group(own) * len(own) for own in groups]
        x = self.gather(stream.tasks[0].train[:1].expand(run.S, 1, -1)).x
        self.samples = x.new_zeros(run.S, sum(self.counts), x.shape[-1])  # [S, M, d]; `filled` are learnt
        self.y = torch.zeros(self.samples.shape[:2], dtype=torch.long, device=x.device)
        self.task, self.filled = torch.zeros_like(self.y), 0
        self.held: dict[str, Tensor] = {}  # of pairs: the embedding, once it learns no more

    def reader(self, net: Network) -> "Network | Behind":
        """The network for which X is learnt."""
        # Another part may have put its own network in the place of what `supports` saw.
        if reason := self.supports(self.run.stream, net):
            raise InputError(f"distilled: {reason}")
        if self.width and isinstance(net, MLP):
            return MLP(net.inputs, *[self.width] * net.hidden, net.sizes[-1])
        return Behind(net) if self.run.stream.scenario == "pairs" and isinstance(net, OfEmbeddings) else net

    def extra_cost(self, t: int) -> float:
        """The iterations' passes, spread over the steps that are left for them."""
        cost = self.rounds(t) * self.cost_of_round(t)
        return cost / max(1.0, self.run.budget.steps - cost)

    def rounds(self, t: int) -> int:
        """How many steps X takes in task t."""
        if self.iterations is not None:
            return self.iterations
        budget = self.run.budget
        return int(0.1 * budget.steps / self.cost_of_round(t)) if budget.fixed_compute else 60

    def cost_of_round(self, t: int) -> float:
        """In passes of a batch forward and back: one over the real rows, three over X."""
        groups = len(groups_of(self.run.stream, t))
        return (self.real * groups + 3 * self.counts[t]) / self.run.rows

    def before_task(self, t: int, plan: Batch) -> Batch:
        if isinstance(self.net, Behind) and not self.held and (t or self.alone):
            views = self.run.learner.net.layout.views(self.run.learner.theta.detach())
            self.held = {name: views[name].clone() for name in self.net.net.embedding}
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
        x, y, task = (take(kept, batch.read) for kept in (self.samples, self.y, self.task))
        none = torch.full_like(task, -1).unsqueeze(-1)  # no example's number
        samples = torch.cat([task.unsqueeze(-1), none.expand(*task.shape, batch.samples.shape[-1] - 1)], -1)
        learnt = Batch(samples=samples, x=x, y=y, task=task)
        if isinstance(self.net, Behind):
            learnt.x, batch.x = self.net.sides(x), self.net.sides(self.embedded(batch.x))
        else:
            learnt.mask = cast("LabelledStream", self.run.stream).masks[task]
        if not self.alone:
            return batch.append(learnt)
        return Batch({**batch, **learnt, "weight": torch.full_like(x[..., 0], 1 / y.shape[1])})

    def after_step(self, batch: Batch) -> None:
        if not self.held:
            return
        views = self.run.learner.net.layout.views(self.run.learner.theta.detach())
        for name, kept in self.held.items():
            views[name].copy_(kept)

    def after_task(self, t: int) -> None:
        if not self.alone:
            self.distil(t)

    def distil(self, t: int) -> None:
        """Learns the samples of task t and puts them behind those of earlier tasks."""
        run, groups = self.run, groups_of(self.run.stream, t)
        start = self.gather(some_of_each(run, groups, self.per_group(groups), "distilled"))
        learner = learner_of(run, start.x, self.lr)
        objectives = Objectives(self.net, run.stream.losses, len(groups), self.eta)
        b = Batch(x=start.x, own={name: start[name] for name in ("y", "mask") if name in start})
        for i in run.clock.repeat(self.rounds(t)):
            if i % self.restart == 0:
                b.theta = fresh_weights(run, self.net, f"distilled weights {i}")
            real = self.gather(some_of_each(run, groups, self.real, f"distilled {i}"))
            b.real = {name: real[name] for name in ("x", *b.own)}
            learner.step(learner.gradient(getattr(objectives, self.method), b))
            b.theta = run.learner.map(objectives.step_on_learnt, learner.outputs(start.x), dict(b)).detach()
        place = slice(self.filled, self.filled + self.counts[t])
        self.samples[:, place] = learner.outputs(start.x).detach()
        self.y[:, place], self.task[:, place] = start.y, t
        self.filled = place.stop

    def gather(self, samples: Tensor) -> Batch:
        """The batch of these samples with what is learnt of them as x [S, n, d]."""
        batch = self.run.stream.gather(samples)
        batch.x = self.embedded(batch.x)
        return batch

    @torch.no_grad()
    def embedded(self, x: Tree) -> Tensor:
        """The inputs [S, n, d]; of pairs what is read behind the embedding, both sides as one row."""
        if not isinstance(self.net, Behind):
            return x
        rows: Tensor = self.run.learner.map(self.net.embed, self.run.learner.theta, x)
        return rows
