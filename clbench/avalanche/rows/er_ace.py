"""Avalanche's ER-ACE: new rows compete among the batch's own classes only, stored rows among all.

    loss = (CE over the batch's classes of new rows + CE of stored rows) / 2
Differs from `er_ace`: the memory is filled before a task is trained, from all of its data, so that the new
classes are replayed from the first step on; the two losses are averaged."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row
from clbench.core.ranges import Count


@dataclass
class ERACE(Row):
    memory: Count = 500  # examples kept, as many of every class
    batch_size_mem: Count = 10  # examples replayed
    family = "replay"
    paper = "Caccia et al. 2022"
    keeps = "examples"

    def supports(self, stream, net) -> str | None:
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.ER_ACE(**common, mem_size=self.memory, batch_size_mem=self.batch_size_mem)

    def memory_items(self, strategy) -> int:
        return len(strategy.storage_policy.buffer)
