"""Split MNIST: the ten digits in five tasks of two classes (Zenke et al. 2017; van de Ven & Tolias 2019)."""
from dataclasses import dataclass

from clbench.benchmark import Benchmark
from clbench.data.sources import mnist
from clbench.models.mlp import MLP
from clbench.stream import Budget, split_by_class


@dataclass
class SplitMNIST(Benchmark):
    scenarios = ("class", "task", "domain")
    data = mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}
    seeds = {"quick": {"class": 5}}

    # ACC on held-out training data, quick, 2 seeds; everything else at its default.
    #   class   ewc lam 100: .198  1000: .198  1e4: .237  1e5: .197     lwf lam .1 to 10: .195 to .196
    #   task    ewc lam 100: .946  1000: .982  1e4: .989  1e5: .993     lwf lam .1: .992  .3: .993  1: .993  3: .993
    #   domain  ewc lam 100: .610  1000: .637  1e4: .635  1e5: .649     lwf lam .1: .585  .3: .624  1: .714  3: .657
    # Avalanche's, 1 seed, ewc_lambda 1, 100, 1e4, 1e6 and alpha .3, 1, 4:
    #   class   .194  .195  .198  .234     .198  .197  .197
    #   task    .890  .891  .971  .992     .993  .993  .993
    #   domain  .574  .584  .620  .648     .603  .633  .702
    hyperparameters = {
        "class": {"ewc": {"lam": 1e4}, "avalanche_ewc": {"ewc_lambda": 1e6}},
        "task": {"ewc": {"lam": 1e5}, "avalanche_ewc": {"ewc_lambda": 1e6}},
        "domain": {"ewc": {"lam": 1e5}, "avalanche_ewc": {"ewc_lambda": 1e6}, "avalanche_lwf": {"alpha": 4.0}},
    }

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds)

    def network(self):
        return MLP(784, 400, 400, 2 if self.scenario == "domain" else 10)
