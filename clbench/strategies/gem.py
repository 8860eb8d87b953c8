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
    iterations: int = 50             # of the dual's solver

    def supports(self, stream, net) -> str | None:
        return Memory.fits(self.memory, stream)

    def before_task(self, t: int, plan: Batch) -> Batch:
        tasks = self.stored.unflatten(1, (t, -1)).unbind(1) if t > 0 else []
        self.past = [self.run.stream.gather(task) for task in tasks]
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        if not self.past:
            return g
        G = torch.stack([g, *map(self.run.gradient, self.past)], 1)                     # [S, 1 + t, P]: g first
        products = G @ G.mT                                                             # [S, 1 + t, 1 + t]
        dots = products[:, 0, 1:]                                                       # [S, t]: g_k.g
        v = solve_dual(products[:, 1:, 1:], dots, self.margin, self.iterations)
        v = torch.where((dots < 0).any(1, keepdim=True), v, 0)                          # nothing violated: g stays
        return (torch.nn.functional.pad(v, (1, 0), value=1).unsqueeze(1) @ G).squeeze(1)

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
    unit, L = torch.eye(d.shape[-1], device=d.device), d.shape[-1] + ridge               # L bounds the largest eigenvalue
    M, c, low = unit - (Q + ridge * unit) / L, (-p / L).unsqueeze(-1), low.unsqueeze(-1)
    v = w = low                                                                                         # [S, t, 1]
    for k in range(iterations):
        new = torch.maximum(torch.baddbmm(c, M, w), low)                                 # w - (Q w + p) / L, projected
        w, v = torch.lerp(v, new, 1 + k / (k + 3)), new                                  # new + k / (k + 3) (new - v)
    return v.squeeze(-1) / d
