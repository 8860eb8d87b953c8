"""Permuted MNIST: every task is all of MNIST under its own permutation of the pixels (Goodfellow et al. 2014)."""
from dataclasses import dataclass

import torch

from clbench.benchmark import Benchmark
from clbench.data.sources import mnist
from clbench.keyed import draw
from clbench.models.mlp import MLP
from clbench.stream import Budget, same_classes


@dataclass
class PermutedMNIST(Benchmark):
    """The permutations are drawn by seed; the first task is the plain images."""

    tasks: int = 10
    tested: int = 10000                  # test images per task
    scenarios = ("domain", "task")
    data = mnist
    budgets = {"smoke": Budget(steps=40), "quick": Budget(steps=100), "full": Budget(steps=2000)}
    arguments = {"smoke": {"tasks": 3, "tested": 2000}, "quick": {"tasks": 5, "tested": 2000}}

    # ACC on held-out training data, quick, 2 seeds; everything else at its default.
    #   domain  ewc lam 10: .875  100: .912  1000: .901  1e4: .872     lwf lam .1: .858  .3: .882  1: .871  3: .615
    #   task    ewc lam 10: .897  100: .913  1000: .898  1e4: .873     lwf lam .1: .852  .3: .874  1: .876  3: .885
    # Avalanche's, domain, 1 seed: ewc_lambda 1000: .886  1e4: .913  1e5: .900
    hyperparameters = {
        "domain": {"ewc": {"lam": 100.0}, "lwf": {"lam": 0.3}, "avalanche_ewc": {"ewc_lambda": 1e4}},
        "task": {"ewc": {"lam": 100.0}, "lwf": {"lam": 3.0}, "avalanche_ewc": {"ewc_lambda": 1e4}},
    }

    def make_stream(self, images, seeds):
        permutations = [draw(seeds, "permutation", t, lambda generator: torch.randperm(784, generator=generator))
                        for t in range(1, self.tasks)]
        plain = torch.arange(784).expand(len(seeds), -1)
        return same_classes(images, torch.stack([plain, *permutations], 1), self.scenario, seeds, self.tested)

    def network(self):
        return MLP(784, 400, 400, 10 * self.tasks if self.scenario == "task" else 10)
