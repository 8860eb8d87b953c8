"""Learning without forgetting (Li & Hoiem 2016, equations 1 to 4).

    loss = CE + lam T^2 sum_heads KL(softmax(teacher / T) || softmax(student / T))
The teacher is the network at the start of the task, seen on the batch's own rows; one softmax per set of old
outputs. On pairs: one of each side's scores with the other side of the batch, at the teacher's and the
student's own learned temperature. T^2 keeps the size of the gradient independent of T (Hinton et al.
2015)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.core.pytree import length, tree_map
from clbench.core.ranges import NotNegative, Positive


@dataclass
class LwF(Part):
    lam: NotNegative = 1.0  # strength of the distillation
    temperature: Positive = 2.0  # T
    tunes = {"lam": (0.01, 100.0, "log")}  # of our own
    paper = "Li & Hoiem 2016"
    keeps = "the last task's weights"
    protects = learns_pairs = True

    def extra_cost(self, t: int) -> float:
        return 1 / 3 if t else 0.0

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.teacher = self.run.learner.theta.detach().clone()  # [S, P]
        self.heads = self.run.stream.heads(t)  # none in the first task
        return plan

    def batch(self, batch: Batch) -> Batch:
        if self.heads:
            with torch.no_grad():
                batch.teacher = self.run.learner.outputs(batch.x, self.teacher)
        return batch

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        if not self.heads:
            return None
        taught = length(batch.teacher)  # rows that others append are not
        own = tree_map(lambda o: o[:taught], out)
        first, *more = (self.distance(head(own), head(batch.teacher)) for head in self.heads)
        return self.lam * sum(more, first)

    def distance(self, out: Tensor, teacher: Tensor) -> Tensor:
        T = self.temperature
        log_q, log_p = (F.log_softmax(o / T, -1) for o in (out, teacher))
        return T**2 * (log_p.exp() * (log_p - log_q)).sum(-1)  # F.kl_div has no batching rule under vmap
