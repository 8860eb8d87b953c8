"""GDumb: greedy sampler and dumb learner (Prabhu, Torr & Dokania 2020, algorithms 1 and 2).

    memory: as many examples of every class so far;  theta_k = train(theta_0, memory, N steps)
A class gives up examples when others come and gets none back, as under the paper's sampler, but all at once
when a task begins. Numbers of examples differ by at most 1 where all classes have as many. A class that comes
back in another task, or in another domain, counts as one more; pairs, which have no classes, are kept task by
task. Nothing else is trained on: of a task's data only its share is read.
Differs: the budget's optimiser and steps for SGD with warm restarts, weight decay and clipped gradients; no
random crops (the authors' code) and no cutmix (Mammoth). The authors' code keeps the first examples of a
class and reports the best test accuracy over its passes; Mammoth trains after the last task alone, Avalanche
after every one, as here. Cost: none."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count
from clbench.strategies.parts.memory import Memory


@dataclass
class GDumb(Part):
    memory: Count = 500  # examples kept, as many of every class so far
    paper = "Prabhu et al. 2020"
    keeps = "examples"
    small = {"memory": 100}
    retrains = learns_pairs = stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        classes = sum(int(task.classes.sum()) for task in stream.tasks)
        if self.memory < classes:
            return f"memory={self.memory} is smaller than the {classes} classes of all tasks"
        return Memory.fits(self.memory, stream)

    def start(self, run: Run) -> None:
        self.kept: list[Tensor] = []  # [S, m, 2] for every class of every task so far

    def choose_samples(self, t: int) -> Tensor:
        run, first = self.run, len(self.kept)
        for number, rows in enumerate(self.classes_of(t), first):
            self.kept.append(run.subset(rows, self.memory, f"memory {number}"))
        share, over = divmod(self.memory, len(self.kept))
        self.kept = [kept[:, : share + (place < over)] for place, kept in enumerate(self.kept)]
        self.stored = torch.cat(self.kept, 1)
        return run.shuffled(self.stored)

    def classes_of(self, t: int) -> list[Tensor]:
        """The training data [n, 2] of each class of task t."""
        stream, train = self.run.stream, self.run.stream.tasks[t].train
        if stream.scenario == "pairs":
            return [train]
        labels = stream.labels(train)
        return [train[labels == c] for c in labels.unique().tolist()]
