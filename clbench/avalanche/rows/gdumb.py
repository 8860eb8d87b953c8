"""Avalanche's GDumb: at every task the initial network learns a class-balanced memory, and nothing else.

Differs from `gdumb`: which examples of a class are kept is drawn anew with every task, as a reservoir, and
the network that is trained is a copy of the first one."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class GDumb(Row):
    memory: Count = 500  # examples kept, as many of every class
    family = "replay"
    paper = "Prabhu et al. 2020"
    keeps = "examples, the initial weights"

    def supports(self, stream, net) -> str | None:
        if self.memory < stream.classes:
            return f"memory={self.memory} is smaller than the number of classes, {stream.classes}"
        return super().supports(stream, net)

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.GDumb(**common, mem_size=self.memory)

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)

    def extra_params(self, strategy) -> int:
        return sum(parameter.numel() for parameter in strategy.model.parameters())
