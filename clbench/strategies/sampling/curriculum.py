"""Curriculum within a task (Bengio et al. 2009): easy examples first, then medium ones, then hard ones.

    m = p_y - max_{c != y} p_c:    easy m >= tau,    medium 0 <= m < tau,    hard m < 0

p: the network's softmax once it has drawn at random for the first `warm_up` share of the task's steps, for at
the start of a task all is hard. The rest of the steps goes through the easy, the medium and the hard ones,
each as many steps as its share of the examples. `by="column"`: from the easiest to the hardest by a number
that the stream has for every example (`Images.hardness`), without a warm-up. A share `mix` of each batch
stays drawn at random from all. Differs: the paper has a curriculum given by hand, and steps of fixed size
from one set to the next, which holds the easier ones too (as `mix` does in part). Cost: a forward pass over
the task's examples.

Where it does not help: a task's last steps see its hard examples alone, and with few steps the easy ones are
lost (split CIFAR-10, class-incremental, quick: 10.0, plain training 14.0)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import PositiveShare, Share
from clbench.strategies.parts.scores import probabilities
from clbench.streams.stream import OfHardness


@dataclass
class Curriculum(Part):
    by: Literal["margin", "column"] = "margin"  # what says how hard an example is
    tau: PositiveShare = 0.5  # margin from which an example is easy
    warm_up: Share = 0.25  # share of the steps before the margins are taken
    mix: Share = 0.0  # share of each batch that is drawn at random from all examples
    tunes = {"tau": (0.1, 0.9, "linear"), "warm_up": (0.1, 0.9, "linear"), "mix": (0.0, 0.5, "linear")}
    paper = "Bengio et al. 2009"
    keeps = "only the network"
    splits_plan = True
    small = {"warm_up": 0.4}

    def supports(self, stream: Stream, net: Network) -> str | None:
        if self.by == "column" and _hardness(stream) is None:
            return "this stream has no column that says how hard an example is (`Images.hardness`)"
        return None

    def extra_cost(self, t: int) -> float:
        if self.by == "column":
            return 0.0
        passes = len(self.run.stream.tasks[t].train) / self.run.rows / 3
        return passes / max(1, self.run.budget.steps - passes)

    def choose_samples(self, t: int) -> Tensor:
        """At first all at random."""
        return self.run.shuffled(self.run.stream.tasks[t].train)

    def before_task(self, t: int, plan: Batch) -> Batch:
        steps = len(plan.samples)
        first = max(1, int(self.warm_up * steps)) if self.by == "margin" else 0
        self.rest = plan.between(first)
        return plan.between(0, first)

    def after_task(self, t: int) -> None:
        rest, self.rest = self.rest, Batch()
        if len(rest.samples):
            rows = self.run.new_rows - int(self.mix * self.run.new_rows)
            rest.samples[:, :, :rows, :2] = self.in_order(self.order(t), len(rest.samples), rows)
            self.run.fit(rest)

    def order(self, t: int) -> Tensor:
        """[S, n]: the task's examples from easy to hard, at random among those that are equally hard."""
        train = self.run.stream.tasks[t].train
        if self.by == "column":
            hardness = _hardness(self.run.stream)
            assert hardness is not None  # says `supports`
            hard = hardness[train[:, 1]].unique(return_inverse=True)[1].expand(self.run.S, -1)
        else:
            m = margins(self.run, train)
            hard = (m < self.tau).long() + (m < 0).long()
        u = self.run.draw("curriculum ties", lambda draws: torch.rand(1, len(train), generator=draws))[0]
        return (hard + u).argsort(-1)

    def in_order(self, order: Tensor, steps: int, rows: int) -> Tensor:
        """[steps, S, rows, 2]: step k draws from the k-th of as many windows of the order [S, n]."""
        n, train = order.shape[1], self.run.stream.tasks[self.run.t].train
        u = self.run.draw("curriculum", lambda draws: torch.rand(steps, rows, generator=draws))
        step = torch.arange(steps, device=order.device).view(-1, 1, 1)
        place = ((step + u) / steps * n).long().clamp(max=n - 1)
        return train[torch.stack([order.gather(1, one) for one in place])]


def _hardness(stream: Stream) -> Tensor | None:
    return stream.hardness if isinstance(stream, OfHardness) else None


def margins(run: Run, train: Tensor) -> Tensor:
    """[S, n]: p_y - max_{c != y} p_c of each of these examples [n, 2]."""
    y = run.stream.labels(train).expand(run.S, -1).unsqueeze(-1)
    p = probabilities(run, train)
    other = p.scatter(-1, y, -1.0).amax(-1)
    return p.gather(-1, y).squeeze(-1) - other
