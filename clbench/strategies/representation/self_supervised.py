"""Self-supervised features (Barlow Twins: Zbontar et al. 2021, equation 1; SimSiam: Chen & He 2021, equation
2), with a probe for an answer; joined to other strategies, a start for them.

    barlow_twins:  loss = sum_i (1 - C_ii)^2 + lam sum_{i != j} C_ij^2,   divided by the number of outputs
    simsiam:       loss = -1/2 cos(p, stop z') - 1/2 cos(p', stop z)
z, z': projections of two views of the same rows, standardised over the batch; C: their correlations; p, p':
what a predictor makes of them; stop: no gradient. A view leaves out a random share of the input's values,
which become their mean in training data; where the stream augments, the two views are also other crops.

Alone (`self_supervised`) it learns every task so, without labels; from the second task on half of a batch are
stored examples. The answer is a ridge regression from the features of the stored examples to their labels,
which after every task becomes the network's head: no other label is asked for. Joined to a strategy that does
something (`self_supervised+er`) it is a start: a network of its own, with the same initial weights, learns
the first task's inputs without labels, for a share of that task's steps; its body becomes that of the run's
network, and of the weights that a method starts again from. All else goes on with labels, as the others
do it: no probe, no other loss. The steps that it takes are the last of the task's plan, which fall away; what
counts steps ahead, as derpp's reservoir does, should stand behind it. On split digits (smoke, 5 seeds)
`self_supervised+er` has .82, .98, .92 by class, task and domain, `er` .80, .98, .92, and this alone .85, .97,
.88.

Kept, alone: a memory as er's, and the projector. Cost: two views of each row, so one more pass forward and
back.

Differs: Barlow Twins' code has a projector of three layers of 8,192 with BatchNorm, lam .0051 and LARS;
SimSiam's has BatchNorm in every layer, without which it is prone to collapse. CaSSLe, which learns tasks in
turn by these losses, distils from the old network instead of replay and takes the loss times .025."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, NotNegative, Positive, SmallerShare, Width
from clbench.models.projected import Projected, with_projector
from clbench.strategies.parts.body import learner_of_body, start_from_body
from clbench.strategies.parts.memory import Memory
from clbench.strategies.parts.probe import answer_by_probe, no_place_for_probe
from clbench.strategies.parts.two_views import TwoViews, barlow_twins, simsiam


@dataclass
class SelfSupervised(Part):
    method: Literal["barlow_twins", "simsiam"] = "barlow_twins"
    memory: Count = 500  # alone: examples kept, for the probe and for replay
    share: SmallerShare = 0.25  # joined: of the first task's steps, so many learn without labels
    lam: NotNegative = 0.005  # of Barlow Twins: weight of correlations between different outputs
    hidden: SmallerShare = 0.4  # share of an input's values that a view leaves out
    width: Width = 128  # of the projections
    ridge: Positive = 0.01  # alone: of the probe, relative to the mean square of a feature
    tunes = {"lam": (5e-4, 0.05, "log"), "ridge": (1e-4, 1.0, "log")}  # of our own
    paper = "Zbontar et al. 2021"
    keeps = "examples and a projector; joined: nothing"
    small = {"memory": 100, "width": 16}
    stores = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if net.layout.buffers:
            return "needs a network without running statistics"
        if self.joined:
            return None
        return no_place_for_probe(net) or Memory.fits(self.memory, stream)

    extra_cost = None  # type: ignore[assignment]    # how much is not known

    def network(self, stream: Stream, net: Network) -> Network:
        """Joined, the network as it is: nobody may put another in its place, whose body it would not know."""
        if self.joined:
            return net
        self.data_losses = self.losses_of_views
        return self.projected(stream, net)

    def projected(self, stream: Stream, net: Network) -> Projected:
        x = stream.gather(stream.tasks[0].train[:2].expand(len(stream.seeds), -1, 2)).x
        return with_projector(net, x[0], self.width, predictor=self.method == "simsiam")

    def start(self, run: Run) -> None:
        if not self.joined:
            self.kept, self.views = Memory(run, self.memory), TwoViews(run, self.hidden)
            self.labels = self.memory / sum(len(task.train) for task in run.stream.tasks)

    def before_task(self, t: int, plan: Batch) -> Batch:
        if self.joined:
            return plan if t else self.start_body(plan)
        if self.stored is not None:
            rows, new = self.run.rows, max(1, self.run.rows // 2)
            replay = self.run.shuffled(self.stored, rows - new, len(plan.samples), "replay")
            plan.samples = torch.cat([plan.samples[:, :, :new], replay], 2)
        return self.views.plan(plan)

    def batch(self, batch: Batch) -> Batch:
        if not self.joined and "masks" in batch:
            batch.x = self.views.of(batch)
        return batch

    def losses_of_views(self, out: tuple[Tensor, ...], batch: Batch) -> Tensor:
        """Instead of cross-entropy: a loss of the batch, the same for every row."""
        return self.loss(out, batch).expand(len(batch.y))

    def loss(self, out: tuple[Tensor, ...], batch: Batch) -> Tensor:
        z, other, *predicted = out
        return simsiam(z, other, *predicted) if predicted else barlow_twins(z, other, self.lam)

    def after_task(self, t: int) -> None:
        if not self.joined:
            self.stored = self.kept.after_task(t)
            answer_by_probe(self.run, self.stored, self.ridge)

    def start_body(self, plan: Batch) -> Batch:
        """Joined: the plan without the steps that a learner of its own has taken for the body."""
        run, total = self.run, len(plan.samples)
        steps = min(math.ceil(self.share * total), total - 1)
        if steps == 0:
            return plan
        net = self.projected(run.stream, run.learner.net)
        learner = learner_of_body(run, net, "self-supervised start")
        TwoViews(run, self.hidden).teach(learner, self.loss, steps)
        start_from_body(run, learner)
        return Batch({name: tensor[: total - steps] for name, tensor in plan.items()})
