"""Model merging: what each task changes of the weights is a vector, and the answer adds these up. Task
arithmetic (Ilharco et al. 2023), TIES (Yadav et al. 2023) or MagMax (Marczak et al. 2024).

    tau_k = theta_k - theta_0
    answer for all tasks: with theta_0 + scale merge(tau_2 … tau_T), for each weight
        arithmetic: the mean of its tau_k
        ties:       of each tau_k only the share `keep` that is largest in size; of these the mean of those
                    that have the sign of their sum
        magmax:     the tau_k that is largest in size
theta_0: the weights after the first task, which stand for the pretrained ones. For `magmax` each task goes on
from where the last one ended, for the others from theta_0 with a fresh optimiser. Kept: theta_0, what is
merged, and the running sums of the method, at most six copies of the weights for any number of tasks. Cost:
no extra passes.

*Differs:* the papers merge pretrained networks with an output layer that text or each task gives; from
scratch the outputs of new classes are merged with the rest, and class-incremental learning goes badly. On
split digits (smoke, 5 seeds; class, task, domain) naive has .101, .958, .817, `magmax` at .5 .319, .966,
.870, `ties` at 1 .141, .925, .838, `arithmetic` at 1 .184, .904, .786. The papers choose their `scale` on
held-out data: .5 for magmax, near 1 for ties; of the plain sum of task arithmetic it is ours over the number
of vectors. Where the sum of a weight's changes is 0 TIES takes the sign that most other weights have."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.pytree import Tree
from clbench.core.ranges import NotNegative, PositiveShare


@dataclass
class Merging(Part):
    method: Literal["arithmetic", "ties", "magmax"] = "magmax"
    scale: NotNegative = 0.5  # of what is added to theta_0
    keep: PositiveShare = 0.2  # share of the weights whose change counts; ties alone
    tunes = {"scale": (0.05, 1.0, "linear")}  # as Ilharco et al. 2023 search
    paper = "Marczak et al. 2024"
    keeps = "merged weights, running sums of their changes"
    learns_pairs = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return "needs a network without running statistics" if net.layout.buffers else None

    def start(self, run: Run) -> None:
        theta = run.learner.theta.detach()
        self.base, self.merged = theta.clone(), theta.clone()  # [S, P]
        sums = {"arithmetic": 1, "ties": 4, "magmax": 1}[self.method]
        self.sums = theta.new_zeros(len(theta), sums, theta.shape[1])  # [S, sums, P]

    def before_task(self, t: int, plan: Batch) -> Batch:
        if t > 0 and self.method != "magmax":
            self.run.learner.theta.detach().copy_(self.base)
            self.run.learner.reset_optimiser()
        return plan

    def after_task(self, t: int) -> None:
        theta = self.run.learner.theta.detach()
        if t == 0:
            self.base.copy_(theta)
            self.merged.copy_(theta)
            return
        merge = {"arithmetic": self.mean, "ties": self.mean_of_sign, "magmax": self.largest}[self.method]
        self.merged = self.base + self.scale * merge(theta - self.base, t)

    def mean(self, tau: Tensor, t: int) -> Tensor:
        (total,) = self.sums.unbind(1)
        total += tau
        return total / t

    def largest(self, tau: Tensor, t: int) -> Tensor:
        (best,) = self.sums.unbind(1)
        best.copy_(torch.where(tau.abs() > best.abs(), tau, best))
        return best

    def mean_of_sign(self, tau: Tensor, t: int) -> Tensor:
        above, below, times_above, times_below = self.sums.unbind(1)
        counted = max(1, int(self.keep * self.run.learner.net.layout.parameters))
        least = tau.abs().topk(counted, -1).values[:, -1:]
        tau = tau.where(tau.abs() >= least, 0)
        above += tau.clamp(min=0)
        below += tau.clamp(max=0)
        times_above += tau > 0
        times_below += tau < 0
        mean_above, mean_below = above / times_above.clamp(min=1), below / times_below.clamp(min=1)
        return torch.where(above + below > 0, mean_above, mean_below)

    def predict(self, x: Tree, t: int | None) -> Tree:
        return self.run.learner.outputs(x, self.merged)
