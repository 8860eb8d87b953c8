"""Which examples a method keeps. A memory is a tensor of (task, index) pairs [S, M, 2]."""

from typing import Literal

import torch
from torch import Tensor

from clbench.core.part import Run, Stream

Share = Literal["task", "class"]  # of what a memory holds as much from each


def classes_of(stream: Stream) -> int:
    """Of all tasks together; one that comes back, or has another domain, counts as one more."""
    return sum(int(task.classes.sum()) for task in stream.tasks)


class Memory:
    """`size` examples, as many of every task so far, the first ones of those already kept.

    share "class": as many of each class of all tasks, so that nothing is given up when others come."""

    def __init__(self, run: Run, size: int, share: Share = "task") -> None:
        self.run, self.size, self.share = run, size, share
        self.tasks: list[Tensor] = []  # [S, m, 2] each

    def after_task(self, t: int) -> Tensor:
        """The memory [S, M, 2] once task t has been learnt."""
        if self.share == "class":
            self.tasks.append(self.of_each_class(t))
            return torch.cat(self.tasks, 1)
        share = self.size // (t + 1)
        chosen = self.run.subset(self.run.stream.tasks[t].train, share, "memory")
        self.tasks = [kept[:, :share] for kept in self.tasks] + [chosen]
        return torch.cat(self.tasks, 1)

    def of_each_class(self, t: int) -> Tensor:
        """[S, m, 2]: what is kept of task t."""
        stream = self.run.stream
        train, labels = stream.tasks[t].train, stream.labels(stream.tasks[t].train)
        each = self.size // classes_of(stream)
        own = [(c, train[labels == c]) for c in labels.unique().tolist()]
        return torch.cat([self.run.subset(rows, each, f"memory {c}") for c, rows in own], 1)

    @staticmethod
    def fits(size: int, stream: Stream, share: Share = "task") -> str | None:
        """None, or why a memory of this size makes no sense on this stream."""
        examples, tasks = sum(len(task.train) for task in stream.tasks), len(stream.tasks)
        if size > examples:
            return f"memory={size} is larger than the {examples} training examples"
        if share == "class":
            if stream.scenario == "pairs":
                return "share='class' is of class labels"
            classes = classes_of(stream)
            return (
                None
                if size >= classes
                else f"memory={size} is smaller than the {classes} classes of all tasks"
            )
        return f"memory={size} is smaller than the number of tasks, {tasks}" if size < tasks else None


def reservoir(run: Run, size: int, seen: int, steps: int, rows: int) -> Tensor:
    """[steps, S, rows]: the slot that each row of a task is written to after `seen` earlier ones, so that at
    any time every row so far is kept with the same probability (Vitter 1985); `size` means nowhere."""

    def slots(draws: torch.Generator) -> Tensor:
        position = torch.arange(seen, seen + steps * rows)
        u = torch.rand(steps * rows, generator=draws, dtype=torch.double)
        slot = (
            torch.where(position < size, position, (u * (position + 1)).long())
            .clamp(max=size)
            .view(steps, rows)
        )
        row = torch.arange(rows).expand(steps, rows)
        last = torch.zeros(steps, size + 1, dtype=torch.long).scatter_reduce_(
            1, slot, row, "amax"
        )  # row of each slot
        return slot.masked_fill(row < last.gather(1, slot), size)  # overwritten in the same step

    return run.draw("reservoir", slots)
