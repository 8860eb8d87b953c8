"""What `clbench check --against` asks another source tree. Run as a script: that tree need not have it.

Reads {"profile", "pairs": [[benchmark, strategy], …], "arrays": [[S][T+1][E], …]} from standard input and
prints one line of JSON: {"package", "known": [[benchmark, strategy], …], "metrics": [name -> [S], …]}.
"""

import json
import sys

import numpy as np

from clbench import registry
from clbench.errors import InputError, Unavailable
from clbench.metrics.accuracy import per_seed


def known(pairs: list[list[str]], profile: str) -> list[list[str]]:
    """The pairs that this tree can plan."""
    found = []
    for benchmark, strategy in pairs:
        try:
            registry.strategy_on(strategy, registry.benchmark(benchmark, profile)[1], profile)
            found.append([benchmark, strategy])
        except (InputError, Unavailable):  # an unknown name, or arguments that it does not take
            continue
    return found


def metrics(array: list) -> dict[str, list[float | None]]:
    """What this tree computes from an array of accuracies."""
    values = per_seed(np.array(array, dtype=np.float64))
    return {name: [None if one != one else one for one in own.tolist()] for name, own in values.items()}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    package = str(registry.PACKAGE)
    print(
        json.dumps(
            {
                "package": package,
                "known": known(asked["pairs"], asked["profile"]),
                "metrics": [metrics(array) for array in asked["arrays"]],
            }
        )
    )
