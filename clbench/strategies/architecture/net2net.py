"""Net2WiderNet (Chen, Goodfellow & Shlens 2016, section 2.2): after every task the network grows, without a
change of what it computes.

    new unit j copies a unit u(j), drawn anew:   W_in[j] = W_in[u(j)] + noise,   b[j] = b[u(j)]
    W_out[:, i] <- W_out[:, u(i)] / copies of u(i), for all units i old and new (u(i) = i for the old)
Hidden layers begin with the share `share` of their units, as many are added after every task, and the last
task has all of them. The noise tells a unit and its copy apart, whose gradients are the same without it.
Growth alone does not help against forgetting (split digits, task-incremental, smoke: .948, naive .958).

It grows at the end of a task: what stands behind it, as in `net2net+ewc`, takes its importances, anchors and
bases of the wider network, and what stands in front, of the network as it was. Anchors from before an earlier
growth, as ewc keeps of all tasks, are out of date.

*Differs:* the paper copies a trained teacher once, for the same data; it adds noise where there is no
dropout, and does not say how much. soumith/net2net.torch adds none. The optimiser's state stays, and is 0 for
new units. Kept: nothing; the weights have their final size from the start. Cost: a step is that of the final
width."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from clbench.core.batch import take
from clbench.core.part import Network, Part, Stream
from clbench.core.ranges import NotNegative, PositiveShare
from clbench.models.growing import Growing
from clbench.models.mlp import MLP


@dataclass
class Net2Net(Part):
    share: PositiveShare = 0.5  # of every hidden layer's units in the first task
    noise: NotNegative = 0.01  # on the incoming weights of copies, in standard deviations of the layer's
    tunes = {"share": (0.2, 1.0, "linear"), "noise": (1e-4, 0.1, "log")}  # of our own
    paper = "Chen et al. 2016"
    keeps = "the weights of units to come"
    freezes = True  # units to come do not learn

    def supports(self, stream: Stream, net: Network) -> str | None:
        if not isinstance(net, MLP):
            return f"{net} is not a chain of linear layers, whose units have nothing else in common"
        return "the stream has one task: there is nothing to grow for" if len(stream.tasks) == 1 else None

    def network(self, stream: Stream, net: MLP) -> Growing:
        self.tasks, self.sizes = len(stream.tasks), net.sizes
        return Growing(net.sizes, self.sizes_at(0))

    def sizes_at(self, t: int) -> tuple[int, ...]:
        """(inputs, units of each hidden layer that learn task t…, outputs)."""
        share = self.share + (1 - self.share) * t / (self.tasks - 1)
        inputs, *hidden, outputs = self.sizes
        return inputs, *(max(1, round(share * units)) for units in hidden), outputs

    def parameters(self, t: int) -> int:
        """Of the network that has learnt task t; the copies made then count from the next task on."""
        return MLP(*self.sizes_at(t)).layout.parameters

    def after_task(self, t: int) -> None:
        if t + 1 < self.tasks:
            self.widen(self.sizes_at(t), self.sizes_at(t + 1))

    @torch.no_grad()
    def widen(self, now: tuple[int, ...], then: tuple[int, ...]) -> None:
        net, theta = self.run.learner.net, self.run.learner.theta.detach()
        assert isinstance(net, MLP)
        views = net.layout.views(theta)
        for layer, (name, following) in enumerate(pairwise(net.layers)):
            old, new = now[layer + 1], then[layer + 1]
            weights = views[f"{name}.weight"][..., : then[layer]]  # [S, units, units in use before them]
            bias, outgoing = views[f"{name}.bias"], views[f"{following}.weight"]
            u = self.chosen(name, old, new)
            spread = weights[:, :old].std((1, 2), keepdim=True)
            noise = self.noise * spread * self.normal(name, new - old, then[layer])
            weights[:, old:new] = take(weights, u) + noise
            bias[:, old:new] = take(bias, u)
            copies = torch.ones_like(bias).scatter_add_(1, u, torch.ones_like(bias[:, old:new]))
            outgoing /= copies.unsqueeze(1)
            outgoing[..., old:new] = take(outgoing.mT, u).mT

    def chosen(self, name: str, old: int, new: int) -> Tensor:
        """[S, new - old]: which of the old units each new one copies."""
        return self.run.draw(
            f"copies in {name}", lambda draws: torch.randint(old, (1, new - old), generator=draws)
        )[0]

    def normal(self, name: str, *shape: int) -> Tensor:
        """[S, *shape]: standard normal numbers."""
        return self.run.draw(f"noise in {name}", lambda draws: torch.randn(1, *shape, generator=draws))[0]
