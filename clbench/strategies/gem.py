"""Gradient episodic memory, GEM (Lopez-Paz & Ranzato 2017, equations 8 to 11).

    g~ = argmin |g~ - g|^2 / 2  subject to  g~.g_k >= 0 for every past task k        g_k: gradient on task k's memory
    by its dual:  v = argmin_{v >= margin} v' G G' v / 2 + (G g)' v,   g~ = g + G' v        G: the g_k as rows
As in the released code the dual variables are at least `margin`, and g is left alone where no constraint is violated.
Differs: the dual is solved by a fixed number of accelerated projected gradient steps on the device, where the authors call
quadprog; memory/T examples of each task, filled when it ends. Cost: a pass forward and back over the memory of every past
task in each step; no parameters but the t gradients within a step."""
from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.engine.part import Part
from clbench.strategies.parts.memory import Memory
from clbench.stream import Batch


@dataclass
class GEM(Part):
    memory: int = 500                # examples kept, the same number of every task of the stream
    margin: float = 0.5              # lower bound of the dual variables ("memory strength")
    iterations: int = 100            # of the dual's solver

    def supports(self, stream, net) -> str | None:
        return Memory.fits(self.memory, stream)

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        if self.stored is None:
            return g
        tasks = self.stored.unflatten(1, (self.run.t, -1)).unbind(1)
        G = torch.stack([self.run.gradient(self.run.stream.gather(task)) for task in tasks], 1)         # [S, t, P]
        dots = (G @ g.unsqueeze(-1)).squeeze(-1)                                                        # [S, t]
        v = solve_dual(G @ G.mT, dots, self.margin, self.iterations)
        violated = (dots < 0).any(1, keepdim=True)                                                      # [S, 1]
        return g + violated * (v.unsqueeze(1) @ G).squeeze(1)

    def after_task(self, t: int) -> None:
        tasks = self.run.stream.tasks
        new = self.run.subset(tasks[t].train, self.memory // len(tasks), "memory")
        self.stored = new if self.stored is None else torch.cat([self.stored, new], 1)


def solve_dual(Q: Tensor, p: Tensor, margin: float, iterations: int, ridge: float = 1e-4) -> Tensor:
    """v [S, t] >= margin with the least v'Qv / 2 + p'v; Q [S, t, t] positive semidefinite, p [S, t].

    Nesterov's accelerated projected gradient on the problem rescaled to a unit diagonal, whose largest eigenvalue is at
    most t. The ridge decides how well constraints hold: the worst cosine(g~, g_k) is about -ridge times v.
    """
    d = Q.diagonal(dim1=-2, dim2=-1).clamp(min=1e-12).sqrt()                                            # [S, t]
    Q, p, low = Q / (d.unsqueeze(-1) * d.unsqueeze(-2)), p / d, margin * d
    Q = Q + ridge * torch.eye(d.shape[-1], device=d.device)
    v = w = low
    for k in range(iterations):
        new = torch.maximum(w - ((Q @ w.unsqueeze(-1)).squeeze(-1) + p) / (d.shape[-1] + ridge), low)
        w, v = new + k / (k + 3) * (new - v), new
    return v / d
