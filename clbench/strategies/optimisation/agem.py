"""Averaged gradient episodic memory, A-GEM (Chaudhry et al. 2019, "Efficient lifelong learning with A-GEM").

    g~ = g - (g.r / r.r) r  if g.r < 0, else g        r: gradient on a batch from the memory of all past tasks
The batch is drawn anew at every step, without replacement within it, as in the paper and its code.
r is the gradient of the data term alone, whatever other parts have added to g; an optimiser other than plain
SGD need not keep the angle. Differs from the paper: the memory is filled when a task ends, as many examples
of every task, instead of while it runs. From Avalanche: its reference batches walk the memory in a fixed
order, with as many rows of every task. On pairs, where compute is fixed, both batches are B/2.
Van de Ven et al. 2022 keep as many examples of every class from its task on, `share="class"`.
Cost: one more pass forward and back in each step, after any number of tasks."""

from dataclasses import dataclass

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, Rows
from clbench.strategies.parts.memory import Memory, Share
from clbench.strategies.parts.products import products


@dataclass
class AGEM(Part):
    memory: Count = 500  # examples kept
    rows: Rows | None = None  # of a reference batch, at most the memory; None: as many as new ones
    share: Share = "task"  # of what the memory holds as many examples each: tasks so far, or all classes
    paper = "Chaudhry et al. 2019"
    keeps = "examples"
    small = {"memory": 100, "rows": None}
    replays = protects = learns_pairs = stores = True

    def asked_bytes(self, budget: Budget) -> int:
        return budget.plan_bytes(self.rows or 0)

    def supports(self, stream: Stream, net: Network) -> str | None:
        return Memory.fits(self.memory, stream, self.share)

    def start(self, run: Run) -> None:
        self.kept = Memory(run, self.memory, self.share)

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.stored is not None:
            rows = self.rows or self.run.replayed
            plan.reference = self.run.drawn_anew(self.stored, rows, len(plan.samples), "reference")
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        if "reference" not in batch:
            return g
        r = self.run.gradient(self.run.stream.gather(batch.reference))
        conflict = dot(g, r).clamp(max=0)  # [S, 1]; 0 where there is none: no branch
        return g.addcmul_(conflict / dot(r, r).clamp(min=1e-30), r, value=-1)

    def after_task(self, t: int) -> None:
        self.stored = self.kept.after_task(t)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """[S, 1] of rows [S, P]."""
    return products(a.unsqueeze(1), b.unsqueeze(1)).squeeze(1)
