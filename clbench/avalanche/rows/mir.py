"""Avalanche's MIR: of `subsample` stored examples those are replayed whose loss a step on the batch would
raise most.

Differs from the paper and `mir`: the memory is filled when a task ends, the classes of the task's last batch
are left out of it, candidates are walked through in shuffled passes, and at the end of a pass, where fewer
candidates are left than are asked for, a negative index picks others. The replayed loss is added whole."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class MIR(Row):
    memory: Count = 500  # examples kept, as many of every class
    subsample: Count = 50  # candidates
    batch_size_mem: Count = 10  # examples replayed
    family = "replay"
    paper = "Aljundi et al. 2019"
    keeps = "examples"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "domain":
            return "it replays no class of the task's last batch, and here that has all: it would be Naive"
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.MIR(
            **common, mem_size=self.memory, subsample=self.subsample, batch_size_mem=self.batch_size_mem
        )

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)
