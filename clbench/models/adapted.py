"""A network with small residual layers between its body and its head, for the strategy `adapter`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.layout import Layout
from clbench.core.pytree import Tree, tree_leaves, tree_map
from clbench.models.network import Network, OfLayers


class Adapted:
    """Adapters after Houlsby et al. 2019: features f become f + up relu(down f + bias), layer after layer.

    `up` starts at 0, so that the network starts as it is without adapters. A network with two sides, such
    as a dual encoder, has adapters for each. sizes: the width of each side's features. It is for networks
    without buffers.
    """

    def __init__(self, net: Network, sizes: list[int], width: int, layers: int = 1) -> None:
        self.net, self.kind, self.layers = net, net.kind, layers
        shapes: dict[str, tuple[int, ...]] = {}
        for side, size in enumerate(sizes):
            for layer in range(layers):
                shapes[f"head.adapter{side}.{layer}.down"] = (width, size)
                shapes[f"head.adapter{side}.{layer}.bias"] = (width,)
                shapes[f"head.adapter{side}.{layer}.up"] = (size, width)
        # The adapters come last, so the network finds its own tensors at the start of theta. What it takes
        # for its padding is the beginning of an adapter; it never reads that.
        self.layout = Layout({**net.layout.shapes, **shapes})
        self.added = list(shapes)
        self.sides = len(sizes)

    def __str__(self) -> str:
        return f"{self.net} with adapters"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]. The network's own draws come first, so that they are those without adapters."""
        views = self.net.layout.views(self.net.init(generator))
        adapters = {name: torch.zeros(self.layout.shapes[name]) for name in self.added}
        for name in self.added:
            if name.endswith("down"):
                shape = self.layout.shapes[name]
                adapters[name] = (torch.rand(shape, generator=generator) * 2 - 1) * shape[1] ** -0.5
        return self.layout.flat(views | adapters)

    def features(self, theta: Tensor, x: Tree) -> Tree:
        """The network's features [n, h] behind the adapters; for two sides, the features of each."""
        views = self.layout.views(theta)
        sides = iter(range(self.sides))

        def adapt(f: Tensor) -> Tensor:
            side = next(sides)
            for layer in range(self.layers):
                name = f"head.adapter{side}.{layer}"
                inner = F.relu(F.linear(f, views[f"{name}.down"], views[f"{name}.bias"]))
                f = f + F.linear(inner, views[f"{name}.up"])
            return f

        return tree_map(adapt, self.net.features(theta[: self.net.layout.P], x))

    def head(self, theta: Tensor, features: Tree) -> Tree:
        """Outputs [n, C] of features [n, h]."""
        return self.net.head(theta[: self.net.layout.P], features)

    def __call__(self, theta: Tensor, x: Tree) -> Tree:
        return self.head(theta, self.features(theta, x))

    def inputs_of(self, theta: Tensor, x: Tensor) -> dict[str, Tensor]:
        """What each layer of the network reads, see `OfLayers`; the head reads adapted features."""
        assert isinstance(self.net, OfLayers)
        read = self.net.inputs_of(theta[: self.net.layout.P], x)
        return read | {"head": self.features(theta, x)}


def widths_of_features(net: Network, x: Tree) -> list[int]:
    """The width of each side's features, found by a pass over inputs x of one seed."""
    theta = net.init(torch.Generator().manual_seed(0)).to(tree_leaves(x)[0].device)
    return [leaf.shape[-1] for leaf in tree_leaves(net.features(theta, x))]
