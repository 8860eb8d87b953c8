"""Which examples a method keeps. A memory is a tensor of (task, index) pairs [S, M, 2]."""

import torch
from torch import Tensor

from clbench.core.part import Run, Stream


class Memory:
    """`size` examples, as many of every task so far, the first ones of those already kept."""

    def __init__(self, run: Run, size: int) -> None:
        self.run, self.size = run, size
        self.tasks: list[Tensor] = []  # [S, m, 2] each

    def after_task(self, t: int) -> Tensor:
        """The memory [S, M, 2] once task t has been learnt."""
        share = self.size // (t + 1)
        chosen = self.run.subset(self.run.stream.tasks[t].train, share, "memory")
        self.tasks = [kept[:, :share] for kept in self.tasks] + [chosen]
        return torch.cat(self.tasks, 1)

    @staticmethod
    def fits(size: int, stream: Stream) -> str | None:
        """None, or why a memory of this size makes no sense on this stream."""
        examples, tasks = sum(len(task.train) for task in stream.tasks), len(stream.tasks)
        if size > examples:
            return f"memory={size} is larger than the {examples} training examples"
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
