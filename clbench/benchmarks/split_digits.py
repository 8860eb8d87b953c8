"""Split digits: scikit-learn's 8x8 digits in five tasks of two classes; embedded, nothing to download."""
from dataclasses import dataclass

from clbench.core.benchmark import ClassSplit
from clbench.core.budget import Budget
from clbench.data.labelled.sources import Images, digits
from clbench.models.mlp import MLP
from clbench.streams.labelled import LabelledStream, split_by_class


@dataclass
class SplitDigits(ClassSplit):
    memory: int = 100                    # of 1,442 examples: leaves something to forget
    width: int | None = None             # of the two hidden layers; None: 100
    scenarios = ("class", "task", "domain")
    data = digits
    classes = 10
    budgets = {profile: Budget(steps, rows=32, lr=3e-3) for profile, steps in (("smoke", 40), ("quick", 100), ("full", 400))}

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        groups = [[2 * t, 2 * t + 1] for t in range(5)]
        return split_by_class(images, groups, self.scenario, seeds, order=self.order)

    def network(self) -> MLP:
        width = self.width or 100
        return MLP(64, width, width, 2 if self.scenario == "domain" else 10)
