"""Riemannian walk (Chaudhry et al. 2018): EWC++ and a path integral in the metric of the Fisher information.

    loss = CE + lam sum_i (F_i / max F + s_i / max s) (theta_i - theta*_i)^2  F, s as the last task ended
    F <- alpha g^2 + (1 - alpha) F                                            in every step
    w <- w - g (theta after the step - theta before it)                       in every step
    s' <- s' + max(0, w / (F (theta - theta')^2 / 2 + eps))                   every `every` steps
    w <- 0, theta' <- theta                                                   then
    s <- (s + s') / 2; after the first task s'                                when a task ends
theta*: the weights at the start of the task, where theta' starts and s' and w are 0; g: the gradient of the
batch's CE alone, so in a spec rwalk stands in front of other penalties; the maxima are over a seed's weights.
Steps after the last full interval count for F alone. On pairs the temperature is left free, as in ewc. Kept:
importances, F, s and the anchor, four numbers a weight, and five more within a task. Cost: element-wise
operations, no passes.

*Differs:* its authors' code maps both F and s to 0..1 by (v - min) / (max - min), takes F from squared
gradients averaged over an interval, has no 1/2 in the denominator, and adds (s + s') / 2 to s. Avalanche
takes max(0, .) when the task ends, and as eps the precision of a float. FACIL estimates F when a task ends,
and w over the whole task."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import Count, NotNegative, Positive, Share
from clbench.strategies.parts.held import held_weights


@dataclass
class RWalk(Part):
    lam: NotNegative = 10.0  # strength of the penalty
    alpha: Share = 0.9  # weight of the newest squared gradient
    every: Count = 10  # steps between scores
    eps: Positive = 1e-3  # damping of the scores
    tunes = {"lam": (0.01, 1e4, "log")}  # of our own
    paper = "Chaudhry et al. 2018"
    small = {"every": 5}
    keeps = "importances, Fisher, scores, anchor"
    protects = learns_pairs = True

    def start(self, run: Run) -> None:
        theta = run.learner.theta  # [S, P], and so are all of these
        self.importance, self.fisher, self.score, self.anchor = (torch.zeros_like(theta) for _ in range(4))
        self.new_score, self.w, self.point = (torch.zeros_like(theta) for _ in range(3))  # s', w, theta'
        self._before, self._pull = torch.zeros_like(theta), torch.zeros_like(theta)
        self.period = self.every

    def before_task(self, t: int, plan: Batch) -> Batch:
        theta = self.run.learner.theta.detach()
        self.anchor.copy_(theta)
        self.point.copy_(theta)
        self.new_score.zero_()
        self.w.zero_()
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        theta = self.run.learner.theta.detach()
        self._g = g  # without the penalty, hence not changed in place
        self._before.copy_(theta)
        self.fisher.mul_(1 - self.alpha).addcmul_(g, g, value=self.alpha)
        pull = torch.sub(theta, self.anchor, out=self._pull)
        return torch.addcmul(g, self.importance, pull, value=2 * self.lam, out=pull)

    def after_step(self, batch: Batch) -> None:
        theta = self.run.learner.theta.detach()
        self.w.addcmul_(self._g, self._before.sub_(theta))  # before - theta: minus the step

    def after_period(self) -> None:
        theta = self.run.learner.theta.detach()
        metric = self.fisher * (theta - self.point).square() / 2 + self.eps
        self.new_score += self.w.clamp(min=0) / metric
        self.w.zero_()
        self.point.copy_(theta)

    def after_task(self, t: int) -> None:
        self.score = (self.score + self.new_score) / 2 if t else self.new_score.clone()
        held = held_weights(self.run)
        self.importance = relative(held * self.fisher) + relative(held * self.score)


def relative(values: Tensor) -> Tensor:
    """values [S, P], each divided by the largest of its seed."""
    return values / values.amax(-1, keepdim=True).clamp(min=1e-30)
