"""Split digits: scikit-learn's 8x8 digits in five tasks of two classes; embedded, nothing to download."""
from dataclasses import dataclass

from clbench.benchmark import Benchmark
from clbench.data.sources import digits
from clbench.models.mlp import MLP
from clbench.stream import Budget, split_by_class

_REPLAY = {name: {"memory": 100} for name in ("er", "agem", "gem", "mir", "derpp", "icarl", "avalanche_replay")}


@dataclass
class SplitDigits(Benchmark):
    scenarios = ("class", "task", "domain")
    data = digits
    # lr on held-out training data, smoke, 5 seeds, ACC of joint_equal class: 1e-3 0.73, 3e-3 0.84, 1e-2 0.88 (naive, er worse)
    budgets = {profile: Budget(steps, rows=32, lr=3e-3) for profile, steps in (("smoke", 40), ("quick", 100), ("full", 400))}

    # ACC on held-out training data, smoke, 5 seeds; everything else at its default.
    #   task    ewc lam 1: .942  10: .943  100: .955  1000: .950  1e4: .937     lwf lam .1: .986  .3: .985  1: .976  3: .963
    #   domain  ewc lam 1: .863  10: .860  100: .873  1000: .880  1e4: .880     lwf lam .1: .858  .3: .869  1: .870  3: .723
    #   class   ewc lam 1: .101  10: .125  100: .115  1000: .130  1e4: .144     lwf lam .1: .103  .3: .098  1: .112  3: .108
    #   task    avalanche_ewc ewc_lambda 100: .944  1000: .956  1e4: .966  1e5: .951     avalanche_lwf alpha .3: .986  1: .984
    #   domain  avalanche_ewc ewc_lambda 100: .855  1000: .857  1e4: .866  1e5: .889     avalanche_lwf alpha .3: .860  3: .864
    #   class   avalanche_ewc ewc_lambda 100: .115  1000: .150  1e4: .128  1e5: .150     avalanche_lwf alpha .3: .110  3: .129
    #   class   er memory 50: .731  100: .757  200: .802 (of 1,442 examples); 100 leaves something to forget
    hyperparameters = {
        "class": _REPLAY | {"avalanche_ewc": {"ewc_lambda": 1e5}},
        "task": _REPLAY | {"ewc": {"lam": 100.0}, "lwf": {"lam": 0.1}, "avalanche_ewc": {"ewc_lambda": 1e4},
                           "avalanche_lwf": {"alpha": 0.3}},
        "domain": _REPLAY | {"ewc": {"lam": 1e4}, "avalanche_ewc": {"ewc_lambda": 1e5}},
    }

    def make_stream(self, images, seeds):
        return split_by_class(images, [[2 * t, 2 * t + 1] for t in range(5)], self.scenario, seeds)

    def network(self):
        return MLP(64, 100, 100, 2 if self.scenario == "domain" else 10)
