"""A transformer with a pool of prompts, of which every input chooses some, for the strategy `prompt_pool`."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.layout import Layout
from clbench.core.pytree import Tree, tree_leaves
from clbench.models.network import Network, OfTokens


class Prompted:
    """The plain features of an input are its query; the `chosen` prompts with the nearest keys by cosine
    stand before its tokens when it is read once more.

    Each of `sides` has a pool. With prompts of length 0 the network is the plain one. Beside its outputs it
    finds the sum of the cosines of a row's queries and the keys that they choose. It is for networks without
    buffers.
    """

    def __init__(
        self, net: Network, pool: int, length: int, chosen: int, sides: tuple[int, ...] = (0,)
    ) -> None:
        assert isinstance(net, OfTokens)
        self.net, self.reader, self.kind = net, net, net.kind
        self.length, self.chosen, self.sides = length, chosen, sides
        shapes: dict[str, tuple[int, ...]] = {}
        for side in sides:
            shapes[f"head.keys{side}"] = (pool, net.token_width)
            shapes[f"head.prompts{side}"] = (pool, length, net.token_width)
        # The pools come last, as adapters do: see `clbench.models.adapted`.
        self.layout = Layout({**net.layout.shapes, **shapes})
        self.added = list(shapes)

    def __str__(self) -> str:
        return f"{self.net} with prompts"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: the network's own draws first; keys and prompts from U(-1, 1)."""
        views = dict(self.net.layout.views(self.net.init(generator)))
        for name in self.added:
            views[name] = torch.rand(self.layout.shapes[name], generator=generator) * 2 - 1
        return self.layout.flat(views)

    def features(self, theta: Tensor, x: Tree) -> Tree:
        """The features [n, h] behind the prompts; of a side without a pool, the plain ones."""
        return self._features(theta, x)[0]

    def head(self, theta: Tensor, features: Tree) -> Tree:
        """Outputs [n, C] of features [n, h]."""
        return self.net.head(theta[: self.net.layout.P], features)

    def __call__(self, theta: Tensor, x: Tree) -> Tree:
        return self.head(theta, self.features(theta, x))

    def with_aside(self, theta: Tensor, x: Tree) -> tuple[Tree, Tensor]:
        """(outputs, [n] the sum of each row's cosines with its chosen keys)."""
        features, cosines = self._features(theta, x)
        return self.head(theta, features), cosines

    def _features(self, theta: Tensor, x: Tree) -> tuple[Tree, Tensor]:
        own, views = theta[: self.net.layout.P], self.layout.views(theta)
        plain = self.net.features(own, x)
        inputs, found, cosines = tree_leaves(x), tree_leaves(plain), []
        for side in self.sides:
            near, which = nearest(found[side].detach(), views[f"head.keys{side}"], self.chosen)
            cosines.append(near.sum(-1))
            if self.length:
                prompts = views[f"head.prompts{side}"][which].flatten(1, 2)  # [n, chosen * length, width]
                found[side] = self.reader.features_behind(own, inputs[side], prompts, side)
        return found[0] if isinstance(plain, Tensor) else tuple(found), torch.stack(cosines).sum(0)


def nearest(queries: Tensor, keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """([n, count] the largest cosines of each query with keys, [n, count] the numbers of these keys)."""
    cosines = F.normalize(queries, dim=-1) @ F.normalize(keys, dim=-1).mT
    best = cosines.topk(count, -1)
    return best.values, best.indices
