"""Two views of the same rows, and losses between their projections, for learning without labels."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch, take
from clbench.core.part import Run

if TYPE_CHECKING:
    from clbench.engine.learner import Learner

MASKS = 512  # different ones in a task


class TwoViews:
    """A view leaves out a random share `hidden` of an input's values: they become their mean in training
    data of the first task. Where the stream augments, the two views of a row are different crops too."""

    def __init__(self, run: Run, hidden: float) -> None:
        self.run, self.hidden = run, hidden
        train = run.stream.tasks[0].train
        x = run.stream.gather(run.subset(train, 256, "mean input")).x
        self.mean = x.mean(1, keepdim=True)  # [S, 1, d]

    def plan(self, plan: Batch) -> Batch:
        """The plan with a mask for both views of each row and, where the stream augments, a second crop."""
        steps, _, rows, _ = plan.samples.shape
        shape, numbers = (1, MASKS, self.mean.shape[-1]), (steps, rows, 2)
        draw = self.run.draw
        masks = draw("masks", lambda draws: torch.rand(shape, generator=draws) < self.hidden)
        self.masks = masks[0]  # [S, MASKS, d]: what is left out
        plan.masks = draw("views", lambda draws: torch.randint(MASKS, numbers, generator=draws))
        plan.crops = self.run.views(steps, rows, "second crops")
        return plan

    def of(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The two views [S, B, d] of the rows of a batch from the plan."""
        x = second = batch.x
        if batch.crops.shape[-1]:
            samples = torch.cat([batch.samples[..., :2], batch.crops], -1)
            second = self.run.stream.gather(samples).x
        one, two = (take(self.masks, numbers) for numbers in batch.masks.unbind(-1))
        return torch.where(one, self.mean, x), torch.where(two, self.mean, second)

    def teach(self, learner: "Learner", loss: Callable[[Any, Batch], Tensor], steps: int) -> None:
        """So many steps of another learner than the run's, on views of the first task's rows."""
        run = self.run
        samples = run.shuffled(run.stream.tasks[0].train, steps=steps, purpose="unlabelled batches")
        plan = self.plan(Batch(samples=samples))
        for step in run.clock.repeat(steps):
            batch = Batch({**plan.at(step), **run.stream.gather(samples[step])})
            batch.x = self.of(batch)
            learner.step(learner.gradient(loss, batch))
        run.updates += steps
        run.samples_seen += samples[..., 0].numel()


def barlow_twins(z: Tensor, other: Tensor, lam: float) -> Tensor:
    """sum_i (1 - C_ii)^2 + lam sum_{i != j} C_ij^2 a column, with C the correlations between the columns of z
    and those of `other` [n, width], both standardised."""
    C = z.mT @ other / len(z)
    eye = torch.eye(len(C), device=C.device)
    return ((C - eye).square() * (eye + lam * (1 - eye))).sum() / len(C)


def simsiam(z: Tensor, other: Tensor, p: Tensor, other_p: Tensor) -> Tensor:
    """-1/2 cos(p, other) - 1/2 cos(other_p, z), the mean over the rows; no gradient goes into z and
    `other`."""
    towards = F.cosine_similarity(p, other.detach(), -1) + F.cosine_similarity(other_p, z.detach(), -1)
    return -towards.mean() / 2
