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
from clbench.report.values import Entry, acc_by_seed, data_of
from clbench.results.record import Record

MARGIN = 0.02  # of ACC, within which two implementations are the same
COLUMNS = (
    "ours",
    "Avalanche's",
    "ACC ours",
    "ACC theirs",
    "difference",
    "n",
    "verdict",
    "least margin",
    "time ×",
    "how Avalanche's differs",
)
EXPLANATION = (
    "Avalanche's ACC − ours on common seeds, in points, with a 95 % interval. Equivalent: its 90 % interval "
    f"lies within ± {100 * MARGIN:.1f}. Different: the 95 % interval lies outside of that. Undecided: "
    "neither. Least margin: the smallest with which they would be equivalent. Time ×: how many times our "
    "seconds of training theirs took. A native row with arguments computes what Avalanche's does, as far as "
    "arguments can say it."
)


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

    @property
    def cells(self) -> tuple[str, ...]:
        """One for each of COLUMNS."""
        mean, high = self.difference.mean, self.difference.high
        assert mean is not None and high is not None  # of two seeds or more
        return (
            self.native,
            self.avalanche,
            f"{100 * self.ours:.1f}",
            f"{100 * self.theirs:.1f}",
            f"{100 * mean:+z.1f} ± {100 * (high - mean):.1f}",
            str(self.difference.n),
            self.verdict,
            "–" if self.smallest is None else f"{100 * self.smallest:.1f}",
            "–" if self.overhead is None else f"{self.overhead:.1f}",
            self.reason,
        )


def agreements(found: Sequence[Entry]) -> list[Agreement]:
    """Of the rows of one benchmark: every row of Avalanche beside the native row of that method, and beside
    the one with its semantics.

    Rows that are stale, have failed or share no two seeds are left out."""
    native = [entry for entry in found if _counts(entry, "native")]
    rows = [entry for entry in found if _counts(entry, "avalanche")]
    pairs = [
        (ours, row)
        for row in rows
        for ours in native
        if data_of(ours.record) == data_of(row.record) and _is_same_method(ours.record, row.record)
    ]
    compared = [_agreement(ours, row) for ours, row in pairs]
    return [one for one in compared if one.difference.n > 1]


def _counts(entry: Entry, backend: str) -> bool:
    return entry.ok and not entry.stale and entry.record.backend == backend


def _is_same_method(ours: Record, theirs: Record) -> bool:
    """Whether a native record is of the method of a row of Avalanche: with the arguments that the row's name
    has, or with those that give it the row's semantics."""
    row = theirs.strategy.split("(")[0]
    try:
        method = registry.facts(row).native or row.removeprefix("avalanche_")
        if ours.strategy == method + theirs.strategy.removeprefix(row):
            return True
        copied = registry.load(registry.strategies()[row])(**theirs.settings["strategy"][row]).copied()
    except (InputError, LookupError, TypeError):  # a row that is no longer there, or has other arguments now
        return False
    own = ours.settings.get("strategy", {})
    return bool(copied) and own.keys() == {method} and copied.items() <= own[method].items()


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
