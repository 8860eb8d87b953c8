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
    # lr on held-out training data, smoke, 5 seeds, ACC of joint_equal class: 1e-3 0.73, 3e-3 0.84, 1e-2 0.88 (naive, er worse)
    budgets = {profile: Budget(steps, rows=32, lr=3e-3) for profile, steps in (("smoke", 40), ("quick", 100), ("full", 400))}

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds)

    def network(self):
        return MLP(64, 100, 100, 2 if self.scenario == "domain" else 10)
