"""A network whose units are gated, for each task by gates of its own: of hard attention (Serra et al. 2018)
and context-dependent gating (Masse et al. 2018)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from clbench.models.functional import Functional
from clbench.models.network import Network, OfBlocks


def cannot_gate(net: Network) -> str | None:
    """None, or why the units of this network cannot be gated."""
    if not isinstance(net, OfBlocks) or not isinstance(net.block(1, 1), nn.Sequential):
        return f"{net} is not built of blocks whose units could be gated"
    if not net.widths:
        return f"{net} has no hidden units that could be gated"
    if net.layout.buffers:
        return "needs a network without running statistics, which tasks of other gates would overwrite"
    return None


class Gated(Functional):
    """The blocks of another network, whose units are multiplied by the gates of one task, a = gate(e_t).

    e [tasks, units], of each block one, are entries of theta, so that every seed has its own. The initial
    weights are those of the other network; e is drawn after them.
    """

    def __init__(
        self,
        net: OfBlocks,
        tasks: int,
        outputs: int,
        gate: Callable[[Tensor], Tensor],
        draw: Callable[[tuple[int, ...], torch.Generator], Tensor],
    ) -> None:
        """gate(e_t [units]) -> [units]; draw(shape, generator) -> an initial e [tasks, units]."""
        self.gates = [f"body.gates.{block}" for block in range(len(net.widths))]  # names of e in the layout
        self.body, self.draw = GatedBlocks(net, tasks, gate), draw
        super().__init__(WithHead(self.body, net.widths[-1], outputs), f"gated {net}")

    def open(self, t: int) -> None:
        """From now on the gates are those of task t."""
        self.body.t = t

    @contextmanager
    def opened(self, t: int) -> Iterator[None]:
        """Within the block the gates are those of task t."""
        before = self.body.t
        self.open(t)
        yield
        self.open(before)

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]."""
        views = self.layout.views(super().init(generator))
        gates = {name: self.draw(self.layout.shapes[name], generator) for name in self.gates}
        return self.layout.flat({**views, **gates})

    def between(self, units: Sequence[Tensor]) -> dict[str, Tensor]:
        """name of a tensor of a block -> for each of its entries the smaller of what `units` say of the two
        units that it lies between: of the one that it feeds, and of the one that it reads.

        units: [S, n] for each block. What lies at a single unit (a bias, a scale of a normalisation) or reads
        the network's inputs takes what is said of the unit that it feeds. What is given broadcasts over the
        tensor [S, …].
        """
        found = {}
        inputs = torch.full_like(units[0][:, :1], torch.inf)
        for block, (reads, feeds) in enumerate(pairwise([inputs, *units])):
            both = torch.minimum(feeds.unsqueeze(2), reads.unsqueeze(1))  # [S, out, in]
            for name, shape in self.layout.shapes.items():
                if name.startswith(f"body.blocks.{block}."):
                    found[name] = both[..., *[None] * (len(shape) - 2)] if len(shape) > 1 else feeds
        return found


class WithHead(nn.Module):
    """A body and a linear layer."""

    def __init__(self, body: nn.Module, features: int, outputs: int) -> None:
        super().__init__()
        self.body, self.head = body, nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class GatedBlocks(nn.Module):
    """start, blocks with gated units, end.

    In a block every layer that has weights is followed by the gates: a convolution and its normalisation
    both. A normalisation takes the mean and variance of several units, and with closed units among them what
    the open ones give would change with weights of other tasks; and it gives its bias for a unit of zeros.
    """

    def __init__(self, net: OfBlocks, tasks: int, gate: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.t, self.gate = 0, gate
        self.start, self.end = net.start(), net.end()
        sizes = pairwise((net.inputs, *net.widths))
        self.blocks = nn.ModuleList(net.block(*size) for size in sizes)
        self.gates = nn.ParameterList(torch.zeros(tasks, width) for width in net.widths)

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        for block, e in zip(self.blocks, self.gates, strict=True):
            a = self.gate(e[self.t])
            a = a.view(-1, *[1] * (x.dim() - 2))  # beside the places of a picture
            for layer in cast(nn.Sequential, block):
                x = layer(x)
                if hasattr(layer, "weight"):
                    x = x * a
        out: Tensor = self.end(x)
        return out
