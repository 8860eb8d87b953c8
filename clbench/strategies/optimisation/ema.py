"""Exponential moving average of the weights (Polyak & Juditsky 1992; as a defence against forgetting: Carta
et al. 2024).

    average <- average + (theta - average) / (horizon N)        after every step

The average answers, theta learns on. `horizon` is in tasks: of one as long as several the average lags
behind what was just learnt. Cost: one copy of the weights."""

from dataclasses import dataclass

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import Positive


@dataclass
class EMA(Part):
    horizon: Positive = 0.2  # share of a task's steps that the average looks back over
    tunes = {"horizon": (0.01, 10.0, "log")}  # of our own
    paper = "Carta et al. 2024"
    keeps = "averaged weights"
    learns_pairs = True

    def start(self, run: Run) -> None:
        self.average = run.learner.theta.detach().clone()  # [S, P]

    def after_step(self, batch: Batch) -> None:
        self.average.lerp_(self.run.learner.theta.detach(), min(1.0, 1 / (self.horizon * self.run.steps)))

    def predict(self, x: Tensor, t: int | None) -> Tensor:
        return self.run.learner.outputs(x, self.average)
