"""Memory aware synapses (Aljundi et al. 2018, equations 2 and 3).

    loss = CE + lam sum_i Omega_i (theta_i - theta*_i)^2
    Omega_i <- Omega_i + mean over examples x of |d ||f(x)||^2 / d theta_i|          when a task ends
f: the outputs that the example's softmax may see; theta*: the weights at the start of the task. No labels are
used. The mean is of absolute values of every example's own gradient; that of a batch's gradient is smaller.
Kept: two numbers a weight. Cost: the estimate when a task ends. Not for pairs: the norm of an embedding is
fixed.

*Differs:* its authors' code takes absolute values of the gradients of batches, and divides by the batch size.
GT-RIPL's code (Hsu et al. 2018) does too, with the mean of f^2 over outputs:
`mas(estimate="batches", norm="mean")`. FACIL takes the norm itself, not its square, and
averages old and new Omega, half each. Avalanche averages them too, of batches:
`mas(estimate="batches", alpha=0.5, lam=1.0)` is its lambda_reg = 1, without batch normalisation."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import Count, NotNegative, Share
from clbench.strategies.parts.fisher import Estimate, cost_of_estimate, mean_powers, powers_of_batches


@dataclass
class MAS(Part):
    lam: NotNegative = 0.1  # strength of the penalty
    samples: Count = 1024  # examples for the estimate by examples
    estimate: Estimate = "examples"  # whose gradients are taken; "batches": all batches of the task
    alpha: Share | None = None  # weight of the older importances, the new ones' is 1 - alpha; None: a sum
    norm: Literal["sum", "mean"] = "sum"  # of the squared outputs; mean: over those that a row may see
    tunes = {"lam": (1e-4, 1e4, "log")}  # of our own
    paper = "Aljundi et al. 2018"
    keeps = "importances and anchor, two numbers a weight"
    small = {"samples": 64}
    protects = True

    def extra_cost(self, t: int) -> float:
        return cost_of_estimate(self.run, t, self.samples, self.estimate)

    def start(self, run: Run) -> None:
        self.importance = torch.zeros_like(run.learner.theta)  # [S, P]: Omega
        self.anchor = torch.zeros_like(self.importance)  # [S, P]: theta*

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.anchor.copy_(self.run.learner.theta.detach())
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        moved = self.run.learner.theta.detach() - self.anchor
        return g.addcmul_(self.importance, moved, value=2 * self.lam)

    def after_task(self, t: int) -> None:
        new = self.omega(t)
        if t > 0 and self.alpha is not None:
            self.importance *= self.alpha
            new *= 1 - self.alpha
        self.importance += new

    def omega(self, t: int) -> Tensor:
        """[S, P]: the importances of task t alone."""
        measure = squared_norm if self.norm == "sum" else mean_square
        if self.estimate == "batches":
            return powers_of_batches(self.run, t, measure, power=1)
        samples = self.run.subset(self.run.stream.tasks[t].train, self.samples, "mas")
        return mean_powers(self.run, self.run.stream.gather(samples), measure, power=1)


def squared_norm(out: Tensor, rows: Batch) -> Tensor:
    """||f(x)||^2 [n] of outputs [n, C]."""
    return out.masked_fill(~rows.mask, 0).square().sum(-1)


def mean_square(out: Tensor, rows: Batch) -> Tensor:
    """||f(x)||^2 / |f(x)| [n] of outputs [n, C]."""
    return squared_norm(out, rows) / rows.mask.sum(-1)
