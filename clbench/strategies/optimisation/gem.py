"""Gradient episodic memory, GEM (Lopez-Paz & Ranzato 2017, "Gradient episodic memory for continual
learning").

    g~ = argmin |g~ - g|^2 / 2  subject to  g~.g_k >= 0 for every past task k
    by its dual:  v = argmin_{v >= margin} v' G G' v / 2 + (G g)' v,   g~ = g + G' v

with g_k the gradient on task k's whole memory, of which nothing is drawn, and G the g_k as rows.
As in the released code v is at least `margin`, which favours the past tasks, and g stays as it is where no
constraint is violated. The g_k are gradients of the data term alone. Differs from that code and from
Avalanche: the dual is solved on the device, where they call quadprog on the CPU; its ridge is relative to
|g_k|^2 (theirs: 1e-3); the memory of a task is a random subset. Cost: memory/T more rows forward and back,
and one gradient held, for every past task in each step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, NotNegative
from clbench.strategies.parts.dual import solve_dual
from clbench.strategies.parts.memory import Memory
from clbench.strategies.parts.products import products


@dataclass
class GEM(Part):
    memory: Count = 500  # examples kept, as many of each of the stream's T tasks
    margin: NotNegative = 0.5  # least dual variable ("memory strength")
    tunes = {"margin": (0.0, 1.0, "linear")}  # of our own; the paper has 0 and 0.5
    paper = "Lopez-Paz & Ranzato 2017"
    keeps = "examples"
    small = {"memory": 100}
    grows = "fills its memory task by task, as many examples of each of the stream's tasks"
    protects = stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return Memory.fits(self.memory, stream)

    def extra_cost(self, t: int) -> float:
        """A pass over the whole memory of every past task."""
        return t * (self.memory // len(self.run.stream.tasks)) / self.run.rows

    def start(self, run: Run) -> None:
        self.tasks: list[Tensor] = []  # [S, m, 2] each

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.past = [self.run.stream.gather(kept) for kept in self.tasks]
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        if not self.past:
            return g
        G = torch.stack([*(self.run.gradient(batch) for batch in self.past), g], 1)  # [S, t + 1, P]
        inner = products(G, G)
        GG, Gg = inner[:, :-1, :-1], inner[:, :-1, -1]  # [S, t, t], [S, t]
        v = solve_dual(GG, Gg, self.margin) * (Gg < 0).any(1, keepdim=True)
        for v_k, g_k in zip(v.split(1, 1), G.unbind(1), strict=False):
            g.addcmul_(v_k, g_k)
        return g

    def after_task(self, t: int) -> None:
        tasks = self.run.stream.tasks
        self.tasks.append(self.run.subset(tasks[t].train, self.memory // len(tasks), "memory"))
        self.stored = torch.cat(self.tasks, 1)
        self.past = []  # gathered anew by the next task
