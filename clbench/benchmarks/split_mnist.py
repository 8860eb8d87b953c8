"""Split MNIST: the ten digits in five tasks of two classes (Zenke et al. 2017; van de Ven & Tolias 2019)."""

from dataclasses import dataclass
from typing import Literal

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.core.ranges import Depth, Text, Width
from clbench.data.labelled.on_features import OnFeatures
from clbench.data.labelled.sources import Images, mnist
from clbench.errors import InputError
from clbench.models.by_name import NetworkBySpec
from clbench.models.mlp import MLP, Activation
from clbench.models.network import Network
from clbench.models.reading import Scale
from clbench.streams.inputs import PreparedImages
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitMNIST(OnFeatures, PreparedImages, NetworkBySpec, ClassSplit):
    """Under the domain-incremental scenario the label is a digit's place within its task: even or odd."""

    width: Width | None = None  # of the two hidden layers, or of tokens; None: 400, or the network's own
    net: Text | None = None  # any that `clbench.models.by_name` knows; None: a perceptron
    depth: Depth | None = None  # hidden layers of the perceptron; None: 2
    activation: Activation | None = None  # between them; None: relu
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    scenarios = ("class", "task", "domain")
    tasks_are = "5 of 2 classes"
    data_are = "MNIST"
    data = mnist
    classes = 10
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.asks and (self.depth or self.activation):
            other = f"net={self.net!r}" if self.net else "norm, weights and frozen"
            raise InputError(f"depth and activation are of the perceptron: leave them out, or {other}")

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [[2 * t, 2 * t + 1] for t in range(5)]
        images = self.prepared(images)
        return split_by_class(images, groups, self.scenario, seeds, order=self.order, sees=self.sees or "all")

    def network(self) -> Network:
        outputs = 2 if self.scenario == "domain" else 10
        if self.features:
            return self.network_of(self.net or "linear", (self.numbers,), outputs)
        side = 28 + 2 * (self.pad or 0)
        if self.asks:
            scale = Scale((self.mean or 0.0,), (self.std or 1.0,))
            return self.network_of(self.net or "mlp", (side, side, 1), outputs, units=400, scale=scale)
        hidden = [self.width or 400] * (self.depth or 2)
        return MLP(side**2, *hidden, outputs, activation=self.activation or "relu")
