"""Avalanche's GEM: the gradient is projected so that no past task's loss on its memory rises.

Every step takes the gradient on the whole memory of every past task, and solves the dual quadratic program in
float64. Differs from `gem`: .001 is added to the diagonal of the program."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count, NotNegative


@dataclass
class GEM(Row):
    memory: Count = 500  # examples kept, as many of every task of the stream
    memory_strength: NotNegative = 0.5
    tunes = {"memory_strength": (0.0, 1.0, "linear")}
    family = "optimisation"
    paper = "Lopez-Paz & Ranzato 2017"
    keeps = "examples"

    def supports(self, stream, net) -> str | None:
        return too_small(self.memory, len(stream.tasks), "tasks")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.GEM(
            **common, patterns_per_exp=self.memory // len(stream.tasks), memory_strength=self.memory_strength
        )

    def memory_items(self, strategy) -> int:
        return sum(len(y) for y in plugin_with(strategy, "memory_y").memory_y.values())
