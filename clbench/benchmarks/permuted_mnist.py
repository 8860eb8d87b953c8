"""Permuted MNIST: every task is all of MNIST with its pixels permuted (Goodfellow et al. 2014)."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.keyed import draw, generator
from clbench.core.ranges import Depth, Text, Width
from clbench.data.labelled.sources import Images, mnist
from clbench.errors import InputError
from clbench.models.by_name import NetworkBySpec
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.models.reading import Scale
from clbench.streams.inputs import PreparedImages
from clbench.streams.labelled import LabelledStream, same_classes


@dataclass
class PermutedMNIST(PreparedImages, NetworkBySpec, Benchmark):
    """Each seed draws its own permutations; the first task has the images as they are."""

    tasks: Annotated[int, Meta(ge=1, le=1000)] = 10
    tested: Annotated[int, Meta(ge=1, le=10_000)] = 10000  # test images per task
    width: Width | None = None  # of the hidden layers, or of tokens; None: 400, or the network's own
    net: Text | None = None  # any that `clbench.models.by_name` knows; None: a perceptron
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    depth: Depth | None = None  # hidden layers of the perceptron; None: 2
    bias: Literal[False] | None = None  # whether the perceptron has any; None: it has
    begins: Literal["permuted"] | None = None  # whether the first task is, too; None: it has plain images
    drawn: Literal["shared"] | None = None  # once for all seeds, which draw their order; None: by each seed
    scenarios = ("domain", "task")
    tasks_are = "5 to 10, permuted"
    data_are = "MNIST"
    data = mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}
    arguments = {"smoke": {"tasks": 3, "tested": 2000}, "quick": {"tasks": 5, "tested": 2000}}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.asks and (self.depth or self.bias is not None):
            other = f"net={self.net!r}" if self.net else "norm, weights and frozen"
            raise InputError(f"depth and bias are of the perceptron: leave them out, or {other}")

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        images = self.prepared(images)
        return same_classes(images, self.permutations(seeds), self.scenario, seeds, self.tested)

    def permutations(self, seeds: list[int]) -> Tensor:
        """[S, T, d]: which pixel of the image stands at each place."""
        d = self.side**2

        def permutation(generator: torch.Generator) -> Tensor:
            return torch.randperm(d, generator=generator)

        drawn_for = [0] * len(seeds) if self.drawn else seeds
        first = 0 if self.begins else 1
        drawn = [draw(drawn_for, "permutation", t, permutation) for t in range(first, self.tasks)]
        plain = [] if self.begins else [torch.arange(d).expand(len(seeds), -1)]
        pixels = torch.stack([*plain, *drawn], 1)
        if self.drawn:
            orders = [
                torch.randperm(self.tasks, generator=generator(seed, "order of tasks")) for seed in seeds
            ]
            pixels = torch.stack([own[order] for own, order in zip(pixels, orders, strict=True)])
        return pixels

    @property
    def side(self) -> int:
        """Pixels of a side of an input."""
        return 28 + 2 * (self.pad or 0)

    def network(self) -> Network:
        outputs = 10 * self.tasks if self.scenario == "task" else 10
        if self.asks:  # to it the permuted pixels are a picture, as the plain ones are
            scale = Scale((self.mean or 0.0,), (self.std or 1.0,))
            shape = (self.side, self.side, 1)
            return self.network_of(self.net or "mlp", shape, outputs, units=400, scale=scale)
        hidden = [self.width or 400] * (self.depth or 2)
        return MLP(self.side**2, *hidden, outputs, bias=self.bias is None)
