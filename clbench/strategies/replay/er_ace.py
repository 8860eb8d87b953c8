"""Experience replay with asymmetric cross-entropy, ER-ACE (Caccia et al. 2022, "New insights on reducing
abrupt representation change in online continual learning").

    loss = CE(new rows; softmax over the classes of the present task) + CE(stored rows; over all classes)
so that new rows do not push the outputs of old classes down. Each CE is a mean; half their sum is taken, as
in `er`. The memory holds the present task's share from its start, or no row would ever set new classes
against old ones. All else is `er`, with which it agrees where tasks do not compete for outputs: hence
class-incremental streams only.
Differs: the authors' code and Mammoth mask by the classes that are in the batch, plus every output above the
largest label so far, leave the first task unmasked and add the two means without the half; Mammoth's
classifier is a cosine by default. Avalanche, too, fills the memory with the new task before it trains; it
masks from the second task on. Cost: that of `er`."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from clbench.core.batch import Batch
from clbench.core.part import Network, Stream
from clbench.core.ranges import Count
from clbench.strategies.replay.er import ER


@dataclass
class ERACE(ER):
    memory: Count = 500  # examples kept
    mix: ClassVar = "rows"  # type: ignore[misc]    # neither is an argument of its own
    share: ClassVar = "task"  # type: ignore[misc]
    paper = "Caccia et al. 2022"
    learns_pairs = False

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario != "class":
            return "is er where tasks do not compete for outputs"
        return super().supports(stream, net)

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.new = plan.samples.shape[2]
        self.stored = self.kept.after_task(t)
        return super().before_task(t, plan) if t else plan

    def batch(self, batch: Batch) -> Batch:
        row = torch.arange(batch.y.shape[1], device=batch.y.device)
        new = (row < self.new) & (batch.task == self.run.t)  # [S, B]
        present = self.run.stream.tasks[self.run.t].classes  # [C]
        batch.mask = batch.mask & (present | ~new.unsqueeze(-1))
        return batch

    def after_task(self, t: int) -> None:
        """The memory was filled when the task began."""
