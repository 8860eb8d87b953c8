"""The two numbers by which a network's outputs for some classes are corrected, for the strategy `bic`."""

import torch
from torch import Tensor

from clbench.core.layout import Layout


class Bias:
    """Reads outputs o [n, C] and gives alpha o + beta for the classes of `where` [C], o for the others.

    It starts as the identity.
    """

    kind = "bias"

    def __init__(self, where: Tensor) -> None:
        self.where = where
        self.layout = Layout({"alpha": (1,), "beta": (1,)})

    def __str__(self) -> str:
        return "bias"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]; nothing is drawn."""
        return self.layout.flat({"alpha": 1.0, "beta": 0.0})

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """What it reads, as it is."""
        return x

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """The corrected outputs."""
        views = self.layout.views(theta)
        return torch.where(self.where, views["alpha"] * features + views["beta"], features)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        return self.head(theta, x)
