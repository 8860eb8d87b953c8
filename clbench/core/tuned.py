"""Tuned values: defaults of strategies' arguments that suit a benchmark better than the paper's.

They stand in benchmarks/tuned/, in a file called like the benchmark's, as tables
`[scenario.profile.strategy]`: what was tuned for 100 steps is no value for 2,000. Beside them stands how they
were found, on held-out training data: `evidence`, the accuracy by candidate of each argument, or a sentence;
and `seeds`. Of what `clbench tune` has chosen, `evidence` holds the trials, see `clbench.tuning.choice`.
`[evidence.…]` at the top of a file is of the benchmark's own fields, like its memory.

A user's own stand beside the results that they are meant for, in `tuned.toml`, as tables
`[benchmark.profile.strategy]`; there they go before ours.
"""

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench.core import protocols
from clbench.core.paths import check_file, kind_of
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.core.benchmark import Benchmark

FOLDER = Path(__file__).parents[1] / "benchmarks" / "tuned"
ABOUT = ("evidence", "seeds")  # no arguments
BESIDE = "tuned.toml"  # of a results folder
OUTCOMES = ("score", "lost")  # of a trial, beside its values
VARIABLE = "CLBENCH_TUNED"  # names the user's file to this process and to those that it starts

Tables = dict[str, dict[str, Any]]  # strategy -> its table


def values(benchmark: "Benchmark", profile: str) -> dict[str, dict[str, Any]]:
    """strategy -> argument -> value for this benchmark: a published profile's over the user's file over its
    class's own `tuned` over the file of ours.

    Raises InputError for a memory, which is a field of the benchmark."""
    ours = protocols.stem_of(type(benchmark))
    found = {name: arguments(table) for name, table in tables_of(ours, benchmark.scenario, profile).items()}
    found |= type(benchmark).tuned.get(benchmark.scenario, {})
    named = users_tables(vars(benchmark).get("called", ""), profile)
    found |= {name: arguments(table) for name, table in named.items()}
    found |= protocols.strategies_of(type(benchmark), profile, benchmark.scenario)
    if with_memory := [strategy for strategy, table in found.items() if "memory" in table]:
        raise InputError(
            f"{type(benchmark).__name__}: tuned holds a memory for {', '.join(with_memory)}; "
            f"set the benchmark's field memory, the default of all strategies"
        )
    return found


def arguments(table: dict[str, Any]) -> dict[str, Any]:
    """The values in a strategy's table."""
    return {name: value for name, value in table.items() if name not in ABOUT}


def trials_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    """What `clbench tune` has tried for a table; none where a person has written it."""
    evidence = table.get("evidence")
    trials = evidence.get("trials") if isinstance(evidence, dict) else None
    return [one for one in trials if isinstance(one, dict)] if isinstance(trials, list) else []


def values_of(table: dict[str, Any]) -> dict[str, Any]:
    """All values that a table stands for: its own, and of what else `clbench tune` has tried the paper's,
    which are its first trial."""
    paper = trials_of(table)[0] if trials_of(table) else {}
    return {name: value for name, value in paper.items() if name not in OUTCOMES} | arguments(table)


def has_tried_values(table: dict[str, Any]) -> bool:
    """Whether the values are those of one of its trials, so that no person has written them."""
    asked = values_of(table)
    return any(all(asked.get(name, one[name]) == one[name] for name in one) for one in trials_of(table))


def are_of(table: dict[str, Any], own: dict[str, Any] | None) -> bool:
    """Whether arguments of a strategy are those that `clbench tune` has chosen."""
    if own is None or not trials_of(table):
        return False
    return all(own.get(name) == value for name, value in values_of(table).items())


# ---- ours


def tables_of(stem: str | None, scenario: str, profile: str) -> Tables:
    """The tables for a benchmark in the file beside ours, by the name of the benchmark's own file."""
    found: Tables = read(stem).get(scenario, {}).get(profile, {}) if stem else {}
    return found


@lru_cache
def read(stem: str) -> dict[str, Any]:
    """The tables in the file of a benchmark; empty if it has none."""
    path = FOLDER / f"{stem}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


# ---- a user's own


def use(results: Path | None) -> None:
    """From now on the values beside these results hold, in this process and in those that it starts."""
    path = results / BESIDE if results else None
    if path and kind_of(path):
        users_file(path)
        os.environ[VARIABLE] = str(path.absolute())
    else:
        os.environ.pop(VARIABLE, None)


def environment() -> dict[str, str]:
    """What tells a process that is there already."""
    return {VARIABLE: os.environ.get(VARIABLE, "")}


def users_tables(benchmark: str, profile: str) -> Tables:
    """The user's tables for a benchmark, by its canonical name."""
    found: Tables = all_of_user().get(benchmark, {}).get(profile, {})
    return found


def all_of_user() -> dict[str, dict[str, Tables]]:
    """benchmark -> profile -> strategy -> table, of the file in use."""
    path = os.environ.get(VARIABLE)
    return users_file(Path(path)) if path else {}


def users_file(path: Path) -> dict[str, dict[str, Tables]]:
    """benchmark -> profile -> strategy -> table. Raises InputError for what is no such file."""
    check_file(path)
    return _read_users(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_users(path: Path, modified: int) -> dict[str, dict[str, Tables]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # a decoder's errors are such
        raise InputError(f"{path}: no TOML: {error}") from None
    for benchmark, profiles in content.items():
        for tables in profiles.values() if isinstance(profiles, dict) else [None]:
            if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
                raise InputError(f"{path}: {benchmark}: tables are [benchmark.profile.strategy]")
            for table in tables.values():
                _check_evidence(path, table)
    return content


def _check_evidence(path: Path, table: dict[str, Any]) -> None:
    """Raises InputError for what is no evidence of `clbench tune`, though it has a name of its."""
    evidence = table.get("evidence")
    found = evidence if isinstance(evidence, dict) else {}
    trials, seeds, seconds = (found.get(name) for name in ("trials", "seeds", "cpu_s"))
    if trials is not None and not (isinstance(trials, list) and all(isinstance(one, dict) for one in trials)):
        raise InputError(f"{path}: evidence.trials is a list of tables")
    if seeds is not None and not (isinstance(seeds, list) and all(isinstance(one, int) for one in seeds)):
        raise InputError(f"{path}: evidence.seeds is a list of whole numbers")
    if seconds is not None and not isinstance(seconds, int | float):
        raise InputError(f"{path}: evidence.cpu_s is a number of seconds")
