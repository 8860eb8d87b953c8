"""Blobs: ten Gaussian clouds in 16 dimensions in five tasks of two; for tests."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.keyed import generator
from clbench.core.ranges import Width
from clbench.data.labelled.sources import Images
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.models.tiny_vit import TinyViT
from clbench.streams.labelled import LabelledStream, split_by_class


def gaussian_blobs(classes: int = 40, train: int = 60, test: int = 20) -> Images:
    """Clouds of unit variance around centres drawn by a key; `train` and `test` points of each.

    No real images.
    """
    draws = generator(0, "blobs")
    centres = 3 * torch.randn(classes, 16, generator=draws)
    y = torch.arange(classes).repeat_interleave(train)
    y_test = torch.arange(classes).repeat_interleave(test)
    x = centres[y] + torch.randn(len(y), 16, generator=draws)
    x_test = centres[y_test] + torch.randn(len(y_test), 16, generator=draws)
    images = Images(x, y, x_test, y_test, scale=1.0, fingerprint="gaussian blobs 1")
    # A key draws them: another set of instructions draws other last bits, and they are the same data.
    vars(images)["digest"] = ""
    return images


@dataclass
class Blobs(ClassSplit):
    """Takes milliseconds to train on; hidden from lists and from `--all`."""

    tasks: Annotated[int, Meta(ge=1, le=20)] = 5
    width: Width | None = None  # of the two hidden layers, or of tokens; None: 32, or 16
    net: Literal["tiny_vit"] | None = None  # for which a point is a picture of 4x4 pixels; None: a perceptron
    scenarios = ("class", "task", "domain")
    tasks_are = "5 of 2 classes"
    data_are = "points, made up"
    hidden = True
    data = gaussian_blobs
    budgets = {profile: Budget(steps=12, rows=16) for profile in ("smoke", "quick", "full")}

    @property
    def classes(self) -> int:
        return 2 * self.tasks

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [[2 * t, 2 * t + 1] for t in range(self.tasks)]
        return split_by_class(images, groups, self.scenario, seeds, order=self.order, sees=self.sees or "all")

    def network(self) -> Network:
        outputs = 2 if self.scenario == "domain" else 2 * self.tasks
        if self.net:
            return TinyViT((4, 4, 1), outputs, self.width or 16, depth=1)
        width = self.width or 32
        return MLP(16, width, width, outputs)
