"""Hard attention to the task, HAT (Serra et al. 2018, equations 1 to 6): every task learns which units it
uses, and weights between units that earlier tasks use stay as they are.

    h_l <- a_l^t h_l,  a_l^t = sigmoid(s e_l^t);   s rises from 1 / s_max to s_max in the course of a task
    loss = CE + lam sum_l,i a_l,i^t (1 - a_l,i^{<t}) / sum_l,i (1 - a_l,i^{<t})
    step of a weight from unit j to unit i <- step (1 - min(a_i^{<t}, a_j^{<t}))
a^{<t}: the largest gate of the tasks before t. e starts from N(0, 1) and stays within -6 … 6. `compensate`
gives e the gradient as if s were 1, equation 5:

    gradient of e <- gradient s_max (cosh(s e) + 1) / (s (cosh(e) + 1)),  s e kept within -50 … 50
Needs the task at test time. In a block with a normalisation gates stand on both sides of it. Kept: e of every
task, a^{<t}, and how free each weight is. Cost: no extra passes.

*Differs:* what is scaled is the step that the optimiser takes, not its gradient. Under plain SGD that is the
same; Adam undoes a scale of the gradient. Outputs and e of other tasks are held too, which momentum would
move. The paper and its code learn by SGD with `compensate`, which makes no difference under Adam, let s rise
anew in every epoch, start the optimiser anew with every task, stop early, and use dropout. With few steps the
gates stay near their random start, and each task takes half of the units that are left."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from msgspec import Meta
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import NotNegative
from clbench.models.gated import Gated, cannot_gate
from clbench.models.network import OfBlocks
from clbench.strategies.parts.new_classes import why_no_new_classes


@dataclass
class HAT(Part):
    lam: NotNegative = 0.75  # price of units that no earlier task uses
    s_max: Annotated[float, Meta(ge=1, le=1e6)] = 400.0  # slope of the gates at the end of a task
    compensate: bool = False  # for SGD: e learns as fast whatever the slope
    tunes = {"lam": (0.1, 4.0, "log"), "s_max": (25.0, 800.0, "log")}  # the paper's figures 6 and 7
    paper = "Serra et al. 2018"
    keeps = "gates of every task, how free each weight is"
    needs_task_label = True
    freezes = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario != "task":
            return "needs the task label at test time"
        return why_no_new_classes(stream) or cannot_gate(net)

    def network(self, stream: Stream, net: OfBlocks) -> Gated:
        self.s = torch.tensor(self.s_max, device=stream.device)
        self.net = Gated(net, len(stream.tasks), stream.classes, self.gate, normal)
        return self.net

    def gate(self, e: Tensor) -> Tensor:
        """a; 0 where it is below 1e-15, since products with less take a CPU several times as long."""
        return F.threshold((self.s * e).sigmoid(), 1e-15, 0)

    def start(self, run: Run) -> None:
        self._before = torch.zeros_like(run.learner.theta)  # [S, P]: theta before a step
        self.free = torch.ones_like(run.learner.theta)  # [S, P]: 1 - min(a_i^{<t}, a_j^{<t})
        self.used = [torch.zeros_like(e) for e in self.embeddings(self._before, 0)]  # [S, units]: a^{<t}

    def embeddings(self, theta: Tensor, t: int) -> list[Tensor]:
        """e_l^t [S, units] of each layer l, as views of theta [S, P] or of a gradient."""
        views = self.net.layout.views(theta)
        return [views[name][:, t] for name in self.net.gates]

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.net.open(t)
        s = torch.linspace(1 / self.s_max, self.s_max, len(plan.samples), device=self.s.device)
        plan.s = s.unsqueeze(1).expand(-1, self.run.S)
        room = torch.cat([1 - used for used in self.used], 1).sum(1, keepdim=True).clamp(min=1e-9)
        self.price = [self.lam * (1 - used) / room for used in self.used]  # [S, units]
        layout = self.net.layout
        free = layout.views(self.free)
        for name, taken in self.net.between(self.used).items():
            free[name].copy_(1 - taken)
        for name in self.net.gates:  # of e and of the outputs only its own are free
            free[name].zero_()[:, t] = 1
        for name in layout.head:
            free[name].zero_()[:, self.run.stream.tasks[t].classes] = 1
        return plan

    def batch(self, batch: Batch) -> Batch:
        self.s.copy_(batch.s[0])
        return batch

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        theta, t = self.run.learner.theta.detach(), self.run.t
        self._before.copy_(theta)
        layers = zip(self.embeddings(theta, t), self.embeddings(g, t), self.price, strict=True)
        for e, gradient, price in layers:
            a = self.gate(e)
            gradient += price * self.s * a * (1 - a)
            if self.compensate:
                steepness = ((self.s * e).clamp(-50, 50).cosh() + 1) / (e.cosh() + 1)
                gradient *= self.s_max / self.s * steepness
        return g

    def after_step(self, batch: Batch) -> None:
        theta = self.run.learner.theta.detach()
        torch.lerp(self._before, theta, self.free, out=theta)
        for e in self.embeddings(theta, self.run.t):
            e.clamp_(-6, 6)

    def after_task(self, t: int) -> None:
        self.s.fill_(self.s_max)
        for used, e in zip(self.used, self.embeddings(self.run.learner.theta.detach(), t), strict=True):
            used.copy_(torch.maximum(used, self.gate(e)))

    def predict(self, x: Tensor, t: int) -> Tensor:
        s = self.s.clone()
        self.s.fill_(self.s_max)
        with self.net.opened(t):
            out = self.run.learner.outputs(x)
        self.s.copy_(s)
        return out


def normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """An initial e."""
    return torch.randn(shape, generator=generator)
