"""Inputs that are learnt: a "network" whose parameters are rows of a data set, and whose output they are."""

import torch
from torch import Tensor

from clbench.core.layout import Layout
from clbench.core.pytree import Tree


class LearnedInputs:
    """Gives its rows [rows, width], whatever it reads. They start at 0: who learns them says where."""

    kind = "inputs"

    def __init__(self, rows: int, width: int) -> None:
        self.rows, self.width = rows, width
        self.layout = Layout({"x": (rows, width)})

    def __str__(self) -> str:
        return f"{self.rows} learnt inputs of {self.width}"

    def init(self, generator: torch.Generator) -> Tensor:
        return self.layout.flat({"x": 0.0})

    def features(self, theta: Tensor, x: Tree) -> Tensor:
        return self.layout.views(theta)["x"]

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        return features

    def __call__(self, theta: Tensor, x: Tree) -> Tensor:
        return self.features(theta, x)
