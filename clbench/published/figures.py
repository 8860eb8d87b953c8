"""The published figures, and the row of ours that each is compared with, as data.

`figures.json` has a figure a line, `rows.toml` says which run it belongs to; what a run's settings are, the
profile says (`clbench.core.protocols`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from clbench import registry

FIGURES = Path(__file__).with_name("figures.json")
ROWS = Path(__file__).with_name("rows.toml")


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of a publication. Shares are between 0 and 1, but bwt, which may be below."""

    id: str
    protocol: str
    benchmark: str  # our name for it
    strategy: str
    metric: str
    value: float
    value_precision: float  # half a unit of the last digit that could be checked
    source: str
    variant: str = ""
    spread: float | None = None
    spread_kind: Literal["sd", "sem", "ci95"] | None = None  # ci95: half the width of an interval
    spread_ddof: int | None = None  # of sd; None: unknown, taken as 1
    seeds: int | None = None
    confirmed: bool = False  # read in its place; else from memory, and never judged
    spread_confirmed: bool = False
    spread_kind_confirmed: bool = True

    @property
    def doubtful(self) -> bool:
        """Whether there is a spread that nobody has confirmed."""
        return self.spread is not None and not (self.spread_confirmed and self.spread_kind_confirmed)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    figures: tuple[str, ...]
    profile: str = ""
    benchmark: str = ""
    strategy: str = "{strategy}"
    over: Literal["tasks", "images"] = "tasks"
    missing: str = ""


@dataclass(frozen=True)
class Row:
    """Where our number of a figure is to be found."""

    profile: str
    benchmark: str  # spec
    strategy: str  # spec
    over: str  # what its accuracy is a mean over: "tasks" or "images"
    missing: str  # what keeps it from being the figure's run; "": nothing


@cache
def figures() -> tuple[Figure, ...]:
    """All figures, in the order of their publications."""
    return tuple(msgspec.json.decode(FIGURES.read_bytes(), type=list[Figure]))


def row_of(figure: Figure) -> Row:
    """The row that a figure is compared with."""
    for entry in _entries():
        if any(fnmatchcase(figure.id, pattern) for pattern in entry.figures):
            arguments = f"({entry.benchmark})" if entry.benchmark else ""
            strategy = entry.strategy.replace("{strategy}", figure.strategy)
            missing = entry.missing or _absent(figure)
            return Row(entry.profile, figure.benchmark + arguments, strategy, entry.over, missing)
    return Row("", figure.benchmark, figure.strategy, "tasks", "a profile")


def _absent(figure: Figure) -> str:
    """What of a figure the suite does not have."""
    if figure.strategy not in registry.strategies():
        return f"the strategy {figure.strategy}"
    return "" if figure.benchmark in registry.benchmarks() else f"the benchmark {figure.benchmark}"


@cache
def _entries() -> tuple[_Entry, ...]:
    return tuple(msgspec.convert(tomllib.loads(ROWS.read_text(encoding="utf-8"))["row"], list[_Entry]))
