"""Maximally interfered retrieval, ER-MIR (Aljundi et al. 2019, algorithm 1).

    theta_v = theta - alpha grad CE(current rows)
    replay the candidates c from the memory with the largest  CE(theta_v, c) - CE(theta, c)
Everything else is `er`. alpha is a length of its own, not the learning rate: under Adam a plain gradient step
of that length hardly moves. Differs from Avalanche, whose step is the optimiser's learning rate, whose
candidates come from the classes that the batch lacks. On pairs the candidates are each other's negatives, the
same at both weights. Cost: one more pass forward and back over the current rows, two forward over the
candidates."""

from dataclasses import dataclass

from clbench.core.batch import Batch, take
from clbench.core.budget import Budget
from clbench.core.ranges import NotNegative, Rows
from clbench.strategies.replay.er import ER


@dataclass
class MIR(ER):
    candidates: Rows | None = None  # drawn from the memory at every step; None: twice as many as new rows
    rows: Rows | None = None  # of these, replayed; None: as many as new rows
    alpha: NotNegative = 0.05  # length of the virtual step
    paper = "Aljundi et al. 2019"

    def asked_bytes(self, budget: Budget) -> int:
        return budget.plan_bytes(self.candidates or 0)

    def extra_cost(self, t: int) -> float:
        """The virtual step's pass over the new rows, and two passes forward over the candidates."""
        new = self.run.replayed
        return (new + 2 / 3 * (self.candidates or 2 * new)) / self.run.rows if t else 0.0

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.stored is not None:
            count = self.candidates or 2 * self.run.replayed
            plan.candidates = self.run.shuffled(self.stored, count, len(plan.samples), "candidates")
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "candidates" not in batch:
            return batch
        run, candidates = self.run, self.run.stream.gather(batch.candidates)
        theta = run.learner.theta.detach()
        virtual = theta - self.alpha * run.gradient(batch)
        interference = run.row_losses(candidates, virtual) - run.row_losses(
            candidates, theta
        )  # [S, candidates]
        top = interference.topk(self.rows or run.replayed, -1).indices
        return batch.append(run.stream.gather(take(batch.candidates, top)))
