"""Gradient projection memory, GPM (Saha, Garg & Roy 2021, equations 5 to 9).

    step of [W | b] <- step (I - M M')        M: orthonormal basis of what past tasks gave the layer to read
    at the end of a task, R: what the layer reads of `samples` examples, a row each;  R^ = R (I - M M')
    M gets the right singular vectors of R^, largest first, until |R M|^2 >= threshold |R|^2
A step then leaves what the layer gives for these inputs as it was. A bias is the weight of an input 1; a
convolution reads patches. Projected is the step that the optimiser takes: under plain SGD that is the paper's
projected gradient, while Adam's step leaves the space of its gradients (split digits, domain-incremental,
quick: .863 and .804). Heads of tasks with outputs of their own are not projected, and normalisation, with its
statistics, is learnt by the first task alone, both as in the authors' code. Where the share reaches 1 nothing
learns. Tasks that bring new classes to one softmax are hardly learnt where the old ones are protected (split
digits, class-incremental, smoke: .26, naive .10). The singular vectors of R^ are the eigenvectors of R^'R^,
which is summed up over batches.

*Differs:* the authors' code has no biases, takes plain SGD, keeps one direction fewer than equation 5 in the
first task (not later), `first="below"`, and looks at 24 to 300 examples, by layer; on permuted MNIST it has
a threshold for each layer, `by_layer`. Kept: M of each layer, fan in x rank, with
columns of 0 where another seed has a higher rank. Cost: two products [out, fan in] [fan in, rank] per layer
in each step from the second task on."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, PositiveShare, Share
from clbench.errors import InputError
from clbench.models.network import OfLayers
from clbench.strategies.parts.layers import matrix_of, of_norms, products_of_inputs, take_off, why_no_layers

NOTHING = 1e-10  # share of |R|^2 below which a direction is rounding


@dataclass
class GPM(Part):
    threshold: PositiveShare = 0.97  # share of |R|^2 that the basis has to hold
    rise: Share = 0.003  # what is added to it with every task
    by_layer: Annotated[list, Meta(max_length=1000)] | None = None  # thresholds instead
    first: Literal["reached", "below"] = "reached"  # in the first task the basis reaches it, or stays below
    samples: Count = 300  # examples of a task that layers are looked at with
    tunes = {"threshold": (0.9, 0.995, "linear")}  # the paper has 0.95 to 0.99
    paper = "Saha et al. 2021"
    keeps = "a basis of what each layer reads"
    grows = "keeps the directions that new tasks bring, up to as many as a layer has inputs"
    small = {"samples": 40}
    protects = True
    extra_cost = None  # type: ignore[assignment]    # it depends on the rank of what layers read

    def supports(self, stream: Stream, net: Network) -> str | None:
        if not all(isinstance(share, float) and 0 < share <= 1 for share in self.by_layer or []):
            return f"by_layer takes shares between 0 and 1, not {self.by_layer}"
        return why_no_layers(net)

    def start(self, run: Run) -> None:
        net = run.learner.net
        if not isinstance(net, OfLayers):  # but that of another part
            raise InputError(f"gpm: {net} does not show what its layers read")
        self._before = torch.zeros_like(run.learner.theta)  # [S, P]: theta before the step
        self.bases: dict[str, Tensor] = {}  # M by layer, [S, in, rank]
        self.own_heads = net.layout.head if run.stream.scenario == "task" else []
        self.norms = of_norms(net).to(self._before.device)  # [P]

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        self._before.copy_(self.run.learner.theta.detach())
        return g

    def after_step(self, batch: Batch) -> None:
        if not self.bases:  # the first task
            return
        learner = self.run.learner
        theta, layout = learner.theta.detach(), learner.net.layout
        weights, step = layout.views(theta), layout.views(theta - self._before)
        for layer, M in self.bases.items():
            take_off(weights, layer, matrix_of(step, layer) @ M @ M.mT)
        still = self.norms if learner.frozen is None else self.norms | learner.frozen
        theta.copy_(torch.where(still, self._before, theta))

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        run = self.run
        samples = run.subset(run.stream.tasks[t].train, self.samples, "gpm")
        for place, (layer, RR) in enumerate(products_of_inputs(run, samples, self.own_heads).items()):
            share = min(1.0, self.threshold_of(place) + self.rise * t)
            M = self.bases.get(layer, self._before.new_zeros(*RR.shape[:2], 0)).double()
            rest = torch.eye(RR.shape[-1], device=RR.device) - M @ M.mT
            sizes, directions = torch.linalg.eigh(rest @ RR @ rest)  # [S, in], [S, in, in]
            sizes, directions = sizes.flip(-1), directions.flip(-1)  # largest first
            total = trace(RR)
            held = trace(M.mT @ RR @ M) + sizes.cumsum(-1) - sizes  # before each of the directions
            if t == 0 and self.first == "below":
                held = held + sizes
            new = (held < share * total) & (sizes > NOTHING * total)
            rank = int(new.sum(-1).max())
            M = torch.cat([M, (directions * new.unsqueeze(1))[..., :rank]], -1)
            self.bases[layer] = M.to(self._before.dtype)

    def threshold_of(self, place: int) -> float:
        """Of the layer at this place, from the inputs on; the last of `by_layer` holds for all behind."""
        return self.by_layer[min(place, len(self.by_layer) - 1)] if self.by_layer else self.threshold


def trace(matrices: Tensor) -> Tensor:
    """[S, 1] of [S, n, n]."""
    return matrices.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
