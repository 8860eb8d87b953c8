"""Avalanche's LFL: the features stay near those of the network as the last task left it.

    loss = CE + lambda_e mean (features - features of the last task's network)^2
Differs from the paper: the output layer is frozen after the first task, outputs of classes to come included,
and from the second task on the network stays in evaluation mode."""

from dataclasses import dataclass

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative


@dataclass
class LFL(Row):
    lambda_e: NotNegative = 1.0
    tunes = {"lambda_e": (0.01, 100.0, "log")}
    family = "regularisation"
    paper = "Jung et al. 2018"
    keeps = "the last task's weights"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "it has one head, which it freezes"
        if not net.layout.shapes.keys() - net.layout.head:
            return "it freezes the output layer after the first task, and this network has no other"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        from clbench.avalanche.adapt import WithFeatures

        common["model"] = WithFeatures(common["model"])
        return supervised.LFL(**common, lambda_e=self.lambda_e)

    def extra_params(self, strategy) -> int:
        previous = plugin_with(strategy, "prev_model").prev_model
        return numbers_of(previous)
