"""A network of two sides as it reads what stands behind its embedding: floats, where its own inputs are
words."""

import torch
from torch import Tensor

from clbench.core.pytree import Tree
from clbench.models.network import OfEmbeddings


class Behind:
    """Reads rows x [n, left + right], both sides of a pair as one. Its parameters are the network's."""

    def __init__(self, net: OfEmbeddings) -> None:
        self.net, self.layout, self.init = net, net.layout, net.init
        self.left = 0  # width of the left side, known once a pair has been embedded

    def embed(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> Tensor:
        left, right = self.net.embed(theta, x)
        self.left = left.shape[-1]
        return torch.cat([left, right], -1)

    def sides(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[..., : self.left], x[..., self.left :]

    def __call__(self, theta: Tensor, x: Tensor) -> Tree:
        return self.net(theta, self.sides(x))
