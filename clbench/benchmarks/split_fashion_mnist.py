"""Split Fashion-MNIST: the ten kinds of clothing in five tasks of two classes (Xiao et al. 2017)."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Text, Width
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images, fashion_mnist
from clbench.models.by_name import NetworkBySpec
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitFashionMNIST(OnFeatures, NetworkBySpec, ClassSplit):
    """Class-incremental only: one output layer for all ten kinds."""

    width: Width | None = None  # of the two hidden layers, or of tokens; None: 400, or the network's own
    net: Text | None = None  # any that `clbench.models.by_name` knows; None: a perceptron
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    scenarios = ("class",)
    tasks_are = "5 of 2 classes"
    data_are = "Fashion-MNIST"
    data = fashion_mnist
    classes = 10
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [[2 * t, 2 * t + 1] for t in range(5)]
        return split_by_class(images, groups, self.scenario, seeds, order=self.order, sees=self.sees or "all")

    def network(self) -> Network:
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), 10)
        if self.asks:
            return self.network_of(self.net or "mlp", (28, 28, 1), 10, units=400)
        width = self.width or 400
        return MLP(784, width, width, 10)
