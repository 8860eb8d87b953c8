"""Avalanche's PackNet: of what a task may change, the smallest weights are freed for the tasks to come.

In each layer the share `prune` of the task's weights is taken off; the others learn again for the last
`retrain` of the steps, and are then held for good. Differs from `packnet`: every task prunes the outputs too,
and every bias is frozen after the first task.

Shim: Avalanche's own strategy calls none of the plugins that it is given; its parts are put on Naive here."""

from dataclasses import dataclass

from clbench.avalanche.row import Row
from clbench.core.ranges import Share, SmallerShare


@dataclass
class PackNet(Row):
    prune: Share = 0.5  # of the weights that a task may change
    retrain: SmallerShare = 0.33  # share of a task's steps that come after pruning
    tunes = {"prune": (0.5, 0.9, "linear")}
    family = "architecture"
    paper = "Mallya & Lazebnik 2018"
    keeps = "the task that owns each weight"
    needs_task_label = True
    shim = "its plugin and its model are put on Naive"
    order = "steps"

    def supports(self, stream, net) -> str | None:
        if stream.scenario != "task":
            return "needs the task label at test time"
        if any(name.split(".")[-1] not in ("weight", "bias") for name in net.layout.shapes):
            return "it knows linear and convolutional layers alone"
        return None

    def build(self, common: dict, stream):
        from avalanche.models.packnet import PackNetPlugin
        from avalanche.training import supervised

        from clbench.avalanche.adapt import packed

        steps = common["train_epochs"]
        common["model"] = packed(common["model"])
        common["train_epochs"] = steps + 1  # an epoch is a step; the last one ends the task
        common["plugins"].append(PackNetPlugin(int(self.retrain * steps) + 1, self.prune))
        return supervised.Naive(**common)

    def scores(self, strategy, x, t):
        import torch

        return strategy.model(x, torch.full((len(x),), t, device=x.device))

    def extra_params(self, strategy) -> int:
        return sum(one.numel() for name, one in strategy.model.named_buffers() if "task_index" in name)
