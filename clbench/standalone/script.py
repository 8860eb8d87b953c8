"""Writes the script of one strategy on one benchmark."""

import inspect
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from clbench.core.text import printable
from clbench.errors import InputError
from clbench.execution.processor import describe_processor
from clbench.standalone.closure import LOOP, Closure, lineage
from clbench.standalone.recipe import Recipe
from clbench.standalone.sources import Definition, resolve
from clbench.standalone.text import WIDTH, Writer

TAKEN = {"own_tasks", "stream_of_benchmark", "train", "main", "BUDGET", "SCENARIO", "argparse", "Any"}
LIBRARIES = ["import argparse", "import torch", "from typing import Any"]
ENGINE = [
    (LOOP, "Training"),
    (LOOP, "stream_of"),
    ("clbench.engine.precision", "arithmetic"),
    ("clbench.core.budget", "Budget"),
]
SEVERAL = ("clbench.core.part", "introduce")  # tells parts that they are joined

SETTINGS = '''\
# ---- settings {line}
SCENARIO = "{scenario}"
{values}


def own_tasks():
    """Your own data go here: for each task a tuple of arrays (x [n, d], y [n], x_test [m, d], y_test [m]),
    with labels that are outputs of the network, from 0. None: the benchmark's data. The network is made in
    `train`."""
    return None
'''

RECIPE = '''\
# ---- recipe {line}
def stream_of_benchmark(seed, device):
    benchmark = {benchmark}
    benchmark.scenario = SCENARIO
    return benchmark.make_stream({images}.to(device), [seed])


def train(seed=0, device="cpu"):
    """Trains on all tasks. Of what it gives, `acc` [T+1, E] are the accuracies on each task, of the untrained
    network and after each task; `learner` has the network and its weights."""
    tasks, place = own_tasks(), torch.device(device)
    with arithmetic(BUDGET["precision"]):
        stream = stream_of(tasks, SCENARIO, seed, place) if tasks else stream_of_benchmark(seed, place)
        network = {network}
        parts = {parts}
        training = Training(stream, network, parts, Budget(**BUDGET))
        training.train()
    return training


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    torch.set_num_threads(1)  # with more, sums come in another order and the last bits differ
{processor}    train(**vars(asked.parse_args()))


if __name__ == "__main__":
    main()
'''
ONEDNN = '    torch.backends.mkldnn.matmul.fp32_precision = "bf16"  # by oneDNN, as clbench does here\n'


def script_of(of: Recipe) -> str:
    """The whole text. Raises InputError where the code cannot be joined into one file."""
    classes = [_definition(cls) for cls in of.classes]
    roots = [_definition(made) for made in (type(of.benchmark), _data(of), of.network_class)] + classes
    found = [resolve(*name) for name in [*ENGINE, *([SEVERAL] if len(classes) > 1 else [])]]
    roots += [one for one in found if isinstance(one, Definition)]
    words = {"train", "to"} | ({"validation"} if of.benchmark.validation else set())
    writer = Writer(
        Closure(roots, words, {one.module for one in classes}), {one.key for one in classes}, TAKEN
    )
    head = [
        _title(of),
        "from __future__ import annotations",
        writer.imports(LIBRARIES),
        writer.stand_ins(),
        SETTINGS.format(line="-" * (WIDTH - 16), scenario=of.benchmark.scenario, values=_values(of)),
    ]
    text = "\n\n".join(filter(None, head)) + "\n\n" + "\n\n\n".join([*writer.sections(), _recipe(of, writer)])
    compile(text, "script", "exec")
    return text


def _title(of: Recipe) -> str:
    pair = printable(f"{of.strategy.name} on {of.name}").replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'"""{pair}, as clbench {version("clbench")} trains it under the profile {of.profile}.\n\n'
        "Settings, data, network, method, training loop, recipe: in this order. Nothing needs clbench.\n"
        "A seed axis S comes first in most tensors; here it has the length 1.\n"
        '"""'
    )


def _values(of: Recipe) -> str:
    """The constants: of the budget, and of each part."""
    tables = {"BUDGET": asdict(of.benchmark.budget(of.profile))}
    for (_, arguments), cls in zip(of.strategy.terms, of.classes, strict=True):
        tables[_constant(cls)] = arguments
    lines = []
    for name, values in tables.items():
        if values:
            lines += [f"{name} = dict(", *(f"    {key}={value!r}," for key, value in values.items()), ")"]
    return "\n".join(lines)


def _constant(cls: type) -> str:
    return f"{cls.__name__.upper()}_VALUES"


def _recipe(of: Recipe, writer: Writer) -> str:
    def named(made: Any) -> str:
        return writer.names[_definition(made).key]

    given = [
        f"**{_constant(cls)}" if values else ""
        for cls, (_, values) in zip(of.classes, of.strategy.terms, strict=True)
    ]
    parts = ", ".join(f"{named(cls)}({values})" for cls, values in zip(of.classes, given, strict=True))
    return RECIPE.format(
        line="-" * (WIDTH - 14),
        benchmark=f"{named(type(of.benchmark))}({_fields(of, writer)})",
        images=f"{named(_data(of))}()" + (".validation()" if of.benchmark.validation else ""),
        network=f"{named(of.network_class)}({of.network.partition('(')[2]}",
        parts=f"introduce([{parts}])" if len(of.classes) > 1 else f"[{parts}]",
        # What multiplies matrices decides on bits.
        processor=ONEDNN if "oneDNN" in describe_processor() else "",
    )


def _fields(of: Recipe, writer: Writer) -> str:
    """The benchmark's arguments, of those that the script's class has, where they are not the defaults."""
    classes = [one for one in lineage(_definition(type(of.benchmark))) if isinstance(one, Definition)]
    kept = [writer.closure.kept[one.key] for one in classes if one.key in writer.closure.kept]
    there = {name for one in kept for name in one.fields}
    values = {one.name: (getattr(of.benchmark, one.name), one.default) for one in fields(of.benchmark)}
    given = {name: value for name, (value, default) in values.items() if name in there and value != default}
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def _data(of: Recipe) -> Any:
    """The function that loads the benchmark's data."""
    return inspect.unwrap(type(of.benchmark).data)


def _definition(made: Any) -> Definition:
    """Of a class or function."""
    path = inspect.getfile(made)
    found = resolve(made.__module__ if made.__module__.startswith("clbench.") else path, made.__qualname__)
    if not isinstance(found, Definition):
        raise InputError(f"{made.__qualname__} of {path} is made by other code: it cannot be exported")
    return found
