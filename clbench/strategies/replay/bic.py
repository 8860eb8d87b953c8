"""Bias correction, BiC (Wu et al. 2019, "Large scale incremental learning", equations 1 to 5).

    1. lam L_d + (1 - lam) CE  on new and stored rows,   lam = n / (n + m)
       L_d = - sum_{c <= n} softmax_c(o^ / T) log softmax_c(o / T)      o^: the network when the task began
    2. q_c = alpha o_c + beta for the m newest classes c, o_c for the n old ones;
       (alpha, beta) = argmin CE(q)  on held-out rows, as many of every class
Training on many new rows and few old ones favours the new classes; rows that nothing is trained on show by
how much. Kept: examples, as many of every task and in it of every class; the first tenth of them is held out,
and of the new task as many. The correction of a linear last layer is a linear layer, so it is written into
the weights: the next task's teacher, and what it learns on from, is the corrected network.
Differs: the paper's code and FACIL leave every pair (alpha, beta) beside the weights, the same function, from
which steps go on otherwise; they add .1 beta^2 / 2 to stage 2. Stage 2 is 200 epochs of SGD there, here so
many steps of Adam on all held-out rows at once; Mammoth takes Adam too, keeps the newest pair alone, and
multiplies L_d by T^2. Examples are drawn, not herded. Both CE also see the outputs of classes to come. Cost:
one more pass forward in every step; stage 2; the old weights."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, Positive, SmallerShare
from clbench.models.bias import Bias
from clbench.strategies.parts.in_turn import classes_in_turn
from clbench.strategies.parts.memory import Memory
from clbench.strategies.parts.new_classes import why_no_new_classes

ADAM = {"optimiser": "adam", "momentum": 0.0, "weight_decay": 0.0, "warm_up": None}


@dataclass
class BiC(Part):
    memory: Count = 500  # examples kept, those held out among them
    held: SmallerShare = 0.1  # share of the memory that is held out, at least one example of every task
    temperature: Positive = 2.0  # T
    iterations: Count = 200  # steps of stage 2
    rate: Positive = 0.01  # learning rate of stage 2
    tunes = {"rate": (1e-4, 1.0, "log")}  # of our own
    paper = "Wu et al. 2019"
    keeps = "examples, the last task's weights"
    small = {"memory": 100, "iterations": 20}
    replays = stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario != "class":
            return "corrects classes of different tasks, which compete in class-incremental streams only"
        if self.memory < 2 * len(stream.tasks):
            return f"memory={self.memory} is smaller than two for each of {len(stream.tasks)} tasks"
        if "head.weight" not in net.layout.shapes:
            return f"{net} has no linear last layer"
        return why_no_new_classes(stream) or Memory.fits(self.memory, stream)

    def extra_cost(self, t: int) -> float:
        return 1 / 3 if t else 0.0

    def start(self, run: Run) -> None:
        self.kept: list[Tensor] = []  # [S, m, 2] of each task; the first of them are held out

    def choose_samples(self, t: int) -> Tensor:
        self.order = classes_in_turn(self.run, self.run.stream.tasks[t].train, "memory")
        self.new = self.order[:, : self.memory // max(1, t)]  # as many as are kept of every old task
        return self.run.shuffled(self.order[:, self.held_out(self.new).shape[1] :])

    def held_out(self, kept: Tensor) -> Tensor:
        return kept[:, : max(1, int(self.held * kept.shape[1]))]

    def before_task(self, t: int, plan: Batch) -> Batch:
        classes = [int(task.classes.sum()) for task in self.run.stream.tasks[: t + 1]]
        self.lam, self.heads = sum(classes[:t]) / sum(classes), self.run.stream.heads(t)
        self.teacher = self.run.learner.theta.detach().clone()  # [S, P]
        if t:
            stored = torch.cat([kept[:, self.held_out(kept).shape[1] :] for kept in self.kept], 1)
            replay = self.run.shuffled(stored, self.run.replayed, len(plan.samples), "replay")
            plan.samples = torch.cat([plan.samples, replay], 2)
        return plan

    def batch(self, batch: Batch) -> Batch:
        if self.heads:
            with torch.no_grad():
                batch.teacher = self.run.learner.outputs(batch.x, self.teacher)
            batch.weight = batch.weight * (1 - self.lam)  # of CE; and of L_d, hence the quotient there
        return batch

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        if not self.heads:
            return None
        old, T = self.heads[0], self.temperature
        own = out[: len(batch.teacher)]  # rows that others append are not taught
        p, log_q = F.softmax(old(batch.teacher) / T, -1), F.log_softmax(old(own) / T, -1)
        return self.lam / (1 - self.lam) * -(p * log_q).sum(-1)

    def after_task(self, t: int) -> None:
        if t:
            self.correct(self.run.stream.tasks[t].classes)
        self.kept = [kept[:, : self.memory // (t + 1)] for kept in (*self.kept, self.order)]
        self.stored = torch.cat(self.kept, 1)

    def correct(self, new: Tensor) -> None:
        """Stage 2, for the classes new [C]."""
        run, net = self.run, self.run.learner.net
        held = run.stream.gather(torch.cat([self.held_out(kept) for kept in (*self.kept, self.new)], 1))
        held.x = run.learner.outputs(held.x).detach()
        bias = run.new_learner(Bias(new), "bias", **ADAM, lr=self.rate)
        for _ in run.clock.repeat(self.iterations):
            bias.step(bias.gradient(lambda q, b: run.data_losses(q, b).mean(), held))
        alpha, beta = bias.theta[:, :2].unsqueeze(-1).unbind(1)  # [S, 1] each
        views = net.layout.views(run.learner.theta.detach())
        if "head.weight" in views:  # not in columns
            views["head.weight"][:, new] *= alpha.unsqueeze(-1)
            views["head.bias"][:, new] = alpha * views["head.bias"][:, new] + beta
