"""Avalanche's Cumulative: every task goes on training on all data so far, for the steps of one task.

The same as `cumulative` up to rounding."""

from clbench.avalanche.row import Row


class Cumulative(Row):
    family = "reference"
    mirrors = "cumulative"
    keeps = "all data"
    sees_all_data = True

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.Cumulative(**common)
