"""Split CIFAR-10: the ten kinds of objects in five tasks of two classes (Krizhevsky 2009)."""
from dataclasses import dataclass
from typing import Literal

from clbench.benchmark import Benchmark
from clbench.data.cifar import SHAPE, cifar10
from clbench.models import by_name
from clbench.stream import Budget, crops_and_flips, split_by_class

_REPLAY = {name: {"memory": 100} for name in ("er", "agem", "gem", "mir", "derpp", "icarl", "avalanche_replay")}


@dataclass
class SplitCIFAR10(Benchmark):
    """`quick` trains a small network on the pictures as they are, `full` a slim ResNet-18 with crops and flips."""

    net: Literal["small_conv", "resnet18_slim", "resnet18"] = "resnet18_slim"
    norm: Literal["group", "batch"] = "group"
    augment: bool = True                 # a random crop out of 4 black pixels around, mirrored or not
    scenarios = ("class", "task")
    data = cifar10
    # lr on held-out training data, quick, 1 seed, ACC of class: 1e-3 naive .111 er .326 joint .410; 3e-3 .137 .359 .464
    budgets = {"smoke": Budget(steps=40, rows=32, lr=3e-3), "quick": Budget(steps=250, rows=32, lr=3e-3),
               "full": Budget(steps=3000, rows=32)}
    arguments = {profile: {"net": "small_conv", "augment": False} for profile in ("smoke", "quick")}
    seeds = {"quick": {"class": 5, "task": 5}}

    # ACC on held-out training data, quick, 2 seeds; everything else at its default.
    #   task    ewc(samples=256) lam 100: .724  1000: .731  1e4: .722  1e5: .716     lwf lam 1: .764  3: .791  10: .782
    #   class   ewc(samples=256) lam 1000: .146   lwf lam 1: .152
    #   task    er memory 50: .750  100: .773  200: .787; naive .674, joint .815 (5 seeds; 200: 3). With 500, and the task known,
    #           er is where joint is: 100 leaves something to tell methods apart by
    # 256 examples for the Fisher: each costs a pass of its own in a convolutional network.
    hyperparameters = {"class": {"ewc": {"samples": 256}}, "task": _REPLAY | {"ewc": {"samples": 256}, "lwf": {"lam": 3.0}}}

    def make_stream(self, images, seeds):
        views = crops_and_flips(SHAPE, 4) if self.augment else None
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds, views)

    def network(self):
        return by_name.network(self.net, SHAPE, 10, self.norm)
