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
first task (not later), and looks at 24 to 300 examples, by layer. Kept: M of each layer, fan in x rank, with
columns of 0 where another seed has a higher rank. Cost: two products [out, fan in] [fan in, rank] per layer
in each step from the second task on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count, PositiveShare, Share
from clbench.errors import InputError
from clbench.models.network import OfLayers

NOTHING = 1e-10  # share of |R|^2 below which a direction is rounding


@dataclass
class GPM(Part):
    threshold: PositiveShare = 0.97  # share of |R|^2 that the basis has to hold
    rise: Share = 0.003  # what is added to it with every task
    samples: Count = 300  # examples of a task that layers are looked at with
    paper = "Saha et al. 2021"
    keeps = "a basis of what each layer reads"
    grows = "keeps the directions that new tasks bring, up to as many as a layer has inputs"
    small = {"samples": 40}
    protects = True
    extra_cost = None  # type: ignore[assignment]    # it depends on the rank of what layers read

    def supports(self, stream: Stream, net: Network) -> str | None:
        if not isinstance(net, OfLayers):
            return f"{net} does not show what its layers read"
        shapes = net.layout.shapes
        loose = [name for name in shapes if f"{layer_of(name)}.weight" not in shapes]
        return f"{net} has weights in no layer, as {loose[0]}" if loose else None

    def start(self, run: Run) -> None:
        layout = self.layout = run.learner.net.layout
        if not isinstance(run.learner.net, OfLayers):  # but that of another part
            raise InputError(f"gpm: {run.learner.net} does not show what its layers read")
        self.before = torch.zeros_like(run.learner.theta)  # [S, P]: theta before the step
        self.bases: dict[str, Tensor] = {}  # M by layer, [S, in, rank]
        self.own_heads = layout.head if run.stream.scenario == "task" else []
        norms = {name: len(layout.shapes.get(f"{layer_of(name)}.weight", ())) == 1 for name in layout.shapes}
        self.norms = layout.flat(norms).to(self.before.device)  # [P]

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        self.before.copy_(self.run.learner.theta.detach())
        return g

    def after_step(self, batch: Batch) -> None:
        if not self.bases:  # the first task
            return
        learner = self.run.learner
        theta = learner.theta.detach()
        weights, step = self.layout.views(theta), self.layout.views(theta - self.before)
        for layer, M in self.bases.items():
            along = with_bias(step, layer) @ M @ M.mT  # [S, out, in]
            weight = weights[f"{layer}.weight"]
            weight.sub_(along[..., : weight[0, 0].numel()].view_as(weight))
            if f"{layer}.bias" in weights:
                weights[f"{layer}.bias"].sub_(along[..., -1])
        still = self.norms if learner.frozen is None else self.norms | learner.frozen
        theta.copy_(torch.where(still, self.before, theta))

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        share = min(1.0, self.threshold + self.rise * t)
        for layer, RR in self.moments(t).items():
            M = self.bases.get(layer, self.before.new_zeros(*RR.shape[:2], 0)).double()
            rest = torch.eye(RR.shape[-1], device=RR.device) - M @ M.mT
            sizes, directions = torch.linalg.eigh(rest @ RR @ rest)  # [S, in], [S, in, in]
            sizes, directions = sizes.flip(-1), directions.flip(-1)  # largest first
            total = trace(RR)
            held = trace(M.mT @ RR @ M) + sizes.cumsum(-1) - sizes  # before each of the directions
            new = (held < share * total) & (sizes > NOTHING * total)
            rank = int(new.sum(-1).max())
            M = torch.cat([M, (directions * new.unsqueeze(1))[..., :rank]], -1)
            self.bases[layer] = M.to(self.before.dtype)

    def moments(self, t: int) -> dict[str, Tensor]:
        """R'R by layer, [S, in, in], of what the layer reads of examples of task t."""
        run, learner, net = self.run, self.run.learner, self.run.learner.net
        assert isinstance(net, OfLayers)
        sums: dict[str, Tensor] = {}
        for some in run.subset(run.stream.tasks[t].train, self.samples, "gpm").split(run.rows, 1):
            x = run.stream.gather(some).x
            read = learner.map(net.inputs_of, learner.theta.detach(), x)
            for layer, R in read.items():
                if f"{layer}.weight" in self.own_heads:
                    continue
                if f"{layer}.bias" in self.layout.shapes:
                    R = torch.cat([R, torch.ones_like(R[..., :1])], -1)
                sums[layer] = sums.get(layer, 0) + (R.mT @ R).double()
        return sums


def layer_of(name: str) -> str:
    return name.rpartition(".")[0]


def with_bias(views: dict[str, Tensor], layer: str) -> Tensor:
    """[S, out, in]: a layer's weights, the bias as those of one more input."""
    weight, bias = views[f"{layer}.weight"].flatten(2), views.get(f"{layer}.bias")
    return weight if bias is None else torch.cat([weight, bias.unsqueeze(-1)], -1)


def trace(matrices: Tensor) -> Tensor:
    """[S, 1] of [S, n, n]."""
    return matrices.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
