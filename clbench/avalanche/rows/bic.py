"""Avalanche's BiC: replay with distillation, then two numbers per task that set the new outputs straight,
learnt on examples that no step sees.

Differs from the paper and `bic`: the softmax of the distillation is taken over the rows of a batch and not
over the classes, at T = 2 whatever `T` says; the examples for the correction, `val_percentage` of `memory`,
come on top of the memory.

Shims: the task's data can be replaced, and the schedule of the correction is called without the argument
`verbose`, which torch no longer has."""

from dataclasses import dataclass

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count, Positive, SmallerShare


@dataclass
class BiC(Row):
    memory: Count = 500  # examples kept, as many of every task
    val_percentage: SmallerShare = 0.1  # as many again, for the correction
    stage_2_epochs: Count = 200
    lr: Positive = 0.1  # of the correction
    tunes = {"lr": (1e-4, 1.0, "log")}
    family = "replay"
    paper = "Wu et al. 2019"
    keeps = "examples, the last task's weights"
    order = "own"
    small = {"stage_2_epochs": 3}
    shim = "the task's data can be replaced; the schedule of the correction is called without `verbose`"

    def supports(self, stream, net) -> str | None:
        if stream.scenario != "class":
            return "it has one head, whose classes come task by task"
        if int(self.val_percentage * self.memory) < stream.classes:
            return f"{self.val_percentage} of memory={self.memory} are fewer than {stream.classes} classes"
        return None

    def prepare(self) -> None:
        from avalanche.training.plugins import bic
        from torch.optim.lr_scheduler import MultiStepLR

        def schedule(optimizer, milestones, gamma, verbose=False):
            return MultiStepLR(optimizer, milestones, gamma)

        bic.MultiStepLR = schedule

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.BiC(
            **common,
            mem_size=self.memory,
            val_percentage=self.val_percentage,
            stage_2_epochs=self.stage_2_epochs,
            lr=self.lr,
        )

    def adapt(self, experience, stream) -> None:
        from clbench.avalanche.adapt import make_replaceable

        make_replaceable(experience)

    def scores(self, strategy, x, t):
        return plugin_with(strategy, "bias_layer").bias_forward(super().scores(strategy, x, t))

    def memory_items(self, strategy) -> int:
        plugin = plugin_with(strategy, "val_buffer")
        kept = sum(len(one.buffer) for one in plugin.val_buffer.values())
        return len(plugin.storage_policy.buffer) + kept

    def extra_params(self, strategy) -> int:
        old = plugin_with(strategy, "model_old").model_old
        return numbers_of(old)
