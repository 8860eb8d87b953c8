"""clbench: benchmarks and a leaderboard for continual learning.

    clbench.run("split_digits_class", "er(memory=200)")   one strategy on one benchmark: help(clbench.run)
    clbench.strategies(), clbench.benchmarks()            what there is
    clbench.load_results("my_results")                    a folder of results as a pandas table
    clbench.load_comparison("my_results", "news")         the rows of a benchmark, with plots
    clbench.load_model("models/quick/news/er")            what `clbench run --save-models` saved, as a module

`clbench --help` shows the commands; docs/howto.md, how to add a strategy, a benchmark, a network.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from clbench import moved
from clbench.exports import EXPORTS, LISTINGS

if TYPE_CHECKING:
    from clbench.api import Result, run
    from clbench.artefacts.load import load_model
    from clbench.core.batch import Batch, take
    from clbench.core.benchmark import Benchmark, ClassSplit
    from clbench.core.budget import Budget
    from clbench.core.layout import Layout
    from clbench.core.part import Part
    from clbench.data.labelled.sources import Images
    from clbench.errors import InputError, Unavailable
    from clbench.interchange import to_avalanche
    from clbench.listing import benchmarks, strategies
    from clbench.models.dual_encoder import DualEncoder
    from clbench.models.functional import Functional
    from clbench.models.mlp import MLP
    from clbench.models.resnet import ResNet18
    from clbench.models.small_conv import SmallConv
    from clbench.own_data import benchmark_from
    from clbench.report.frame import load_results
    from clbench.report.notebook import Comparison, load_comparison
    from clbench.strategies.parts.memory import Memory
    from clbench.streams.labelled import split_by_class
    from clbench.streams.pairs import PairStream

__version__ = "0.1.0"
__all__ = [
    "MLP",
    "Batch",
    "Benchmark",
    "Budget",
    "ClassSplit",
    "Comparison",
    "DualEncoder",
    "Functional",
    "Images",
    "InputError",
    "Layout",
    "Memory",
    "PairStream",
    "Part",
    "ResNet18",
    "Result",
    "SmallConv",
    "Unavailable",
    "benchmark_from",
    "benchmarks",
    "load_comparison",
    "load_model",
    "load_results",
    "run",
    "split_by_class",
    "strategies",
    "take",
    "to_avalanche",
]

moved.install()


def __getattr__(name: str):
    """Imports what is asked for, so that `import clbench` itself needs neither torch nor pandas."""
    if name in LISTINGS:
        return import_module(f"clbench.{name}")
    if name not in EXPORTS:
        raise AttributeError(f"module clbench has no attribute {name}")
    return getattr(import_module(EXPORTS[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
