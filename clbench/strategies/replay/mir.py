"""Maximally interfered retrieval, ER-MIR (Aljundi et al. 2019, algorithm 1).

    theta_v = theta as the optimiser's next step on the current rows alone would make it
    replay the candidates c from the memory with the largest  CE(theta_v, c) - CE(theta, c)
The candidates are drawn from the memory anew at every step, without replacement within it, five for each that
is replayed (paper: 50 for 10). Everything else is `er`. The paper trains by plain SGD, where theta_v is
theta - lr grad CE. Under Adam that is not the step to come, and ranks the candidates worse than chance does:
on held-out data of split Fashion-MNIST (256 candidates for 128 rows, 2 seeds) `er` has .79, a plain gradient
step of length 1e-4 to .5 .59 to .68, Adam's own step .80; on split digits (5 seeds) this has .847, `er` .757;
on split MNIST by SGD in batches of 10, as in the paper (5 seeds), .870 and .844. Differs from Avalanche,
whose virtual step is plain SGD's and whose candidates come from the classes that the batch lacks. On pairs
the candidates are each other's negatives, the same at both weights. Cost: one more pass forward and back over
the current rows, two forward over the candidates."""

from dataclasses import dataclass
from typing import ClassVar

from clbench.core.batch import Batch, take
from clbench.core.budget import Budget
from clbench.core.ranges import Count, Rows
from clbench.strategies.replay.er import ER


@dataclass
class MIR(ER):
    memory: Count = 500  # examples kept
    candidates: Rows | None = None  # drawn at every step, at most the memory; None: five times `rows`
    rows: Rows | None = None  # of these, replayed; None: as many as new rows
    mix: ClassVar = "rows"  # type: ignore[misc]    # neither is an argument of its own
    share: ClassVar = "task"  # type: ignore[misc]
    paper = "Aljundi et al. 2019"
    small = {"memory": 100}
    stores = True

    def asked_bytes(self, budget: Budget) -> int:
        return budget.plan_bytes(self.candidates or 0)

    def drawn(self) -> int:
        """How many candidates a step looks at, where the memory has as many."""
        return self.candidates or 5 * (self.rows or self.run.replayed)

    def extra_cost(self, t: int) -> float:
        """The virtual step's pass over the new rows, and two passes forward over the candidates."""
        candidates = min(self.drawn(), self.memory)
        return (self.run.replayed + 2 / 3 * candidates) / self.run.rows if t else 0.0

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.stored is not None:
            plan.candidates = self.run.drawn_anew(self.stored, self.drawn(), len(plan.samples), "candidates")
        return plan

    def batch(self, batch: Batch) -> Batch:
        if "candidates" not in batch:
            return batch
        run, candidates = self.run, self.run.stream.gather(batch.candidates)
        theta = run.learner.theta.detach()
        virtual = run.learner.foresee(run.gradient(batch), batch.get("lr"))
        rise = run.row_losses(candidates, virtual) - run.row_losses(candidates, theta)  # [S, candidates]
        rows = min(self.rows or run.replayed, rise.shape[1])
        top = rise.topk(rows, -1).indices
        return batch.append(run.stream.gather(take(batch.candidates, top)))
