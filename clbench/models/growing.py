"""A multilayer perceptron that begins with a part of its hidden units, for the strategy `net2net`."""

import torch
from torch import Tensor

from clbench.models.mlp import MLP


class Growing(MLP):
    """All weights of its final size, of which those of units to come are 0 on both sides: relu(0) is 0 with a
    slope of 0, so no gradient moves them."""

    def __init__(self, sizes: tuple[int, ...], first: tuple[int, ...]) -> None:
        """sizes, first: (inputs, hidden…, outputs) in the end and at first."""
        super().__init__(*sizes)
        self.first = MLP(*first)

    def __str__(self) -> str:
        return f"{super().__str__()} from {self.first}"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: that of the network of the first sizes, and 0."""
        theta = torch.zeros(self.layout.P)
        views = self.layout.views(theta)
        for name, small in self.first.layout.views(self.first.init(generator)).items():
            views[name][tuple(slice(length) for length in small.shape)] = small
        return theta
