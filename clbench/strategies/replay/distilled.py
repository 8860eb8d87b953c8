"""Replay of distilled data: a few learnt samples X stand for a task, learnt by gradient matching (Zhao et al.
2021, algorithm 1).

    match         X_c <- argmin sum_units 1 - cos(grad L(X_c; theta), grad L(real_c; theta)), of every layer
    second_order  X   <- argmin L(real; theta - eta grad L(X; theta)),  Wang et al. 2018, algorithm 1
    first_order   X   <- argmin L(X; theta - eta sg(grad L(real; theta))) - L(X; theta)
L(rows; theta): their mean loss; sg: no gradient. X starts from real rows of its classes c, `per_class` of
each, and is learnt by Adam when its task ends; from the next task on it is replayed as `er` replays its
memory. theta: fresh weights, then plain steps of length eta on X, and fresh ones again every `restart`
iterations. first_order is for the same end as second_order without second derivatives, by turned roles: as
eta goes to 0, both have the same gradient. (With its inner gradient detached, second_order would not depend
on X.)

`alone` measures what X is worth by itself: every task begins with the initial weights, X is learnt at its
beginning, and every step is on learnt samples only. With `width` X is learnt for hidden layers of another
width than those that read it. `iterations=0` is the comparison, real rows that are not distilled.

On pairs X is learnt behind the embedding, for words are discrete: rows of what both towers read there, all of
a slice as one class. The word vectors are held from the second slice on, so words that come later keep those
that they were drawn with.

Kept: X, at most the share `most` of the training data, in floats; no example; on pairs a copy of the word
vectors. Cost: in each iteration a pass forward and back over `real` rows a class, and three over X.

Where it does not help: beside real rows of later tasks second_order and first_order harm, as they only ask
that the classes of one task be told apart (split digits: .31 and .32, match .72, undistilled .54; alone .78
and .77, .85, .64). So does match with ten of a class on split MNIST (.59, undistilled .69; alone .84, .76): a
network can tell learnt samples from real ones. On pairs it costs more than X is worth where steps are few
(driftcaps, smoke: .14, undistilled .17, naive .20, `er` with as many pairs .21). Means of three to five
seeds.

Differs: Zhao et al. learn for 1,000 iterations from noise, by SGD (0.1, momentum 0.5), against 256 rows a
class, theta moved by steps of 0.01; their continual learner trains a fresh network on the memory alone. Wang
et al. start from noise, learn eta too, and take ten steps, three times over. Avalanche has none of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Run, Stream
from clbench.core.ranges import Count, Positive, PositiveShare, Rows, Width
from clbench.models.mlp import MLP
from clbench.strategies.parts.distillation import Objectives, fresh_weights
from clbench.strategies.parts.learnt import LearntReplay, Sizes, groups_of, learner_of, some_of_each

Iterations = Annotated[int, Meta(ge=0, le=10**6)]


@dataclass
class Distilled(LearntReplay):
    per_class: Count = 1  # learnt samples of each class of a task
    method: Literal["match", "second_order", "first_order"] = "match"  # what they are learnt for
    iterations: Iterations | None = None  # steps of X; None: 60, or for a tenth of what pairs may cost
    restart: Count = 10  # iterations between fresh weights
    lr: Positive = 0.02  # of X, by Adam
    eta: Positive = 0.1  # length of a step of theta
    real: Rows = 64  # rows of a class to compare with, drawn anew in every iteration
    most: PositiveShare = 0.01  # of the training data that X may be
    pairs: Count | None = None  # learnt pairs of each slice; None: as many as `most` allows
    alone: bool = False  # whether a fresh network learns from X only
    width: Width | None = None  # of the hidden layers for which X is learnt; None: as those that read X
    tunes = {"lr": (1e-3, 1.0, "log")}  # of our own
    paper = "Zhao et al. 2021"
    keeps = "learnt samples"
    small = {"iterations": 3, "real": 8, "most": 1.0, "pairs": 4}
    replays = learns_pairs = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if self.width and not isinstance(net, MLP):
            return f"width={self.width} is of hidden layers of a perceptron, and the network is {net}"
        return self.sizes_on(stream).refusal() or super().supports(stream, net)

    def sizes_on(self, stream: Stream) -> Sizes:
        return Sizes(stream, self.per_class, self.pairs, self.most)

    def start(self, run: Run) -> None:
        self.sizes = self.sizes_on(run.stream)
        super().start(run)
        if self.width and isinstance(self.net, MLP):
            self.net = MLP(self.net.inputs, *[self.width] * self.net.hidden, self.net.sizes[-1])

    def extra_cost(self, t: int) -> float:
        """The iterations' passes, spread over the steps that are left for them."""
        cost = self.rounds(t) * self.cost_of_round(t)
        return cost / max(1.0, self.run.budget.steps - cost)

    def rounds(self, t: int) -> int:
        """How many steps X takes in task t."""
        if self.iterations is not None:
            return self.iterations
        budget = self.run.budget
        return int(0.1 * budget.steps / self.cost_of_round(t)) if budget.fixed_compute else 60

    def cost_of_round(self, t: int) -> float:
        """In passes of a batch forward and back: one over the real rows, three over X."""
        groups, learnt = len(self.sizes.there[t]), self.sizes.of_task[t]
        return (self.real * groups + 3 * learnt) / self.run.rows

    def learn(self, t: int) -> tuple[Tensor, Tensor]:
        run, groups = self.run, groups_of(self.run.stream, t)
        start = self.gather(some_of_each(run, groups, self.sizes.of_group[t], "distilled"))
        learner = learner_of(run, start.x, self.lr)
        objectives = Objectives(self.net, run.stream.losses, len(groups), self.eta)
        b = Batch(x=start.x, own={name: start[name] for name in ("y", "mask") if name in start})
        for i in run.clock.repeat(self.rounds(t)):
            if i % self.restart == 0:
                b.theta = fresh_weights(run, self.net, f"distilled weights {i}")
            real = self.gather(some_of_each(run, groups, self.real, f"distilled {i}"))
            b.real = {name: real[name] for name in ("x", *b.own)}
            learner.step(learner.gradient(getattr(objectives, self.method), b))
            b.theta = run.learner.map(objectives.step_on_learnt, learner.outputs(start.x), dict(b)).detach()
        return learner.outputs(start.x).detach(), start.y
