"""Dark experience replay++ (Buzzega et al. 2020, equation 6).

    loss = CE(x, y) + alpha MSE(z', h(x')) + beta CE(x'', y'')
(x', z') and (x'', y'') are two draws from a reservoir of examples with the outputs z that the network gave in
the step in which they were stored, drawn anew at every step, with replacement. MSE is the mean over outputs,
as in the released code; the paper writes the squared norm. Differs: replay starts with the second task. Cost:
B + B more rows in every step; an output vector for each example kept."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, NotNegative
from clbench.strategies.parts.memory import Memory, reservoir


@dataclass
class DERpp(Part):
    memory: Count = 500  # examples kept, with their outputs
    alpha: NotNegative = 0.5  # weight of the stored outputs
    beta: NotNegative = 0.5  # weight of the stored labels
    paper = "Buzzega et al. 2020"
    keeps = "examples with their outputs"
    small = {"memory": 100}
    stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return Memory.fits(self.memory, stream)

    def extra_cost(self, t: int) -> float:
        return 2.0 if t else 0.0

    def start(self, run: Run) -> None:
        # One slot more than examples: rows that are not kept are written there.
        self.slots = torch.zeros(run.S, self.memory + 1, 2, dtype=torch.long, device=run.stream.device)
        self.z = torch.zeros(run.S, self.memory + 1, run.stream.classes, device=run.stream.device)
        self.stored, self.seen = self.slots[:, :-1], 0

    def before_task(self, t: int, plan: Batch) -> Batch:
        steps, B = len(plan.samples), self.run.rows
        plan.write = reservoir(self.run, self.memory, self.seen, steps, B)  # [steps, S, B]
        if t > 0:
            filled = min(self.seen, self.memory)
            plan.read = self.run.draw(
                "replay", lambda draws: torch.randint(filled, (steps, 2 * B), generator=draws)
            )
            plan.read_views = self.run.views(steps, 2 * B, "replay views")
        self.seen += steps * B
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "read" not in batch:
            return batch
        samples = torch.cat([take(self.slots, batch.read), batch.read_views], -1)
        dark, labelled = (self.run.stream.gather(half) for half in samples.chunk(2, 1))
        dark.y.fill_(-100)  # no label: these rows have z' only
        self.first, self.count = batch.y.shape[1], dark.y.shape[1]
        batch.z = take(self.z, batch.read[:, : self.count])
        return batch.append(dark, self.alpha).append(labelled, self.beta)

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
