"""Writes the script of one strategy on one benchmark."""

import inspect
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from clbench import __version__, registry
from clbench.core.benchmark import Benchmark
from clbench.core.part import refusal
from clbench.errors import InputError
from clbench.execution.processor import describe_processor
from clbench.standalone.closure import LOOP, Closure, lineage
from clbench.standalone.construction import call_that_makes
from clbench.standalone.sources import Definition, resolve
from clbench.standalone.text import Writer

TAKEN = {"own_tasks", "stream_of_benchmark", "train", "main", "BUDGET", "SCENARIO", "argparse", "Any"}


@dataclass
class Recipe:
    """What is trained, and how."""

    benchmark: Benchmark
    name: str  # of the benchmark
    strategy: registry.Strategy
    profile: str
    network: str  # the call that makes it
    classes: list[type]  # of the parts


def recipe(benchmark: str, strategy: str, profile: str) -> Recipe:
    """Raises InputError for what cannot be exported, Unavailable for data that are not here."""
    name, made, _ = registry.benchmark(benchmark, profile)
    chosen = registry.strategy_on(strategy, made, profile)
    if chosen.backend != "native":
        raise InputError(f"{chosen.name} is code of Avalanche, which runs without clbench as it is")
    budget = made.budget(profile)
    if budget.fixed_compute:
        raise InputError("fixed_compute needs the cost sheet, which a script does not have: leave it out")
    if made.scenario == "pairs" or not hasattr(type(made), "data"):
        raise InputError(f"{name} is no benchmark of labelled data with code of its own: only such are exported")
    parts = chosen.build()
    stream = made.stream([0], torch.device("cpu"))
    if not hasattr(stream, "open_outputs"):
        raise InputError(f"{name} is a stream of pairs: only labelled streams are exported")
    net, call = call_that_makes(made.network)
    if call is None:
        raise InputError(f"the network {net} is made of what no line of code can say: it cannot be exported")
    for part in parts:
        if reason := refusal(part, stream, net, budget):
            raise InputError(f"{chosen.name} cannot learn {name}: {reason}")
    return Recipe(made, name, chosen, profile, call, [type(part) for part in parts])


def script(of: Recipe) -> str:
    """The whole text."""
    roots = [*_definitions(of), *_of_loop()]
    classes = [_definition(cls) for cls in of.classes]
    words = {"train", "to"} | ({"validation"} if of.benchmark.validation else set())
    closure = Closure(roots, words, {one.module for one in classes})
    writer = Writer(closure, {one.key for one in classes}, TAKEN)
    body = _body(of, writer)
    text = "\n\n\n".join(writer.sections())
    needed = ["import argparse", "import torch"]
    if "Any" in writer.stand_ins():
        needed.append("from typing import Any")
    head = [
        _title(of),
        "from __future__ import annotations",
        writer.imports(needed),
        writer.stand_ins(),
        _settings(of, writer),
    ]
    return "\n\n".join(filter(None, head)) + f"\n\n\n{text}\n\n\n{body}"


def _title(of: Recipe) -> str:
    return (
        f'"""{of.strategy.name} on {of.name}, as clbench {__version__} trains it under the profile {of.profile}.\n\n'
        "Reads from top to bottom: settings, data, network, method, training loop. It needs no clbench.\n"
        "A seed axis S comes first in most tensors; here it has the length 1.\n"
        '"""'
    )


def _settings(of: Recipe, writer: Writer) -> str:
    lines = ["# ---- settings ".ljust(110, "-"), f'SCENARIO = "{of.benchmark.scenario}"']
    lines += _assigned("BUDGET", asdict(of.benchmark.budget(of.profile)))
    for (entry, arguments), cls in zip(of.strategy.terms, of.classes, strict=True):
        if arguments:
            lines += _assigned(f"{cls.__name__.upper()}_VALUES", arguments)
    lines += [
        "",
        "",
        "def own_tasks():",
        '    """Your own data go here: for each task a tuple of arrays (x [n, d], y [n], x_test [m, d], y_test [m]);',
        "    labels are outputs of the network, from 0. None: the benchmark's data. Adapt the network in `train`.",
        '    """',
        "    return None",
    ]
    return "\n".join(lines)


