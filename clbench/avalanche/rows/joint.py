"""Avalanche's JointTraining, once for the tasks 1..k at every k, in k N steps: a retraining reference.

The same as `joint` up to rounding. Avalanche itself trains once, on the whole stream."""

from clbench.avalanche.row import Row


class Joint(Row):
    family = "reference"
    slow = False
    mirrors = "joint"
    keeps = "all data"
    sees_all_data = all_experiences = True
    retrains = True

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.JointTraining(**common)
