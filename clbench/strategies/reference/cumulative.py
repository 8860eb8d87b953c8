"""Cumulative training: keep the weights, train on all data seen so far.

theta_k = train(theta_{k-1}, D_1 u ... u D_k)"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from clbench.core.part import Part


@dataclass
class Cumulative(Part):
    budget: Literal["equal", "seen"] = "equal"  # steps at task k: N, or k N
    keeps = "all data"
    sees_all_data = learns_pairs = True

    def choose_samples(self, t: int) -> Tensor:
        times = t + 1 if self.budget == "seen" else 1
        return self.run.shuffled(self.run.seen(), steps=times * self.run.steps)
