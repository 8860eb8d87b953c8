"""Tuned values: defaults of strategies' arguments that suit a benchmark better than the paper's.

They stand in benchmarks/tuned/, in a file called like the benchmark's, as tables
`[scenario.profile.strategy]`: what was tuned for 100 steps is no value for 2,000. Beside them stands how they
were found, on held-out training data: `evidence`, the accuracy by candidate of each argument, or a sentence;
and `seeds`. `[evidence.…]` at the top of a file is of the benchmark's own fields, like its memory.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench.core import protocols
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.core.benchmark import Benchmark

FOLDER = Path(__file__).parents[1] / "benchmarks" / "tuned"
ABOUT = ("evidence", "seeds")  # no arguments


def values(benchmark: "Benchmark", profile: str) -> dict[str, dict[str, Any]]:
    """strategy -> argument -> value for this benchmark; its class's own `tuned` over those of the file,
    a published profile's over both.

    Raises InputError for a memory, which is a field of the benchmark."""
    tables = _file(type(benchmark)).get(benchmark.scenario, {}).get(profile, {})
    found = {
        strategy: {name: value for name, value in table.items() if name not in ABOUT}
        for strategy, table in tables.items()
    }
    found |= type(benchmark).tuned.get(benchmark.scenario, {})
    found |= protocols.strategies_of(type(benchmark), profile, benchmark.scenario)
    if with_memory := [strategy for strategy, table in found.items() if "memory" in table]:
        raise InputError(
            f"{type(benchmark).__name__}: tuned holds a memory for {', '.join(with_memory)}; "
            f"set the benchmark's field memory, the default of all strategies"
        )
    return found


def _file(cls: type) -> dict[str, Any]:
    """What the file beside ours says about a benchmark of ours, or about one that builds on it."""
    stem = protocols.stem_of(cls)
    return read(stem) if stem else {}


@lru_cache
def read(stem: str) -> dict[str, Any]:
    """The tables in the file of a benchmark; empty if it has none."""
    path = FOLDER / f"{stem}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
