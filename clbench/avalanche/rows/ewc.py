"""Avalanche's EWC, mode "separate": an importance and an anchor for every past task.

    loss = CE + ewc_lambda sum_k sum_i F_k,i (theta_i - theta*_k,i)^2
Differs from the paper and `ewc`: no 1/2, and F is the mean over batches of the squared gradient of the *batch
mean*, with the true labels. With B = 32 on digits it sums to 0.068 of the Fisher by examples: lambdas don't
carry over from `ewc`, nor between batch sizes. The more tasks there were, the more a step costs."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative


@dataclass
class EWC(Row):
    ewc_lambda: NotNegative = 1.0  # as in Avalanche's continual-learning-baselines; it has no default itself
    tunes = {"ewc_lambda": (1.0, 1e8, "log")}
    family = "regularisation"
    slow = False
    paper = "Kirkpatrick et al. 2017"
    keeps = "importances and an anchor of every task"
    grows = "an importance and an anchor for every past task"

    def copied(self) -> dict:
        return {"lam": 2 * self.ewc_lambda, "estimate": "batches"}

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.EWC(**common, ewc_lambda=self.ewc_lambda, mode="separate")

    def extra_params(self, strategy) -> int:
        plugin = plugin_with(strategy, "importances")
        return sum(
            kept.data.numel()
            for tasks in (plugin.importances, plugin.saved_params)
            for parameters in tasks.values()
            for kept in parameters.values()
        )
