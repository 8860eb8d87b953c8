"""Split digits: scikit-learn's 8x8 digits in five tasks of two classes; embedded, nothing to download."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Count, Text, Width
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images, digits
from clbench.models.by_name import NetworkBySpec
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitDigits(OnFeatures, NetworkBySpec, ClassSplit):
    """Under the domain-incremental scenario the label is a digit's place within its task: even or odd."""

    memory: Count = 100  # of 1,442 examples, so that something is left to forget
    width: Width | None = None  # of the two hidden layers, or of tokens; None: 100, or the network's own
    net: Text | None = None  # any that `clbench.models.by_name` knows; None: a perceptron
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    scenarios = ("class", "task", "domain")
    tasks_are = "5 of 2 classes"
    data_are = "8x8 digits, embedded"
    data = digits
    classes = 10
    budgets = {
        "smoke": Budget(steps=40, rows=32, lr=3e-3),
        "quick": Budget(steps=100, rows=32, lr=3e-3),
        "full": Budget(steps=400, rows=32, lr=3e-3),
    }

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [[2 * t, 2 * t + 1] for t in range(5)]
        return split_by_class(images, groups, self.scenario, seeds, order=self.order, sees=self.sees or "all")

    def network(self) -> Network:
        outputs = 2 if self.scenario == "domain" else 10
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), outputs)
        if self.asks:
            return self.network_of(self.net or "mlp", (8, 8, 1), outputs)
        width = self.width or 100
        return MLP(64, width, width, outputs)
