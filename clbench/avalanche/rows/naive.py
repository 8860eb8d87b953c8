"""Avalanche's Naive: plain training on one task after the other.

The same as `naive` up to rounding."""

from clbench.avalanche.row import Row


class Naive(Row):
    family = "reference"
    slow = False
    mirrors = "naive"

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.Naive(**common)
