"""Every published figure beside our number, judged where it can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clbench.claims.at_hand import AtHand, Missing
from clbench.metrics.accuracy import acc_by_example
from clbench.published.decide import LEAST_SEEDS, NOT, REPRODUCED, UNDECIDED, decide, is_undecidable
from clbench.published.figures import Figure, Row, figures, row_of

if TYPE_CHECKING:
    from clbench.report.values import Entry

JUDGED = (NOT, UNDECIDED, REPRODUCED)  # what asks for a look first
WAITING = ("too few seeds", "no record", "stale", "failed")  # for a run
WORDS = (*JUDGED, *WAITING, "diverged", "unsupported", "unconfirmed", "incomplete")
METRICS = {"average_accuracy": "acc", "bwt": "bwt", "forgetting": "forgetting"}  # theirs -> ours


@dataclass(frozen=True)
class Compared:
    """A figure, our row, and what came of it."""

    figure: Figure
    row: Row
    verdict: str  # of WORDS
    reason: str = ""
    ours: float | None = None
    n: int = 0
    difference: float | None = None
    h: float | None = None

    @property
    def undecidable(self) -> bool:
        """Whether the published spread alone is likely to keep it undecided; known before any run."""
        return self.figure.confirmed and self.verdict != "incomplete" and is_undecidable(self.figure)


def compare(judged: Mapping[str, Mapping[str, list[Entry]]]) -> list[Compared]:
    """All figures on the records at hand. judged: profile -> benchmark -> entries."""
    at_hand = AtHand(judged)
    return [_compared(figure, row_of(figure), at_hand) for figure in figures()]


def _compared(figure: Figure, row: Row, at_hand: AtHand) -> Compared:
    if row.missing:
        return Compared(figure, row, "incomplete", f"missing: {row.missing}")
    if figure.metric not in METRICS:
        return Compared(figure, row, "incomplete", f"missing: a measure of {figure.metric}")
    found = at_hand.row(row.profile, row.benchmark, row.strategy)
    if isinstance(found, str):
        return Compared(figure, row, "incomplete", f"missing: {found}")
    values = [] if isinstance(found, Missing) else values_of(found, figure, row)
    told = {"ours": float(np.mean(values)) if values else None, "n": len(values)}
    if not figure.confirmed:
        return Compared(figure, row, "unconfirmed", "from memory: shown, not judged", **told)  # type: ignore[arg-type]
    if isinstance(found, Missing):
        word, _, reason = found.why.partition(": ")
        return Compared(figure, row, word, reason)
    if len(values) < LEAST_SEEDS:
        reason = f"{LEAST_SEEDS} are needed"
        difference = told["ours"] - figure.value if values else None  # type: ignore[operator]
        return Compared(figure, row, "too few seeds", reason, **told, difference=difference)  # type: ignore[arg-type]
    verdict = decide(figure, values)
    numbers = {"difference": verdict.difference, "h": verdict.h}
    return Compared(figure, row, verdict.word, verdict.reason, **told, **numbers)  # type: ignore[arg-type]


def values_of(entry: Entry, figure: Figure, row: Row) -> list[float]:
    """Ours of each seed; empty where a run has none."""
    record = entry.record
    if row.over == "images":
        sizes = record.slice_sizes
        if sizes is None:  # in older records
            return []
        values = [acc_by_example(*one) for one in zip(record.array, sizes, strict=True)]
    else:
        values = [*entry.metrics.get(METRICS[figure.metric], {}).values()]
    return [float(value) for value in values] if np.isfinite(values).all() else []


def counts(compared: Sequence[Compared]) -> dict[str, dict[str, int]]:
    """protocol -> word -> how many figures; words in the order of WORDS."""
    found: dict[str, Counter[str]] = {}
    for one in compared:
        found.setdefault(one.figure.protocol, Counter())[one.verdict] += 1
    return {name: {word: own[word] for word in WORDS if own[word]} for name, own in found.items()}
