"""Patching (PAINT: Ilharco et al. 2022; task by task in TiC-CLIP: Garg et al. 2024).

    theta_k <- (1 - alpha) theta_{k-1} + alpha theta_k        when task k ends; task k + 1 starts from there
alpha is fixed beforehand (PAINT chooses it on held-out data). Cost: one copy of the weights."""

from dataclasses import dataclass

from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.core.ranges import Share


@dataclass
class Patching(Part):
    alpha: Share = 0.5  # weight of the new weights
    tunes = {"alpha": (0.0, 1.0, "linear")}  # the paper's
    paper = "Ilharco et al. 2022"
    keeps = "the last task's weights"
    learns_pairs = True

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.before = self.run.learner.theta.detach().clone()  # [S, P]
        return plan

    def after_task(self, t: int) -> None:
        if t > 0:
            self.run.learner.theta.detach().lerp_(self.before, 1 - self.alpha)
