"""Two implementations of a method, ours and Avalanche's, on the same data, budget and metric code: do they
agree?"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from clbench import registry
from clbench.errors import InputError
from clbench.facts import file_of
from clbench.metrics.statistics import (
    PairedDifference,
    equivalence,
    on_common_seeds,
    paired_difference,
    smallest_margin,
)
from clbench.report.values import Entry, acc_by_seed

MARGIN = 0.02  # of ACC, within which two implementations are the same


@dataclass(frozen=True)
class Agreement:
    """A native row and Avalanche's, on their common seeds."""

    native: str  # spec
    avalanche: str  # spec
    ours: float  # ACC
    theirs: float
    difference: PairedDifference  # theirs - ours
    verdict: str  # equivalent | different | undecided
    smallest: float | None  # margin at which they would be equivalent
    overhead: float | None  # their seconds of training by ours
    reason: str  # how Avalanche's differs


def agreements(found: Sequence[Entry]) -> list[Agreement]:
    """Of the rows of one benchmark: every row of Avalanche beside the native rows that it says it is.

    Rows that are stale, have failed or share no two seeds are left out."""
    native = {entry.record.strategy: entry for entry in found if _counts(entry, "native")}
    rows = [entry for entry in found if _counts(entry, "avalanche")]
    pairs = [(native[spec], row) for row in rows for spec in _natives(row.record.strategy) if spec in native]
    compared = [_agreement(ours, row) for ours, row in pairs]
    return [one for one in compared if one.difference.n > 1]


def _counts(entry: Entry, backend: str) -> bool:
    return entry.ok and not entry.stale and entry.record.backend == backend


def _natives(strategy: str) -> tuple[str, ...]:
    """The specs of the native strategies that a row of Avalanche is to be compared with."""
    name = strategy.split("(")[0]
    try:
        said = registry.facts(name).natives
    except InputError:  # a row that is no longer there
        return ()
    own = name.removeprefix("avalanche_")
    return said or ((own,) if own in registry.strategies() else ())


def _agreement(ours: Entry, theirs: Entry) -> Agreement:
    a, b = on_common_seeds(acc_by_seed(theirs.record), acc_by_seed(ours.record))
    times = [entry.record.cost("train_s") for entry in (theirs, ours)]
    return Agreement(
        ours.record.strategy,
        theirs.record.strategy,
        float(b.mean()) if len(b) else float("nan"),
        float(a.mean()) if len(a) else float("nan"),
        paired_difference(a, b),
        equivalence(a, b, MARGIN),
        smallest_margin(a, b),
        times[0] / times[1] if times[0] and times[1] else None,
        how_it_differs(theirs.record.strategy.split("(")[0]),
    )


@lru_cache
def how_it_differs(name: str) -> str:
    """What a row's docstring says beneath "Differs", or of the native strategy whose numbers it has."""
    entry = registry.strategies().get(name)
    path = file_of(entry.module) if entry else None
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path else None
    found = re.search(r"Differs[^:]*: (.*?)(?:\n\n|$)", text or "", re.DOTALL)
    if found:
        return " ".join(found[1].split()).rstrip(".").replace("*", "")
    return "the same up to rounding" if entry and registry.facts(name).mirrors else ""
