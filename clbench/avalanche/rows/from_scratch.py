"""Avalanche's FromScratchTraining: every task starts from the initial weights and sees its own data alone.

A reference for what a task's data are worth by themselves. Buffers, as of a BatchNorm, are not set back."""

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row


class FromScratch(Row):
    family = "reference"
    keeps = "the initial weights"

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.FromScratchTraining(**common)

    def extra_params(self, strategy) -> int:
        return numbers_of(strategy.model)
