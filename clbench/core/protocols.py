"""Profiles that follow a publication: its settings, as data.

They stand in benchmarks/published/, a file for each profile, by the names of the benchmarks' files:

    summary, source                               of the profile
    [split_mnist]                                 seeds
    [split_mnist.arguments]                       other defaults of the benchmark's fields
    [split_mnist.budget]                          the fields of `Budget`
    [split_mnist.strategies.ewc]                  other defaults of a strategy's arguments
    [split_mnist.class.arguments], [split_mnist.class.strategies.ewc]    of one scenario, over those above
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "benchmarks" / "published"
BENCHMARKS = "clbench.benchmarks."


@cache
def names() -> tuple[str, ...]:
    """Of all published profiles."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def read(profile: str) -> dict[str, Any]:
    """All that the profile's file says; empty for a profile that has none."""
    if profile not in names():
        return {}
    return tomllib.loads((FOLDER / f"{profile}.toml").read_text(encoding="utf-8"))


def benchmarks_of(profile: str) -> list[str]:
    """The names of the benchmarks' files that it has a budget for."""
    return [stem for stem, table in read(profile).items() if isinstance(table, dict)]


def stem_of(cls: type) -> str | None:
    """The name of the file of a benchmark of ours, or of the one that another builds on."""
    return next(filter(None, (stem_in(base.__module__) for base in cls.__mro__)), None)


def stem_in(module: str) -> str | None:
    """The name of the file, of a module that holds a benchmark of ours."""
    return module.removeprefix(BENCHMARKS) if module.startswith(BENCHMARKS) else None


def profiles_of(cls: type) -> list[str]:
    """The published profiles that have a budget for a benchmark."""
    return [profile for profile in names() if _table(cls, profile)]


def budget_of(cls: type, profile: str) -> dict[str, Any]:
    """The fields of the budget; empty where the profile has none for the benchmark."""
    budget: dict[str, Any] = _table(cls, profile).get("budget", {})
    return budget


def seeds_of(benchmark: str, profile: str) -> int | None:
    """How many seeds, where the profile says so for the benchmark of this name."""
    for stem in benchmarks_of(profile):
        if benchmark == stem or benchmark.startswith(f"{stem}_"):
            seeds: int | None = read(profile)[stem].get("seeds")
            return seeds
    return None


def arguments_of(cls: type, profile: str, scenario: str) -> dict[str, Any]:
    """Defaults of the benchmark's fields."""
    table = _table(cls, profile)
    found: dict[str, Any] = {**table.get("arguments", {}), **table.get(scenario, {}).get("arguments", {})}
    return found


def strategies_of(cls: type, profile: str, scenario: str) -> dict[str, dict[str, Any]]:
    """strategy -> argument -> default."""
    table = _table(cls, profile)
    everywhere, here = table.get("strategies", {}), table.get(scenario, {}).get("strategies", {})
    return {name: everywhere.get(name, {}) | here.get(name, {}) for name in {**everywhere, **here}}


def _table(cls: type, profile: str) -> dict[str, Any]:
    stem = stem_of(cls)
    table: dict[str, Any] = read(profile).get(stem, {}) if stem else {}
    return table
