"""Benchmarks and strategies as a program has them: names, specs, classes, instances."""

import json
from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, fields, is_dataclass
from textwrap import shorten
from typing import Any

from clbench import registry
from clbench.core import protocols, ranges
from clbench.core.benchmark import Benchmark
from clbench.core.composition import conflict
from clbench.core.part import Part, introduce
from clbench.errors import InputError


@dataclass(frozen=True, eq=False)
class OwnStrategy:
    """Parts that a program has made, in the place of `registry.Strategy`."""

    name: str  # what tables call it
    parts: tuple[Part, ...]
    backend: str = "native"
    terms: tuple = ()  # no registered names

    @property
    def arguments(self) -> dict[str, dict]:
        return {
            type(part).__name__: {key: _plain(value) for key, value in arguments_of(part).items()}
            for part in self.parts
        }

    def build(self) -> list[Part]:
        """Copies, ready for one run."""
        return introduce(deepcopy(list(self.parts)))


AnyStrategy = registry.Strategy | OwnStrategy


def benchmark_of(
    given: str | Benchmark | type[Benchmark], profile: str, scenario: str | None = None
) -> tuple[str, Benchmark]:
    """(name, benchmark) of a name, a spec, a class or an instance.

    A class takes the profile's and the scenario's arguments; an instance has its own. scenario: which of its
    scenarios; an instance may have it already, and where there is only one it need not be said.
    Raises InputError for what is no benchmark, and for a scenario or profile that it does not have.
    """
    if isinstance(given, str):
        if scenario:
            raise InputError(
                f"{given} is a name, and a name says its scenario: leave it out", "scenario", scenario
            )
        name, benchmark, _ = registry.benchmark(given, profile)
        return name, benchmark
    cls = given if isinstance(given, type) else type(given)
    if not issubclass(cls, Benchmark):
        raise InputError(
            f"a benchmark is a name, a spec like 'split_mnist_task(lr=0.01)', a class derived "
            f"from clbench.Benchmark, or an instance of one, not {given!r}"
        )
    if profile not in cls.profiles():
        has = ", ".join(cls.profiles()) or "none at all"
        raise InputError(f"{cls.__name__} has no budget for it; it has {has}", "profile", profile)
    scenario = _scenario(given, cls, scenario)
    if isinstance(given, type):
        theirs = protocols.arguments_of(cls, profile, scenario)
        benchmark = cls(**(cls.arguments.get(profile, {}) | cls.arguments.get(scenario, {}) | theirs))
    else:
        ranges.check(given)
        benchmark = copy(given)
    benchmark.scenario = scenario
    benchmark.budget(profile)  # raises InputError for what makes no sense
    name = f"{cls.__name__}_{scenario}" if getattr(cls, "scenarios", ()) else cls.__name__
    return name if isinstance(given, type) else _with_arguments(name, given), benchmark


def _scenario(given: object, cls: type[Benchmark], scenario: str | None) -> str:
    scenarios = getattr(cls, "scenarios", ())
    if not scenarios:
        if scenario not in (None, cls.scenario):
            raise InputError(f"{cls.__name__} has no scenarios to choose from", "scenario", scenario)
        return cls.scenario
    chosen: str | None = (
        scenario or getattr(given, "scenario", "") or (scenarios[0] if len(scenarios) == 1 else None)
    )
    if chosen is None or chosen not in scenarios:
        raise InputError(f"{cls.__name__} takes {' or '.join(map(repr, scenarios))}", "scenario", chosen)
    return chosen


def strategy_of(given: Any, benchmark: Benchmark, profile: str) -> AnyStrategy:
    """The strategy of a name, a spec, a class, an instance, or a list of these.

    A class takes its defaults, but the benchmark's memory if it has such a field; an instance has its own.
    Raises InputError for what is no strategy and for parts that cannot be joined.
    """
    listed = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if listed and all(isinstance(one, str) for one in listed):
        return registry.strategy_on("+".join(listed), benchmark, profile)
    names, parts = [], []
    for one in listed:
        name, own = _parts_of(one, benchmark, profile)
        names.append(name)
        parts += own
    if not parts:
        raise InputError("a list of strategies needs at least one")
    if reason := conflict([(type(part).__name__, type(part)) for part in parts]):
        raise InputError(reason)
    return OwnStrategy("+".join(names), tuple(parts))


def _parts_of(given: Any, benchmark: Benchmark, profile: str) -> tuple[str, list[Part]]:
    if isinstance(given, str):
        strategy = registry.strategy_on(given, benchmark, profile)
        if strategy.backend != "native":
            raise InputError(f"{given} runs in another library, so it cannot be joined with parts")
        return strategy.name, strategy.build()
    cls = given if isinstance(given, type) else type(given)
    if not issubclass(cls, Part):
        raise InputError(
            f"a strategy is a name, a spec like 'er(memory=200)', a class derived from "
            f"clbench.Part, an instance of one, or a list of these, not {given!r}"
        )
    if not isinstance(given, type):
        ranges.check(given)
        return _with_arguments(cls.__name__, given), [given]
    memory = {"memory": benchmark.memory} if registry.has_memory(cls) else {}
    return cls.__name__, [cls(**memory)]


def _with_arguments(name: str, instance: Any) -> str:
    """`MyMethod(lam=3)`: the arguments that are no defaults."""
    defaults = {field.name: field.default for field in fields(instance)} if is_dataclass(instance) else {}
    given = [
        f"{key}={shorten(repr(value), 60)}"
        for key, value in arguments_of(instance).items()
        if repr(value) != repr(defaults[key])
    ]
    return f"{name}({', '.join(given)})" if given else name


def arguments_of(instance: Any) -> dict[str, Any]:
    """field -> value of a dataclass; nothing is known of others."""
    if not is_dataclass(instance):
        return {}
    return {field.name: getattr(instance, field.name) for field in fields(instance) if field.init}


def _plain(value: Any) -> Any:
    """The value if a file can hold it, else how it is written."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)
    return value
