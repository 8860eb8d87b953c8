"""Split Fashion-MNIST: the ten kinds of clothing in five tasks of two classes (Xiao et al. 2017)."""
from dataclasses import dataclass

from clbench.benchmark import Benchmark
from clbench.data.sources import fashion_mnist
from clbench.models.mlp import MLP
from clbench.stream import Budget, split_by_class


@dataclass
class SplitFashionMNIST(Benchmark):
    scenarios = ("class",)
    data = fashion_mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}

    hyperparameters = {"class": {"ewc": {"lam": 1e4}, "avalanche_ewc": {"ewc_lambda": 1e6}}}     # as on split MNIST

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds)

    def network(self):
        return MLP(784, 400, 400, 10)
