"""Learning without forgetting (Li & Hoiem 2016, equations 1 to 4).

    loss = CE + lam T^2 sum_heads KL(softmax(teacher / T) || softmax(student / T))
The teacher is the network at the start of the task, seen on the batch's own rows; one softmax per set of old
outputs. On pairs: one of each side's scores with the other side of the batch, at the teacher's and the
student's own learned temperature. T^2 keeps the size of the gradient independent of T (Hinton et al.
2015).

*Differs:* in task t = 1, 2, … others weigh CE and the mean over heads of the distillation: van de Ven &
Tolias 2018 and 2019 by 1/t and 1 - 1/t, with T^2, the mean over outputs and a student whose softmax also has
the new ones, `lwf(weights="shares", student="seen", over_outputs="mean")`; van de Ven et al. 2022 by 1 and
t - 1, `weights="past", scale="one"`, or class-incremental by 1 and 1, over all ten outputs, the teacher's
too, `weights="one", student="both"`; Avalanche's example by 1/t and (t - 1)^2 / t, `weights="steep"`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Stream
from clbench.core.pytree import length, tree_map
from clbench.core.ranges import NotNegative, Positive

# Of CE and of the distillation, in task t = 1, 2, …
WEIGHTS: dict[str, Callable[[int], tuple[float, float]]] = {
    "one": lambda t: (1.0, 1.0),
    "shares": lambda t: (1 / t, 1 - 1 / t),
    "past": lambda t: (1.0, t - 1.0),
    "steep": lambda t: (1 / t, (t - 1) ** 2 / t),
}


@dataclass
class LwF(Part):
    lam: NotNegative = 1.0  # strength of the distillation
    temperature: Positive = 2.0  # T
    scale: Literal["T2", "one"] = "T2"  # whether T^2 stands in front
    weights: Literal["sum", "one", "shares", "past", "steep"] = "sum"  # 1 and the heads' sum, or as WEIGHTS
    student: Literal["old", "seen", "both"] = "old"  # outputs: old ones, what the loss sees, so the teacher's
    over_outputs: Literal["sum", "mean"] = "sum"  # of the distillation's terms
    tunes = {"lam": (0.01, 100.0, "log")}  # of our own
    paper = "Li & Hoiem 2016"
    keeps = "the last task's weights"
    protects = learns_pairs = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        known = self.student == "old" or stream.scenario != "pairs"
        return None if known else f"student={self.student!r} is of class labels"

    def extra_cost(self, t: int) -> float:
        return 1 / 3 if t else 0.0

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.teacher = self.run.learner.theta.detach().clone()  # [S, P]
        self.heads = self.run.stream.heads(t)  # none in the first task
        self.own, self.old = (1.0, 1.0) if self.weights == "sum" else WEIGHTS[self.weights](t + 1)
        return plan

    def batch(self, batch: Batch) -> Batch:
        if self.heads:
            with torch.no_grad():
                batch.teacher = self.run.learner.outputs(batch.x, self.teacher)
            if self.own != 1:
                batch.weight = batch.weight * self.own
        return batch

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        if not self.heads:
            return None
        taught = length(batch.teacher)  # rows that others append are not
        own = tree_map(lambda o: o[:taught], out)
        first, *more = (self.distance(*self.seen(head, own, batch)) for head in self.heads)
        heads = 1 if self.weights == "sum" else len(self.heads)
        return self.lam * self.old / self.own / heads * sum(more, first)

    def seen(self, head: Callable[[Tensor], Tensor], own: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The student's scores and the teacher's, as far as the distillation sees them."""
        if self.student == "old" or self.run.stream.scenario == "task":
            return head(own), head(batch.teacher)
        shown = batch.mask[: len(own)]
        teacher = batch.teacher.masked_fill(~shown, -1e9) if self.student == "both" else head(batch.teacher)
        return own.masked_fill(~shown, -1e9), teacher

    def distance(self, out: Tensor, teacher: Tensor) -> Tensor:
        T = self.temperature
        log_q, log_p = (F.log_softmax(o / T, -1) for o in (out, teacher))
        # F.kl_div has no batching rule under vmap
        distance = (T**2 if self.scale == "T2" else 1) * (log_p.exp() * (log_p - log_q)).sum(-1)
        return distance if self.over_outputs == "sum" else distance / (out > -1e8).sum(-1)
