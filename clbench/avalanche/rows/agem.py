"""Avalanche's A-GEM: where the gradient would raise the loss on stored examples, it is projected.

    g <- g - (g.r / r.r) r   if g.r < 0,    r: the gradient on a batch of stored examples
Differs from `agem`: the reference batch is not drawn but walked through in a fixed order, with as many of
every past task, and is short at the end of a pass."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class AGEM(Row):
    memory: Count = 500  # examples kept, as many of every task of the stream
    sample_size: Count = 64  # of the reference batch
    family = "optimisation"
    paper = "Chaudhry et al. 2019"
    keeps = "examples"

    def supports(self, stream, net) -> str | None:
        tasks = len(stream.tasks)
        if self.memory < tasks:
            return f"memory={self.memory} is smaller than the number of tasks, {tasks}"
        if self.sample_size < tasks - 1:
            return f"sample_size={self.sample_size} is smaller than the number of past tasks, {tasks - 1}"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.AGEM(
            **common, patterns_per_exp=self.memory // len(stream.tasks), sample_size=self.sample_size
        )

    def memory_items(self, strategy) -> int:
        return sum(map(len, plugin_with(strategy, "buffers").buffers))
