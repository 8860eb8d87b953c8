"""Avalanche's RWalkPlugin, on Naive: importances from the Fisher information and the path of the weights.

    loss = CE + ewc_lambda sum_i (F_i / max F + max(0, s_i) / max s) (theta_i - theta*_i)^2
    F <- ewc_alpha g^2 + (1 - ewc_alpha) F in every step;  s: as in `rwalk`, every delta_t steps
Differs from `rwalk`: 2 ewc_lambda is its 2 lam, max(0, .) is taken of the sum when a task ends, and eps is
1e-7. Every step takes one more pass forward and back, after which the network stays in evaluation mode."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count, NotNegative, Share


@dataclass
class RWalk(Row):
    ewc_lambda: NotNegative = 0.1
    ewc_alpha: Share = 0.9
    delta_t: Count = 10
    tunes = {"ewc_lambda": (0.01, 1e4, "log")}
    family = "regularisation"
    paper = "Chaudhry et al. 2018"
    keeps = "importances, scores and an anchor"

    def copied(self) -> dict:
        return {
            "lam": self.ewc_lambda,
            "alpha": self.ewc_alpha,
            "every": self.delta_t,
            "eps": 1e-7,
        }

    def build(self, common: dict, stream):
        from avalanche.training import supervised
        from avalanche.training.plugins import RWalkPlugin

        common["plugins"].append(RWalkPlugin(self.ewc_lambda, self.ewc_alpha, self.delta_t))
        return supervised.Naive(**common)

    def extra_params(self, strategy) -> int:
        plugin = plugin_with(strategy, "exp_scores")
        kept = [plugin.exp_scores or {}, plugin.exp_params or {}, plugin.exp_importance or {}]
        return sum(one.data.numel() for by_name in kept for one in by_name.values())
