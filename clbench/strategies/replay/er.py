"""Experience replay (Chaudhry et al. 2019, "On tiny episodic memories in continual learning").

    loss = mean of CE over B current rows and B rows from the memory
On pairs, where a batch stays as large as it is, B/2 of each are one batch and so each other's negatives.
The memory holds as many examples of every task and is filled at the end of each task. Replayed rows are drawn
in reshuffled passes over it, so that all come up equally often; the paper draws anew at every step."""

from dataclasses import dataclass

import torch

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count
from clbench.strategies.parts.memory import Memory


@dataclass
class ER(Part):
    memory: Count = 500  # examples kept
    paper = "Chaudhry et al. 2019"
    keeps = "examples"
    small = {"memory": 100}
    replays = learns_pairs = stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return Memory.fits(self.memory, stream)

    def start(self, run: Run) -> None:
        self.kept = Memory(run, self.memory)

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.stored is not None:
            replay = self.run.shuffled(self.stored, self.run.replayed, len(plan.samples), "replay")
            plan.samples = torch.cat([plan.samples, replay], 2)  # [steps, S, 2 rows, 2]
        return plan

    def after_task(self, t: int) -> None:
        self.stored = self.kept.after_task(t)
