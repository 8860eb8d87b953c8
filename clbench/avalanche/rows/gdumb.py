"""Avalanche's GDumb: at every task the initial network learns a class-balanced memory, and nothing else.

Differs from `gdumb`: which examples of a class are kept is drawn anew with every task, as a reservoir, and
the network that is trained is a copy of the first one."""

from dataclasses import dataclass

from clbench.avalanche.kept import numbers_of, too_small
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class GDumb(Row):
    memory: Count = 500  # examples kept, as many of every class
    family = "replay"
    paper = "Prabhu et al. 2020"
    keeps = "examples, the initial weights"

    def supports(self, stream, net) -> str | None:
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.GDumb(**common, mem_size=self.memory)

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)

    def extra_params(self, strategy) -> int:
        return numbers_of(strategy.model)
