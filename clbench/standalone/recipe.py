"""What a script is of: a benchmark, a strategy and a network, with the values that a profile gives them."""

import ast
from dataclasses import dataclass
from pathlib import Path

import torch

from clbench import registry
from clbench.core.benchmark import Benchmark
from clbench.core.part import refusal
from clbench.errors import InputError
from clbench.standalone.construction import call_that_makes


@dataclass
class Recipe:
    """What is trained, and how."""

    benchmark: Benchmark
    name: str  # of the benchmark
    strategy: registry.Strategy
    profile: str
    network: str  # the call that makes it
    network_class: type
    classes: list[type]  # of the parts


def recipe_of(benchmark: str, strategy: str, profile: str) -> Recipe:
    """Of a pair of specs. Raises InputError for what cannot be exported, Unavailable for data that are not
    here."""
    if registry.modules_of(benchmark, strategy)[0] != registry.RUNNERS["native"]:
        raise InputError(f"{strategy} is a row of another library, which runs without clbench as it is")
    name, made, _ = registry.benchmark(benchmark, profile)
    chosen = registry.strategy_on(strategy, made, profile)
    if not hasattr(type(made), "data"):
        raise InputError(
            f"{name} cannot be exported: its data have no line of code that loads them. Export on another "
            "benchmark of labelled data, and put your arrays into `own_tasks` of the script"
        )
    budget = made.budget(profile)
    if budget.fixed_compute:
        raise InputError("fixed_compute cannot be exported: a script does not count what a step costs")
    for entry, _ in chosen.terms:
        _check_imports(entry.module)
    parts, stream = chosen.build(), made.stream([0], torch.device("cpu"))
    if stream.scenario == "pairs":
        raise InputError(f"{name} is a stream of pairs: only streams of labelled data can be exported")
    net, call = call_that_makes(made.network)
    if call is None:
        raise InputError(
            f"{name} cannot be exported: its network {net} is made of more than numbers and texts"
        )
    for part in parts:
        if reason := refusal(part, stream, net, budget):
            raise InputError(f"{chosen.name} cannot learn {name}: {reason}")
    return Recipe(made, name, chosen, profile, call, type(net), [type(part) for part in parts])


def _check_imports(module: str) -> None:
    """Raises InputError for a file of one's own that imports another file beside it."""
    if not module.endswith(".py"):
        return
    path = Path(module)
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for name in names:
            beside = path.parent / name.split(".")[0]
            if (
                name.startswith(".")
                or beside.with_suffix(".py").is_file()
                or (beside / "__init__.py").is_file()
            ):
                raise InputError(
                    f"{module} imports {name}, which lies beside it: put what it needs into one file"
                )
