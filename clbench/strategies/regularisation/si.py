"""Synaptic intelligence (Zenke, Poole & Ganguli 2017, equations 3 to 5).

    loss = CE + c sum_i Omega_i (theta_i - theta*_i)^2
    omega_i <- omega_i - g_i (theta_i after the step - theta_i before it)            in every step
    Omega_i <- max(0, Omega_i + omega_i / ((theta_i - theta*_i)^2 + xi))             when a task ends
theta*: the weights at the start of the task; g: the gradient of CE alone, so in a spec si stands in front of
other penalties; omega starts at 0 in every task. On pairs the temperature is left free, as in ewc. Kept:
three numbers a weight, and two more within a step. Cost: a few element-wise operations, no passes.

*Differs:* the paper has no max; in its authors' code and here an importance is never negative. xi, which is
.001 there, decides the scale of Omega: c = 10 with xi = .1 is about their .1. van de Ven's code takes g of
the whole loss and has no max (`path="loss", cut="none"`), GT-RIPL's (Hsu et al. 2018) has neither; nor has
Mammoth a max, which clips the gradients first. Avalanche halves c, takes xi
= 1e-7 and g of the whole loss, and cuts Omega off at .001 from above, not at 0 from below:
`si(c=0.5, xi=1e-07, path="loss", cut="above")` is its si_lambda = 1, without normalisation layers."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part, Run
from clbench.core.ranges import NotNegative, Positive
from clbench.strategies.parts.held import held_weights

CUT = 0.001  # the largest importance that counts, where they are cut from above


@dataclass
class SI(Part):
    c: NotNegative = 10.0  # strength of the penalty
    xi: Positive = 0.1  # damping: the squared distance that counts as none
    path: Literal["data", "loss"] = "data"  # whose gradient is g: of CE alone, or with the penalty
    cut: Literal["below", "above", "none"] = "below"  # of Omega: no less than 0, or no more than CUT
    tunes = {"c": (1e-3, 1e5, "log")}  # van de Ven et al. 2022
    paper = "Zenke et al. 2017"
    keeps = "importances, path and anchor, three numbers a weight"
    protects = learns_pairs = True

    def start(self, run: Run) -> None:
        theta = run.learner.theta  # [S, P], and so are all of these
        self.importance, self.omega, self.anchor = (torch.zeros_like(theta) for _ in range(3))
        self._before, self._pull = torch.zeros_like(theta), torch.zeros_like(theta)

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.anchor.copy_(self.run.learner.theta.detach())
        self.omega.zero_()
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        theta = self.run.learner.theta.detach()
        self._before.copy_(theta)
        pull = torch.sub(theta, self.anchor, out=self._pull)  # no new memory, which takes longer
        held = self.importance.clamp(max=CUT) if self.cut == "above" else self.importance
        whole = torch.addcmul(g, held, pull, value=2 * self.c, out=pull)
        self._g = g if self.path == "data" else whole.clone()  # parts behind may change what they are given
        return whole

    def after_step(self, batch: Batch) -> None:
        back = self._before.sub_(self.run.learner.theta.detach())  # minus the step; in place, for speed
        self.omega.addcmul_(self._g, back)

    def after_task(self, t: int) -> None:
        moved = self.run.learner.theta.detach() - self.anchor
        gained = self.omega / (moved.square() + self.xi)
        self.importance += gained * held_weights(self.run)
        if self.cut == "below":
            self.importance.clamp_(min=0)
