"""Online elastic weight consolidation (Schwarz et al. 2018, section 4).

    loss = CE + (lam / 2) sum_i F_i (theta_i - theta*_i)^2
    F <- gamma F + F_t                                                               when task t ends
F_t: diagonal of the Fisher information after task t, with labels sampled from the network, on pairs as in
ewc; theta*: the weights at the start of the task. ewc holds on to all earlier anchors, this one to the last
alone, so with gamma = 1 they still differ. Class-incremental, where the softmax is over all classes, rows of
the head for classes to come have an importance too. Kept: two numbers a weight. Cost: the estimate when a
task ends.

*Differs:* the paper weights F by gamma in the penalty as well, and so does van de Ven's code; the paper also
brings every F_t to the same norm. GT-RIPL's code has gamma = 1, no 1/2 and the likeliest label. Mammoth has
no 1/2 and takes F from batches, from true labels weighted by their probability. Avalanche's ewc has a mode
`online`, without 1/2, from batches with true labels: `online_ewc(estimate="batches", gamma=0.9, lam=2.0)` is
its ewc_lambda = 1 with decay_factor = .9, without batch normalisation. For van de Ven's penalty
lam is his lambda times gamma."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import Count, NotNegative, Share
from clbench.strategies.parts.fisher import Estimate, Labels, cost_of_estimate, fisher


@dataclass
class OnlineEWC(Part):
    lam: NotNegative = 1000.0  # strength of the penalty
    gamma: Share = 1.0  # what a task leaves of the importances before it
    samples: Count = 1024  # examples for the Fisher estimate by examples
    estimate: Estimate = "examples"  # whose gradients are squared; "batches": all of the task's, true labels
    label: Labels = "sampled"  # of examples
    tunes = {"lam": (1.0, 1e8, "log")}  # as of ewc
    paper = "Schwarz et al. 2018"
    keeps = "importances and anchor, two numbers a weight"
    small = {"lam": 100, "samples": 64}
    protects = learns_pairs = True

    def extra_cost(self, t: int) -> float:
        return cost_of_estimate(self.run, t, self.samples, self.estimate)

    def start(self, run: Run) -> None:
        self.importance = torch.zeros_like(run.learner.theta)  # [S, P]: F
        self.anchor = torch.zeros_like(self.importance)  # [S, P]: theta*

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.anchor.copy_(self.run.learner.theta.detach())  # not before: a part in front may have moved them
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        moved = self.run.learner.theta.detach() - self.anchor
        return g.addcmul_(self.importance, moved, value=self.lam)

    def after_task(self, t: int) -> None:
        new = fisher(self.run, t, self.samples, self.estimate, self.label)
        self.importance.mul_(self.gamma).add_(new)