def _assigned(name: str, values: dict[str, Any]) -> list[str]:
    return [f"{name} = dict(", *(f"    {key}={value!r}," for key, value in values.items()), ")"]


def _body(of: Recipe, writer: Writer) -> str:
    def named(cls: Any) -> str:
        return writer.names[_definition(cls).key]

    data = vars(type(of.benchmark)).get("data") or type(of.benchmark).data
    data = data.__func__ if isinstance(data, staticmethod) else data
    images = f"{named(inspect.unwrap(data))}()" + (".validation()" if of.benchmark.validation else "")
    own = _fields(of, writer)
    network = of.network
    cls, _, arguments = network.partition("(")
    net_cls = next(key for key in writer.names if key[1] == cls and key[0].split(".")[1:2] != ["core"])
    network = f"{writer.names[net_cls]}({arguments}"
    parts = []
    for (entry, given), part in zip(of.strategy.terms, of.classes, strict=True):
        parts.append(f"{named(part)}(" + (f"**{part.__name__.upper()}_VALUES" if given else "") + ")")
    made = f"[{', '.join(parts)}]"
    if len(parts) > 1:
        made = f"introduce({made})"
    # What multiplies matrices decides on bits too.
    line = '\n    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # by oneDNN, as clbench does on this processor'
    onednn = line if "oneDNN" in describe_processor() else ""
    return f'''# ---- the recipe {"-" * 94}
def stream_of_benchmark(seed, device):
    benchmark = {named(type(of.benchmark))}({own})
    benchmark.scenario = SCENARIO
    return benchmark.make_stream({images}.to(device), [seed])


def train(seed=0, device="cpu"):
    """Trains on all tasks. Of what comes back, `acc` [T+1, E] are the accuracies on each task, of the untrained
    network and after each task, and `learner` has the network and its weights."""
    tasks, place = own_tasks(), torch.device(device)
    with arithmetic(BUDGET["precision"]):
        stream = stream_of(tasks, SCENARIO, seed, place) if tasks else stream_of_benchmark(seed, place)
        network = {network}
        training = Training(stream, network, {made}, Budget(**BUDGET))
        training.train()
    return training


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    torch.set_num_threads(1)  # with more, sums come in another order and the last bits differ{onednn}
    train(**vars(asked.parse_args()))


if __name__ == "__main__":
    main()
'''


def _fields(of: Recipe, writer: Writer) -> str:
    """The benchmark's arguments, of those that the script's class has, where they are not the defaults."""
    kept = [writer.closure.kept.get(one.key) for one in lineage(_definition(type(of.benchmark))) if isinstance(one, Definition)]
    there = {name for one in kept if one for name in one.fields}
    values = {one.name: (getattr(of.benchmark, one.name), one.default) for one in fields(of.benchmark)}
    given = {name: value for name, (value, default) in values.items() if name in there and value != default}
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def _definitions(of: Recipe) -> list[Definition]:
    data = inspect.unwrap(type(of.benchmark).data)
    network = of.network.partition("(")[0]
    found = [_definition(type(of.benchmark)), _definition(data), *(_definition(cls) for cls in of.classes)]
    found.append(_definition(type(of.benchmark.network())))
    assert network
    return found


def _of_loop() -> list[Definition]:
    names = [(LOOP, "Training"), (LOOP, "stream_of")]
    names += [("clbench.engine.precision", "arithmetic"), ("clbench.core.budget", "Budget")]
    found = [resolve(*name) for name in names]
    return [one for one in found if isinstance(one, Definition)]


def _definition(made: Any) -> Definition:
    """Of a class or function."""
    module = made.__module__
    path = inspect.getfile(made)
    found = resolve(module if module.startswith("clbench.") else path, made.__qualname__)
    if not isinstance(found, Definition):
        raise InputError(f"{made.__qualname__} of {path} is made by other code: it cannot be exported")
    return found
