"""Rotated MNIST: every task is all of MNIST turned by a fixed angle (Lopez-Paz & Ranzato 2017)."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.ranges import Text, Width
from clbench.data.labelled.sources import Images, mnist
from clbench.models.by_name import NetworkBySpec
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream, same_classes


@dataclass
class RotatedMNIST(NetworkBySpec, Benchmark):
    """The angles go from 0 to `degrees` in equal steps; every pixel takes its nearest neighbour."""

    tasks: Annotated[int, Meta(ge=1, le=1000)] = 10
    degrees: Annotated[float, Meta(ge=-360, le=360)] = 180.0  # the angle of the last task
    tested: Annotated[int, Meta(ge=1, le=10_000)] = 10000  # test images per task
    width: Width | None = None  # of the two hidden layers, or of tokens; None: 400, or the network's own
    net: Text | None = None  # any that `clbench.models.by_name` knows; None: a perceptron
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    scenarios = ("domain",)
    tasks_are = "5 to 10, turned"
    data_are = "MNIST"
    data = mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}
    arguments = {"smoke": {"tasks": 3, "tested": 2000}, "quick": {"tasks": 5, "tested": 2000}}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        angles = torch.linspace(0, self.degrees, self.tasks, dtype=torch.float64).tolist()
        pixels = torch.stack([rotation(angle) for angle in angles])
        return same_classes(images, pixels.expand(len(seeds), -1, -1), self.scenario, seeds, self.tested)

    def network(self) -> Network:
        return self.network_of(self.net or "mlp", (28, 28, 1), 10, units=400)


def rotation(degrees: float, side: int = 28) -> Tensor:
    """Which pixel stands at each place of an image turned counter-clockwise: [side * side].

    side * side itself stands for a place outside the image.
    """
    cos = math.cos(math.radians(degrees))
    sin = math.sin(math.radians(degrees))
    middle = (side - 1) / 2
    line = torch.arange(side, dtype=torch.float64) - middle
    v, u = torch.meshgrid(line, line, indexing="ij")
    x = (cos * u - sin * v + middle).round().long()
    y = (sin * u + cos * v + middle).round().long()
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    return torch.where(inside, y * side + x, side * side).flatten()
