"""Split CIFAR-100: a hundred kinds of objects in ten tasks of ten, or 20 of five (Krizhevsky 2009)."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Channels, Count, Text
from clbench.data.labelled.cifar import CIFAR100, SHAPE, cifar100
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images
from clbench.models.by_name import NetworkBySpec
from clbench.models.network import Network
from clbench.models.reading import Scale
from clbench.streams.augmentation import crops_and_flips
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitCIFAR100(OnFeatures, NetworkBySpec, ClassSplit):
    """As for `split_cifar10`, `quick` trains a small network on the pictures as they are."""

    tasks: Literal[5, 10, 20] = 10
    memory: Count = 2000
    net: Text = "resnet18_slim"  # any that `clbench.models.by_name` knows
    width: Channels | None = None  # channels of its first layer; None: the network's own
    norm: Literal["group", "batch"] = "group"
    augment: bool = True  # random crops of images padded by 4 black pixels, and random flips
    scenarios = ("class", "task")
    tasks_are = "10 of 10 classes"
    data_are = "CIFAR-100"
    data = cifar100
    classes = 100
    budgets = {
        "smoke": Budget(steps=40, rows=32, lr=3e-3),
        "quick": Budget(steps=250, rows=32, lr=3e-3),
        "full": Budget(steps=3000, rows=32),
    }
    arguments = {profile: {"net": "small_conv", "augment": False} for profile in ("smoke", "quick")}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        size = 100 // self.tasks
        groups = [list(range(size * t, size * (t + 1))) for t in range(self.tasks)]
        views = crops_and_flips(SHAPE, 4) if self.augment else None
        return split_by_class(
            images, groups, self.scenario, seeds, views, self.order, sees=self.sees or "all"
        )

    def network(self) -> Network:
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), 100)
        return self.network_of(self.net, SHAPE, 100, scale=Scale(CIFAR100.mean, CIFAR100.std))
