"""Samples that are learnt and stand for examples: how many there are, what they are learnt from, and how they
are kept and replayed."""

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.keyed import passes
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.pytree import Tree
from clbench.errors import InputError
from clbench.models.behind import Behind
from clbench.models.learned_inputs import LearnedInputs
from clbench.models.network import OfEmbeddings

if TYPE_CHECKING:
    from clbench.engine.learner import Learner
    from clbench.streams.labelled import LabelledStream

# ---- how many, and from what


def groups_of(stream: Stream, t: int) -> dict[int | None, Tensor]:
    """class -> its rows [n, 2] in task t; of pairs, which have no classes, None -> the slice."""
    train = stream.tasks[t].train
    if stream.scenario == "pairs":
        return {None: train}
    labels = stream.labels(train)
    return {c: train[labels == c] for c in labels.unique().tolist()}


def some_of_each(run: Run, groups: dict[int | None, Tensor], rows: int, purpose: str) -> Tensor:
    """[S, n, 2]: so many rows of each group, one group after another; of all as many as the smallest has."""
    rows = min(rows, *map(len, groups.values()))
    names = {c: purpose if c is None else f"{purpose} {c}" for c in groups}
    return torch.cat([run.subset(own, rows, names[c]) for c, own in groups.items()], 1)


class Sizes:
    """How many samples are learnt of each task: `per_class` of each of its classes; of a slice of pairs
    `pairs`, or else as many as the share `most` of it."""

    def __init__(self, stream: Stream, per_class: int, pairs: int | None, most: float) -> None:
        groups = [groups_of(stream, t) for t in range(len(stream.tasks))]
        self.most = most
        self.there = [[len(rows) for rows in own.values()] for own in groups]  # examples, by task and group
        if stream.scenario == "pairs":
            self.of_group = [pairs or int(most * n) for (n,) in self.there]
        else:
            self.of_group = [per_class] * len(groups)
        self.of_task = [each * len(own) for each, own in zip(self.of_group, groups, strict=True)]

    def refusal(self) -> str | None:
        """None, or why a stream has too few examples."""
        learnt, there = sum(self.of_task), sum(map(sum, self.there))
        if learnt > self.most * there:
            return f"{learnt} learnt samples are more than {self.most:.0%} of the {there} training examples"
        if any(not 0 < each <= min(own) for each, own in zip(self.of_group, self.there, strict=True)):
            return "a class has fewer examples than learnt samples, or a slice no pair within `most`"
        return None


def learner_of(run: Run, x: Tensor, lr: float) -> "Learner":
    """Learns inputs from x [S, M, d] on, by Adam."""
    adam = {"optimiser": "adam", "lr": lr, "momentum": 0.0, "weight_decay": 0.0, "warm_up": None}
    learner = run.new_learner(LearnedInputs(*x.shape[1:]), "distilled", **adam)
    learner.theta[:, : x[0].numel()] = x.flatten(1)
    return learner


# ---- how they are kept and replayed


class LearntReplay(Part):
    """Learns samples of a task at its end, and from the next task on replays them as `er` replays its memory.
    `alone`: at its beginning, and every step is on learnt samples only, from the initial weights on. A method
    derives from it and learns in `learn`.

    Of pairs, whose words are discrete, what is learnt are rows of what both sides read behind the embedding.
    They enter there, and the embedding is held from the first task with learnt samples on: they would age.
    """

    sizes: Sizes  # set before `start`
    alone: bool

    def learn(self, t: int) -> tuple[Tensor, Tensor]:
        """The samples of task t, x [S, n, d], and their y [S, n]."""
        raise NotImplementedError

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario == "pairs" and not isinstance(net, OfEmbeddings):
            return f"{net} has no embedding behind which pairs could be learnt"
        return None

    def start(self, run: Run) -> None:
        stream, net, self.retrains = run.stream, run.learner.net, self.alone
        # Another part may have put its own network in the place of what `supports` saw.
        if reason := self.supports(stream, net):
            raise InputError(f"{type(self).__name__.lower()}: {reason}")
        self.net: Network | Behind = net  # what reads the samples
        if stream.scenario == "pairs" and isinstance(net, OfEmbeddings):
            self.net = Behind(net)
        self.held: dict[str, Tensor] = {}  # of pairs: the embedding, once it learns no more
        x = self.gather(stream.tasks[0].train[:1].expand(run.S, 1, -1)).x
        self.samples = x.new_zeros(run.S, sum(self.sizes.of_task), x.shape[-1])  # `filled` are learnt
        self.y = torch.zeros(self.samples.shape[:2], dtype=torch.long, device=x.device)
        self.task, self.filled = torch.zeros_like(self.y), 0

    def before_task(self, t: int, plan: Batch) -> Batch:
        if isinstance(self.net, Behind) and not self.held and (t or self.alone):
            views = self.views()
            self.held = {name: views[name].clone() for name in self.net.net.embedding}
        if self.alone:
            self.add(t)
        if self.filled:
            steps, rows = len(plan.samples), self.run.rows if self.alone else self.run.replayed
            plan.read = self.run.draw(
                "replay", lambda draws: passes(self.filled, steps * rows, draws).view(steps, rows)
            )
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "read" not in batch:
            return batch
        learnt = self.replay(batch.read, batch.samples.shape[-1])
        if isinstance(self.net, Behind):
            batch.x = self.net.sides(self.embedded(batch.x))
        if not self.alone:
            return batch.append(learnt)
        weight = torch.full_like(batch.read, 1 / batch.read.shape[1], dtype=torch.float)
        return Batch({**batch, **learnt, "weight": weight})

    def after_step(self, batch: Batch) -> None:
        if not self.held:
            return
        views = self.views()
        for name, kept in self.held.items():
            views[name].copy_(kept)

    def after_task(self, t: int) -> None:
        if not self.alone:
            self.add(t)

    def pictures(self) -> Tensor | None:
        """Of each class of each task."""
        if isinstance(self.net, Behind):
            return None
        stream = cast("LabelledStream", self.run.stream)
        shown = stream.pictures(self.samples[0, : self.filled], self.task[0, : self.filled])
        return None if shown is None else shown.unflatten(0, (-1, self.sizes.of_group[0]))

    def add(self, t: int) -> None:
        """Puts the samples of task t behind those of earlier tasks."""
        x, y = self.learn(t)
        place = slice(self.filled, self.filled + self.sizes.of_task[t])
        self.samples[:, place], self.y[:, place], self.task[:, place] = x, y, t
        self.filled = place.stop

    def replay(self, read: Tensor, columns: int) -> Batch:
        """The learnt samples with these numbers [S, n], as rows of a batch whose samples have so many
        columns."""
        x, y, task = (take(kept, read) for kept in (self.samples, self.y, self.task))
        none = torch.full_like(task, -1).unsqueeze(-1)  # no example's number
        samples = torch.cat([task.unsqueeze(-1), none.expand(*task.shape, columns - 1)], -1)
        if isinstance(self.net, Behind):
            return Batch(samples=samples, x=self.net.sides(x), y=y, task=task)
        mask = cast("LabelledStream", self.run.stream).shown[task]
        return Batch(samples=samples, x=x, y=y, task=task, mask=mask)

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

    def views(self) -> dict[str, Tensor]:
        """The network's tensors by name."""
        learner = self.run.learner
        return learner.net.layout.views(learner.theta.detach())
