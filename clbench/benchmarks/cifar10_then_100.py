"""CIFAR-10, then CIFAR-100: all classes of the one, then ten of the other per task (Zenke et al. 2017)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.ranges import Channels, Text
from clbench.data.labelled.cifar import CIFAR10, SHAPE, cifar10_then_100
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images
from clbench.models.by_name import NetworkBySpec
from clbench.models.network import Network
from clbench.models.reading import Scale
from clbench.streams.augmentation import crops_and_flips
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class CIFAR10Then100(OnFeatures, NetworkBySpec, Benchmark):
    """The six tasks of the paper are CIFAR-10 and the first fifty classes of CIFAR-100."""

    tasks: Annotated[int, Meta(ge=2, le=11)] = 6
    net: Text = "resnet18_slim"  # any that `clbench.models.by_name` knows
    width: Channels | None = None  # channels of its first layer; None: the network's own
    norm: Literal["group", "batch"] = "group"
    augment: bool = True  # random crops of images padded by 4 black pixels, and random flips
    scenarios = ("task", "class")
    tasks_are = "6 of 10 classes"
    data_are = "CIFAR-10 and -100"
    data = cifar10_then_100
    budgets = {
        "smoke": Budget(steps=40, rows=32, lr=3e-3),
        "quick": Budget(steps=250, rows=32, lr=3e-3),
        "full": Budget(steps=3000, rows=32),
    }
    arguments = {profile: {"net": "small_conv", "augment": False} for profile in ("smoke", "quick")}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [list(range(10 * t, 10 * (t + 1))) for t in range(self.tasks)]
        views = crops_and_flips(SHAPE, 4) if self.augment else None
        return split_by_class(images, groups, self.scenario, seeds, views)

    def network(self) -> Network:
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), 10 * self.tasks)
        return self.network_of(self.net, SHAPE, 10 * self.tasks, scale=Scale(CIFAR10.mean, CIFAR10.std))
