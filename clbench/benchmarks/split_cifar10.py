"""Split CIFAR-10: the ten kinds of objects in five tasks of two classes (Krizhevsky 2009)."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Channels, Text
from clbench.data.labelled.cifar import CIFAR10, SHAPE, cifar10
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images
from clbench.models.by_name import NetworkBySpec
from clbench.models.network import Network
from clbench.models.reading import Scale
from clbench.streams.augmentation import crops_and_flips
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitCIFAR10(OnFeatures, NetworkBySpec, ClassSplit):
    """`quick` trains a small network on plain pictures, `full` a slim ResNet-18 with crops and flips."""

    net: Text = "resnet18_slim"  # any that `clbench.models.by_name` knows
    width: Channels | None = None  # channels of its first layer; None: the network's own
    norm: Literal["group", "batch"] = "group"
    augment: bool = True  # random crops of images padded by 4 black pixels, and random flips
    scenarios = ("class", "task")
    tasks_are = "5 of 2 classes"
    data_are = "CIFAR-10"
    data = cifar10
    classes = 10
    budgets = {
        "smoke": Budget(steps=40, rows=32, lr=3e-3),
        "quick": Budget(steps=250, rows=32, lr=3e-3),
        "full": Budget(steps=3000, rows=32),
    }
    # Where the task is known, replay from a larger memory would be as good as retraining.
    arguments = {
        "smoke": {"net": "small_conv", "augment": False},
        "quick": {"net": "small_conv", "augment": False},
        "task": {"memory": 100},
    }

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        views = crops_and_flips(SHAPE, 4) if self.augment else None
        groups = [[2 * t, 2 * t + 1] for t in range(5)]
        return split_by_class(
            images, groups, self.scenario, seeds, views, self.order, sees=self.sees or "all"
        )

    def network(self) -> Network:
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), 10)
        return self.network_of(self.net, SHAPE, 10, scale=Scale(CIFAR10.mean, CIFAR10.std))
