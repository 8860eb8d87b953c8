"""Avalanche's LwF: distillation from the network at the end of the last task.

    loss = CE + alpha sum_heads KL(softmax(teacher / T) || softmax(student / T))
Differs from `lwf`: no factor T^2, so at T = 2 alpha weighs a quarter of `lam`."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative, Positive


@dataclass
class LwF(Row):
    alpha: NotNegative = 1.0  # strength of the distillation
    temperature: Positive = 2.0  # T
    tunes = {"alpha": (0.01, 100.0, "log")}
    family = "regularisation"
    slow = False
    paper = "Li & Hoiem 2016"
    keeps = "the last task's weights"

    def copied(self) -> dict:
        return {"lam": self.alpha / self.temperature**2, "temperature": self.temperature}

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.LwF(**common, alpha=self.alpha, temperature=self.temperature)

    def extra_params(self, strategy) -> int:
        return sum(
            parameter.numel() for parameter in plugin_with(strategy, "lwf").lwf.prev_model.parameters()
        )
