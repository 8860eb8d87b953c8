"""Avalanche's Replay: B current and B stored examples in every step.

As in `er` the memory holds as many examples of every task, filled when the task ends, and all rows of a batch
count alike. Differs: passes end with a short batch, of the memory (B = 32 from 100 examples: 32, 32, 32, 4)
and of the task's own data; the batches are drawn by Avalanche."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class Replay(Row):
    memory: Count = 500  # examples kept
    family = "replay"
    native = "er"
    slow = False
    paper = "Chaudhry et al. 2019"
    keeps = "examples"
    order = "own"

    def supports(self, stream, net) -> str | None:
        tasks = len(stream.tasks)
        if self.memory < tasks:
            return f"memory={self.memory} is smaller than the number of tasks, {tasks}"
        return super().supports(stream, net)

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.Replay(**common, mem_size=self.memory)

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)
