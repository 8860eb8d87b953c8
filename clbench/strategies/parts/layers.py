"""Layers of a network as matrices [W | b]: a bias is the weight of an input 1, and a convolution reads
patches."""

import torch
from torch import Tensor

from clbench.core.part import Network, Run
from clbench.models.network import OfLayers

Views = dict[str, Tensor]  # name of a parameter -> its tensors [S, ...]


def layer_of(name: str) -> str:
    """The layer of a parameter."""
    return name.rpartition(".")[0]


def why_no_layers(net: Network) -> str | None:
    """None, or why a network is not made of layers that show what they read."""
    if not isinstance(net, OfLayers):
        return f"{net} does not show what its layers read"
    shapes = net.layout.shapes
    loose = [name for name in shapes if f"{layer_of(name)}.weight" not in shapes]
    return f"{net} has weights in no layer, as {loose[0]}" if loose else None


def of_norms(net: Network) -> Tensor:
    """[P]: whether a parameter, or a running statistic, is that of a normalisation."""
    shapes = net.layout.shapes
    return net.layout.flat({name: len(shapes.get(f"{layer_of(name)}.weight", ())) == 1 for name in shapes})


def matrix_of(views: Views, layer: str) -> Tensor:
    """[S, out, in]: a layer's weights and bias."""
    weight, bias = views[f"{layer}.weight"].flatten(2), views.get(f"{layer}.bias")
    return weight if bias is None else torch.cat([weight, bias.unsqueeze(-1)], -1)


def take_off(views: Views, layer: str, matrix: Tensor) -> None:
    """Subtracts a matrix [S, out, in] from a layer's weights and bias, in place."""
    weight = views[f"{layer}.weight"]
    weight.sub_(matrix[..., : weight[0, 0].numel()].view_as(weight))
    if f"{layer}.bias" in views:
        views[f"{layer}.bias"].sub_(matrix[..., -1])


def products_of_inputs(run: Run, samples: Tensor, but: list[str]) -> dict[str, Tensor]:
    """R'R by layer, [S, in, in], in double precision; R: what the layer reads of samples [S, n, 2], a row
    each. `but`: parameters whose layers are left out."""
    learner, net = run.learner, run.learner.net
    assert isinstance(net, OfLayers)
    sums: dict[str, Tensor] = {}
    for some in samples.split(run.rows, 1):
        read = learner.map(net.inputs_of, learner.theta.detach(), run.stream.gather(some).x)
        for layer, R in read.items():
            if f"{layer}.weight" in but:
                continue
            if f"{layer}.bias" in learner.net.layout.shapes:
                R = torch.cat([R, torch.ones_like(R[..., :1])], -1)
            sums[layer] = sums.get(layer, 0) + (R.mT @ R).double()
    return sums
