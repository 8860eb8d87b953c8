"""Permuted MNIST: every task is all of MNIST with its pixels permuted (Goodfellow et al. 2014)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.keyed import draw
from clbench.core.ranges import Width
from clbench.data.labelled.sources import Images, mnist
from clbench.models.mlp import MLP
from clbench.streams.labelled import LabelledStream, same_classes


@dataclass
class PermutedMNIST(Benchmark):
    """Each seed draws its own permutations; the first task has the images as they are."""

    tasks: Annotated[int, Meta(ge=1, le=1000)] = 10
    tested: Annotated[int, Meta(ge=1, le=10_000)] = 10000  # test images per task
    width: Width | None = None  # of the two hidden layers; None: 400
    scenarios = ("domain", "task")
    tasks_are = "5 to 10, permuted"
    data_are = "MNIST"
    data = mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}
    arguments = {"smoke": {"tasks": 3, "tested": 2000}, "quick": {"tasks": 5, "tested": 2000}}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        def permutation(generator: torch.Generator) -> Tensor:
            return torch.randperm(784, generator=generator)

        permutations = [draw(seeds, "permutation", t, permutation) for t in range(1, self.tasks)]
        plain = torch.arange(784).expand(len(seeds), -1)
        return same_classes(images, torch.stack([plain, *permutations], 1), self.scenario, seeds, self.tested)

    def network(self) -> MLP:
        width = self.width or 400
        return MLP(784, width, width, 10 * self.tasks if self.scenario == "task" else 10)
