"""Avalanche's FeatureReplay: features of a task's examples are stored and replayed to the output layer.

    loss = (CE over the task's classes + (1 - w) CE of stored features + w CE of the output layer) / 2
w: 1 / number of tasks. The stored features are those of the network as the task left it, and age."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row
from clbench.core.ranges import Count


@dataclass
class FeatureReplay(Row):
    memory: Count = 500  # features kept, as many of every class
    batch_size_mem: Count = 10  # features replayed
    family = "replay"
    paper = "Magistri et al. 2024"
    keeps = "features"

    def supports(self, stream, net) -> str | None:
        if stream.scenario != "class":
            return "its loss is over the classes of a task in one head"
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        from clbench.avalanche.adapt import WithFeatures

        common.pop("criterion")
        common["model"] = WithFeatures(common["model"])
        return supervised.FeatureReplay(
            **common, last_layer_name="head", mem_size=self.memory, batch_size_mem=self.batch_size_mem
        )

    def extra_params(self, strategy) -> int:
        features = strategy.storage_policy.buffer
        return sum(features[i][0].numel() for i in range(len(features))) if strategy.replay_loader else 0
