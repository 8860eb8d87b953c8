"""Avalanche's EWC, mode "online": one running importance, one anchor.

    loss = CE + ewc_lambda sum_i F_i (theta_i - theta*_i)^2,    F <- decay F + F of the task that ends
Differs from the paper and `online_ewc`: no 1/2, and F is the mean over batches of the squared gradient of the
*batch mean*, with the true labels, as in `avalanche_ewc`."""

from dataclasses import dataclass

from clbench.avalanche.rows.ewc import EWC
from clbench.core.ranges import Share


@dataclass
class OnlineEWC(EWC):
    decay: Share = 0.9  # of the importances so far; Avalanche has no default
    family = "regularisation"
    paper = "Schwarz et al. 2018"
    keeps = "importances and an anchor"
    grows = ""
    slow = True

    def copied(self) -> dict:
        return {**super().copied(), "gamma": self.decay}

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.EWC(**common, ewc_lambda=self.ewc_lambda, mode="online", decay_factor=self.decay)
