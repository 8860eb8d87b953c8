"""Context-dependent gating, XdG (Masse, Grant & Freedman 2018): for every task other units are closed, drawn
once and for all.

    h_l <- m_l^t h_l,  m_l^t in {0, 1},  a share `closed` of every layer's units 0
Needs the task at test time. In a block with a normalisation gates stand on both sides of it. Two tasks share
about (1 - closed)^2 of a layer's units, and these it forgets: the paper adds synaptic intelligence or `ewc`,
here `xdg+ewc`. Kept: the gates. Cost: none.

*Differs:* exactly this share of a layer, as van de Ven has it, at least one unit open; the authors' code
draws every unit by itself. The paper closes 0.8; van de Ven 0.9 for split and 0.6 for permuted MNIST."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Stream
from clbench.core.ranges import SmallerShare
from clbench.models.gated import Gated, cannot_gate
from clbench.models.network import OfBlocks


@dataclass
class XdG(Part):
    closed: SmallerShare = 0.8  # share of a layer's units, for each task
    tunes = {"closed": (0.1, 0.95, "linear")}  # of our own
    paper = "Masse et al. 2018"
    keeps = "gates of every task"
    needs_task_label = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return cannot_gate(net) if stream.scenario == "task" else "needs the task label at test time"

    def network(self, stream: Stream, net: OfBlocks) -> Gated:
        draw = partial(signs, self.closed)
        self.net = Gated(net, len(stream.tasks), stream.classes, is_open, draw)
        return self.net

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.net.open(t)
        return plan

    def after_step(self, batch: Batch) -> None:
        views = self.net.layout.views(self.run.learner.theta.detach())
        for name in self.net.gates:
            views[name].sign_()  # what weight decay has taken off them

    def predict(self, x: Tensor, t: int) -> Tensor:
        with self.net.opened(t):
            return self.run.learner.outputs(x)


def is_open(e: Tensor) -> Tensor:
    """m: 1 where e is positive, else 0. No gradient goes back into e."""
    return (e > 0).to(e.dtype)


def signs(closed: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """e [tasks, units]: -1 at a share `closed` of each row, 1 elsewhere."""
    place = torch.rand(shape, generator=generator).argsort(1)  # a permutation in each row
    return torch.where(place < int(closed * shape[1]), -1.0, 1.0)
