"""Avalanche's SCR: a contrastive loss over new and stored rows, answers by the nearest mean of stored rows.

    loss = the supervised contrastive loss of projected, normalised features, each row seen twice
The two views of a row are the same here, as by Avalanche's default. The projection is two linear layers,
[h, h] and [h, 128]. The memory comes on top of the batch. Before the first task it has no answer."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row
from clbench.core.ranges import Count, Positive


@dataclass
class SCR(Row):
    memory: Count = 500  # examples kept, as many of every class
    batch_size_mem: Count = 100  # stored rows in a batch
    temperature: Positive = 0.1
    tunes = {"temperature": (0.01, 1.0, "log")}
    family = "replay"
    small = {"memory": 50, "batch_size_mem": 20}
    paper = "Mai et al. 2021"
    keeps = "examples and class means"
    order = "own"
    gives_probabilities = False

    def supports(self, stream, net) -> str | None:
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.models import SCRModel
        from avalanche.training import supervised
        from torch import nn

        from clbench.avalanche.adapt import body_and_head

        body, head = body_and_head(common.pop("model"))
        common.pop("criterion")
        h = head.in_features
        projection = nn.Sequential(nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 128))
        model = SCRModel(body, projection.to(common["device"]))
        return supervised.SCR(
            model=model,
            mem_size=self.memory,
            batch_size_mem=self.batch_size_mem,
            temperature=self.temperature,
            **common,
        )

    def scores(self, strategy, x, t):
        from clbench.avalanche.adapt import by_means

        return by_means(strategy, x)

    def memory_items(self, strategy) -> int:
        return len(strategy.replay_plugin.storage_policy.buffer)
