"""Split digits: scikit-learn's 8x8 digits in five tasks of two classes; embedded, nothing to download."""
from dataclasses import dataclass

from clbench.benchmark import Benchmark
from clbench.data.sources import digits
from clbench.models.mlp import MLP
from clbench.stream import Budget, split_by_class


@dataclass
class SplitDigits(Benchmark):
    scenarios = ("class", "task", "domain")
    data = digits
    budgets = {"smoke": Budget(steps=40, rows=32), "quick": Budget(steps=100, rows=32), "full": Budget(steps=400, rows=32)}

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds)

    def network(self):
        return MLP(64, 100, 100, 2 if self.scenario == "domain" else 10)
