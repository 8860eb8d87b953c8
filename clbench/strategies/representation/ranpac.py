"""RanPAC (McDonnell et al. 2023, algorithm 1): ridge regression on random features of fixed features.

    h = relu(R' f(x))        R: [features, width] from N(0, 1), drawn once
    W = (G + lam g I)^-1 Q   with h in the place of f;  g: mean of the diagonal of G
    answer: argmax_c  w_c' h
Kept: R and the sums G and Q over all examples, see `clbench.strategies.parts.sums`. The network f learns in
the first task alone; in the paper it is a pretrained transformer with adapters that the first task trains.
*Differs:* the paper and its code have 10,000 random features, whose G takes 800 MB a seed in double
precision, and choose lam between 1e-8 and 1e8 anew at every task, by the squared error on the last fifth of
the task's rows. Here lam is given and relative to g, which grows with the examples. Cost: width^2 numbers, as
many products an example, and width^3 / 3 a task for the solution, which FLOPs do not count."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.budget import Budget
from clbench.core.part import Run
from clbench.core.ranges import Width
from clbench.strategies.representation.ridge import Ridge


@dataclass
class RanPAC(Ridge):
    width: Width = 1000  # random features
    small = {"width": 60}

    def asked_bytes(self, budget: Budget) -> int:
        """G, with the penalty, and its factor, in double precision."""
        return 3 * 8 * self.width**2

    def start(self, run: Run) -> None:
        two = run.stream.gather(run.stream.tasks[0].train[:2].expand(run.S, -1, 2))
        size = run.learner.features(two.x).shape[-1]
        draws = run.draw("random features", lambda draws: torch.randn(size, self.width, generator=draws))
        self.R = draws.transpose(0, 1)  # [S, features, width]
        super().start(run)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        return (super().features(x) @ self.R).relu()

    def products(self, t: int, examples: int) -> float:
        _, size, width = self.R.shape
        return super().products(t, examples) + examples * size * width
