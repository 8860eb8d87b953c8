"""Elastic weight consolidation (Kirkpatrick et al. 2017, equation 3).

    loss = CE + (lam / 2) sum_k sum_i F_k,i (theta_i - theta*_k,i)^2
F_k: diagonal of the Fisher information after task k, with labels sampled from the network; theta*_k: the
weights then. On pairs, whose loss is of a batch: B times the squared gradients of whole batches, with
partners sampled from the softmax. Only sum_k F_k and sum_k F_k theta*_k are kept, so a step costs the same
after any number of tasks:

    gradient of the penalty = lam (theta sum_k F_k - sum_k F_k theta*_k)

*Differs:* Avalanche takes F from the squared gradients of batches, with their true labels, and has no 1/2:
`ewc(estimate="batches", lam=2.0)` is its ewc_lambda = 1, without batch normalisation. GT-RIPL's code (Hsu et
al. 2018) has no 1/2 and takes the likeliest label of all examples, van de Ven & Tolias 2019 that label, van
de Ven et al. 2022 all labels weighted by the softmax: `label`, with a `samples` of 60000."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import Count, NotNegative
from clbench.strategies.parts.fisher import Estimate, Labels, cost_of_estimate
from clbench.strategies.parts.fisher import fisher as fisher_of


@dataclass
class EWC(Part):
    lam: NotNegative = 1000.0  # strength of the penalty
    samples: Count = 1024  # examples for the Fisher estimate by examples
    estimate: Estimate = "examples"  # whose gradients are squared; "batches": all of the task's, true labels
    label: Labels = "sampled"  # of examples
    tunes = {"lam": (1.0, 1e8, "log")}  # van de Ven et al. 2022: 1 to 1e13, for longer training
    paper = "Kirkpatrick et al. 2017"
    keeps = "importances and anchor, two numbers a weight"
    small = {"lam": 100, "samples": 64}
    protects = learns_pairs = True

    def extra_cost(self, t: int) -> float:
        return cost_of_estimate(self.run, t, self.samples, self.estimate)

    def start(self, run: Run) -> None:
        self.fisher = torch.zeros_like(run.learner.theta)  # [S, P]: sum_k F_k
        self.fisher_anchor = torch.zeros_like(self.fisher)  # [S, P]: sum_k F_k theta*_k

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        theta = self.run.learner.theta.detach()
        return g.addcmul_(self.fisher, theta, value=self.lam).sub_(self.fisher_anchor, alpha=self.lam)

    def after_task(self, t: int) -> None:
        fisher = fisher_of(self.run, t, self.samples, self.estimate, self.label)
        self.fisher += fisher
        self.fisher_anchor += fisher * self.run.learner.theta.detach()
