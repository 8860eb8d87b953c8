"""A network with a small residual layer between its body and its head (adapters: Houlsby et al. 2019)."""
import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.layout import Layout
from clbench.core.pytree import Tree, tree_leaves, tree_map
from clbench.models.network import Network


class Adapted:
    """features f become f + up relu(down f), each side's by its own; `up` starts at 0, so it begins as the network itself.

    sizes: the width of each side's features. For networks without buffers.
    """

    def __init__(self, net: Network, sizes: list[int], width: int) -> None:
        self.net, self.kind = net, net.kind
        shapes = {f"head.adapter{side}.{name}": shape for side, size in enumerate(sizes)
                  for name, shape in (("down", (width, size)), ("bias", (width,)), ("up", (size, width)))}
        # Behind the network's own, which find themselves in the first P; what is their padding there is an adapter's here.
        self.layout = Layout({**net.layout.shapes, **shapes})
        self.added = list(shapes)

    def __str__(self) -> str:
        return f"{self.net} with adapters"

    def init(self, generator: torch.Generator) -> Tensor:
        """The network's own draws first: it starts as without adapters."""
        views = self.net.layout.views(self.net.init(generator))
        made = {name: torch.zeros(self.layout.shapes[name]) for name in self.added}
        for name in self.added:
            if name.endswith("down"):
                made[name] = (torch.rand(made[name].shape, generator=generator) * 2 - 1) * made[name].shape[1] ** -0.5
        return self.layout.flat(views | made)

    def features(self, theta: Tensor, x: Tree) -> Tree:
        views, sides = self.layout.views(theta), iter(range(len(self.added) // 3))

        def adapted(f: Tensor) -> Tensor:
            down, bias, up = (views[f"head.adapter{side}.{name}"] for side in [next(sides)] for name in ("down", "bias", "up"))
            return f + F.linear(F.relu(F.linear(f, down, bias)), up)
        return tree_map(adapted, self.net.features(theta[:self.net.layout.P], x))

    def head(self, theta: Tensor, features: Tree) -> Tree:
        return self.net.head(theta[:self.net.layout.P], features)

    def __call__(self, theta: Tensor, x: Tree) -> Tree:
        return self.head(theta, self.features(theta, x))


def widths_of_features(net: Network, x: Tree) -> list[int]:
    """By a pass over inputs x of one seed."""
    theta = net.init(torch.Generator().manual_seed(0)).to(tree_leaves(x)[0].device)
    return [leaf.shape[-1] for leaf in tree_leaves(net.features(theta, x))]
