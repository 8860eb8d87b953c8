"""Deep generative replay (Shin et al. 2017, equation 3; soft targets: van de Ven & Tolias 2018).

    loss = 1/t CE(x, y) + (1 - 1/t) L(x', f_old(x')),    x' = decoder_old(z),   z ~ N(0, 1)
    the generator, a variational autoencoder, takes a step on x and x' with the same weights
in task t = 1, 2, …; f_old, decoder_old: the network and the generator at the end of task t - 1. L, hard:
cross-entropy with the label that f_old gives; soft: -sum_c p_c log softmax(f(x') / T)_c with p = softmax of
f_old(x') / T. f_old answers with the outputs of old tasks only; where every task has outputs of its own, with
those of one old task, drawn for each x'. No example is kept.

Cost: so many more rows as are generated, the old network's pass forward on them, and the generator's own
steps: on split MNIST nearly five times a plain step. The code's width is what counts in small budgets: with
100 steps a task on split MNIST 20 numbers reach .70 where 100 reach .42, and below 100 steps, where generated
inputs look like nothing yet, hard labels do more harm than good: split digits with 40 steps (5 seeds) by
class, task and domain: hard .20, .71, .77, soft .17, .97, .85, `naive` .10, .96, .82.

Differs: the paper's generator is a GAN. Van de Ven's code trains a variational autoencoder with codes of 100
numbers, and fills the targets of new classes with zeros; in 2019 every old head answers every x', with their
mean, `heads="all"`; in 2022 labels are among all outputs, `answers="all"`.
Avalanche trains the classifier first and the generator after it, and adds to its bound a divergence of
another variance than that of the codes it draws."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.part import Part, Run
from clbench.core.ranges import Positive, Rows, Width
from clbench.models.mlp import MLP
from clbench.models.vae import vae_of

if TYPE_CHECKING:
    from clbench.streams.labelled import LabelledStream


@dataclass
class GenerativeReplay(Part):
    targets: Literal["hard", "soft"] = "hard"  # of generated rows: the old network's label, or its softmax
    rows: Rows | None = None  # generated in a step; None: as many as new ones
    heads: Literal["drawn", "all"] = "drawn"  # where tasks have outputs of their own: which answer an x'
    answers: Literal["old", "all"] = "old"  # outputs that the labels of x' are among, where they are shared
    code: Width = 20  # numbers in the generator's code
    temperature: Positive = 2.0  # T of soft targets
    tunes = {"targets": ("hard", "soft")}
    paper = "Shin et al. 2017"
    keeps = "a generator, and copies of it and of the network"
    small = {"code": 8}
    extra_cost = None  # type: ignore[assignment]    # how much the generator's steps are is not known

    def asked_bytes(self, budget: Budget) -> int:
        rows = self.rows or budget.rows
        return 4 * budget.steps * (budget.rows + 2 * rows) * self.code

    def start(self, run: Run) -> None:
        train = run.stream.tasks[0].train[:256]  # the same for all seeds, and so is what it decides
        x = run.stream.gather(train.expand(run.S, -1, 2)).x
        net = run.learner.net
        hidden = net.widths if isinstance(net, MLP) else (400, 400)
        self.vae = vae_of(x, hidden, self.code)
        self.generator = run.new_learner(self.vae, "generator")

    def before_task(self, t: int, plan: Batch) -> Batch:
        run, (steps, _, self.new, _) = self.run, plan.samples.shape
        if run.budget.optimiser_state == "reset":
            self.generator.reset_optimiser()
        self.rows_made = (self.rows or run.rows) if t else 0
        self.apart = run.stream.scenario == "task"  # every task has outputs of its own
        self.copies = t if t and self.apart and self.heads == "all" else 1  # of an x', a head each
        self.made = slice(0)  # their place in the batch, once they are there
        shape = steps, self.new + self.rows_made, self.code
        plan.noise = run.draw("generator's noise", lambda draws: torch.randn(shape, generator=draws))
        if t > 0:
            made = steps, self.rows_made
            plan.z = run.draw("codes", lambda draws: torch.randn(*made, self.code, generator=draws))
            plan.head = run.draw("old heads", lambda draws: torch.randint(t, made, generator=draws))
            if self.copies > 1:
                heads = torch.arange(t, device=plan.z.device).repeat_interleave(self.rows_made)
                plan.head = heads.expand(steps, run.S, -1)
            self.old = run.learner.theta.detach().clone()
            self.old_generator = self.generator.theta.detach().clone()
            classes = torch.stack([task.classes for task in run.stream.tasks[:t]])  # [t, C]
            seen = classes.any(0) if self.answers == "old" else self.shown()
            self.answered = classes if self.apart else seen.expand_as(classes)
        return plan

    @torch.no_grad()
    def batch(self, batch: Batch) -> Batch:
        if "z" not in batch:
            return batch
        x = self.generator.map(self.vae.decode, self.old_generator, batch.z)
        x = x.repeat(1, self.copies, 1)
        old = self.answered[batch.head]  # [S, rows, C]
        scores = self.run.learner.outputs(x, self.old).masked_fill(~old, -1e9)
        y = scores.argmax(-1)
        if self.targets == "soft":
            y = torch.full_like(y, -100)  # no label
            batch.soft = (scores / self.temperature).softmax(-1)
        none = torch.full_like(batch.samples[:, :1], -1).expand(-1, x.shape[1], -1)  # no examples
        mask = old if self.apart else self.shown().expand_as(old)
        made = Batch(samples=none, x=x, y=y, task=batch.head, mask=mask)
        t, first = self.run.t + 1, batch.y.shape[1]
        self.made = slice(first, first + x.shape[1])
        batch.weight = batch.weight / t
        return batch.append(made, 1 - 1 / t)

    def shown(self) -> Tensor:
        """[C]: the outputs that the loss of a row of this task sees."""
        return cast("LabelledStream", self.run.stream).shown[self.run.t]

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        if "soft" not in batch:
            return None
        scores = out[self.made].masked_fill(~batch.mask[self.made], -1e9)
        log_q = (scores / self.temperature).log_softmax(-1)
        return F.pad(-(batch.soft * log_q).sum(-1), (self.made.start, 0))

    def after_step(self, batch: Batch) -> None:
        if "noise" not in batch:  # another part trains on a plan of its own
            return
        weight = self.learnt(batch.weight)
        weight[:, self.new :] *= self.copies
        rows = Batch(x=(self.learnt(batch.x), batch.noise), weight=weight)
        self.generator.step(self.generator.gradient(self.vae.loss, rows), batch.get("lr"))

    def learnt(self, rows: Tensor) -> Tensor:
        """Of the batch's rows [S, B, ...] the plan's own and the generated ones, each once."""
        return torch.cat([rows[:, : self.new], rows[:, self.made][:, : self.rows_made]], 1)
