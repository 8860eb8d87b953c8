"""Avalanche's MAS: importances are how much the outputs move with a weight.

    loss = CE + lambda_reg sum_i F_i (theta_i - theta*_i)^2
    F <- alpha F + (1 - alpha) mean over batches |gradient of the mean squared length of the outputs|
Differs from the paper and `mas`: the gradient is of a batch's mean, not of each example, and with every task
the older importances are halved (alpha = .5), where the paper takes the mean over all tasks."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative, Share


@dataclass
class MAS(Row):
    lambda_reg: NotNegative = 1.0
    alpha: Share = 0.5  # weight of the importances so far
    tunes = {"lambda_reg": (1e-4, 1e4, "log")}
    family = "regularisation"
    paper = "Aljundi et al. 2018"
    keeps = "importances and an anchor"

    def copied(self) -> dict:
        return {"lam": self.lambda_reg, "estimate": "batches", "alpha": self.alpha}

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.MAS(**common, lambda_reg=self.lambda_reg, alpha=self.alpha)

    def extra_params(self, strategy) -> int:
        plugin = plugin_with(strategy, "importance")
        kept = [plugin.importance or {}, plugin.params or {}]
        return sum(one.data.numel() for by_name in kept for one in by_name.values())
