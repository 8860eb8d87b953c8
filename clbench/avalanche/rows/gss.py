"""Avalanche's GSS, greedy: examples are kept whose gradients point apart.

Differs from the paper: it runs backward after the forward pass and leaves that gradient where the step's own
is added, so that once the memory is full most steps take twice the gradient. A step takes some thirty times
as long as Naive's."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class GSS(Row):
    memory: Count = 500  # examples kept
    mem_strength: Count = 1  # batches of stored examples that gradients are compared with
    family = "replay"
    paper = "Aljundi et al. 2019b"
    keeps = "examples"
    order = "own"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "it calls the network without a task label"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        size = list(stream.test(0, slice(0, 1)).shape[2:])
        return supervised.GSS_greedy(
            **common, mem_size=self.memory, mem_strength=self.mem_strength, input_size=size
        )

    def memory_items(self, strategy) -> int:
        return plugin_with(strategy, "ext_mem_list_current_index").ext_mem_list_current_index
