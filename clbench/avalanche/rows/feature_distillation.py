"""Avalanche's FeatureDistillationPlugin, on Naive: features keep the direction that they had.

    loss = CE + alpha (1 - mean cos(features, features of the last task's network))
From the mean of old features nothing is known: there is no memory, and the output layer learns freely."""

from dataclasses import dataclass

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative


@dataclass
class FeatureDistillation(Row):
    alpha: NotNegative = 1.0
    tunes = {"alpha": (0.01, 100.0, "log")}
    family = "regularisation"
    paper = "Iscen et al. 2020"
    keeps = "the last task's weights"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "the features that it reads come without a task label"
        return None

    def build(self, common: dict, stream):
        from avalanche.models import FeatureExtractorModel
        from avalanche.training import supervised
        from avalanche.training.plugins import FeatureDistillationPlugin

        from clbench.avalanche.adapt import body_and_head

        common["model"] = FeatureExtractorModel(*body_and_head(common["model"]))
        common["plugins"].append(FeatureDistillationPlugin(alpha=self.alpha))
        return supervised.Naive(**common)

    def extra_params(self, strategy) -> int:
        previous = plugin_with(strategy, "prev_model").prev_model
        return numbers_of(previous)
