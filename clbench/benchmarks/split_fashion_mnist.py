"""Split Fashion-MNIST: the ten kinds of clothing in five tasks of two classes (Xiao et al. 2017)."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Width
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images, fashion_mnist
from clbench.models import by_name
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitFashionMNIST(OnFeatures, ClassSplit):
    """Class-incremental only: one output layer for all ten kinds."""

    width: Width | None = None  # of the two hidden layers, or of tokens; None: 400, or the network's own
    net: Literal["tiny_vit"] | None = None  # None: a perceptron
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
            return MLP(self.contents().x.shape[1], 10)
        if self.net:
            return by_name.network(self.net, (28, 28, 1), 10, width=self.width)
        width = self.width or 400
        return MLP(784, width, width, 10)
