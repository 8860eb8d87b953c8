"""Dark experience replay (Buzzega et al. 2020, equation 5).

    loss = CE(x, y) + alpha MSE(z', h(x'))
(x', z') is drawn from a reservoir of examples with the outputs z that the network gave in the step in which
they were stored, anew at every step, with replacement. No label is replayed. MSE is the mean over all
outputs, those of classes to come too, as in the released code; the paper writes the squared norm.
Differs: replay starts with the second task, in the released code with the second batch; that code keeps
images as they are beside the outputs of their augmented views, while here a replayed row is seen in a view of
its own. A reservoir keeps early rows, so where a task is short most z are those of a network that had hardly
learnt: on split digits, class-incremental, 40 steps a task, ACC is .33 and that of `er` .80. Cost: B more
rows in every step; an output vector for each example kept."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, NotNegative
from clbench.strategies.parts.memory import Memory, reservoir


@dataclass
class DER(Part):
    memory: Count = 500  # examples kept, with their outputs
    alpha: NotNegative = 0.5  # weight of the stored outputs
    paper = "Buzzega et al. 2020"
    keeps = "examples with their outputs"
    small = {"memory": 100}
    stores = True
    draws: ClassVar[int] = 1  # of B rows from the reservoir, in every step
    tunes = {"alpha": (0.1, 1.0, "log")}  # those that the paper's appendix lists

    def supports(self, stream: Stream, net: Network) -> str | None:
        return Memory.fits(self.memory, stream)

    def extra_cost(self, t: int) -> float:
        return float(self.draws) if t else 0.0

    def start(self, run: Run) -> None:
        # One slot more than examples: rows that are not kept are written there.
        self.slots = torch.zeros(run.S, self.memory + 1, 2, dtype=torch.long, device=run.stream.device)
        self.z = torch.zeros(run.S, self.memory + 1, run.stream.classes, device=run.stream.device)
        self.stored, self.seen = self.slots[:, :-1], 0

    def before_task(self, t: int, plan: Batch) -> Batch:
        steps, B = len(plan.samples), self.run.rows
        plan.write = reservoir(self.run, self.memory, self.seen, steps, B)  # [steps, S, B]
        if t > 0:
            filled, rows = min(self.seen, self.memory), self.draws * B
            plan.read = self.run.draw(
                "replay", lambda draws: torch.randint(filled, (steps, rows), generator=draws)
            )
            plan.read_views = self.run.views(steps, rows, "replay views")
        self.seen += steps * B
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "read" not in batch:
            return batch
        dark = self.drawn(batch, 0)
        dark.y.fill_(-100)  # no label: these rows have z' only
        self.first, self.count = batch.y.shape[1], dark.y.shape[1]
        batch.z = take(self.z, batch.read[:, : self.count])
        return batch.append(dark, self.alpha)

    def drawn(self, batch: Batch, number: int) -> Batch:
        """The rows of one of the draws from the reservoir."""
        read, views = (both.chunk(self.draws, 1)[number] for both in (batch.read, batch.read_views))
        return self.run.stream.gather(torch.cat([take(self.slots, read), views], -1))

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        if "z" not in batch:
            return None
        squared = (out[self.first : self.first + self.count] - batch.z).square().mean(-1)
        return F.pad(squared, (self.first, 0))

    def after_step(self, batch: Batch) -> None:
        if "write" not in batch:  # another part trains on a plan of its own
            return
        slot, B = batch.write.unsqueeze(-1), batch.write.shape[1]
        self.slots.scatter_(1, slot.expand(-1, -1, 2), batch.samples[:, :B, :2])
        self.z.scatter_(1, slot.expand(-1, -1, self.z.shape[-1]), batch.out[:, :B])
