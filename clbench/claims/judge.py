"""All claims on all records at hand, with the two corrections for their number (Holm, 5 %).

A claim's line: over its benchmarks in scope. "Holds on k of n" says that Holm rejects k of n nulls: by
Benjamini and Heller (2008) the claim is true on at least k of these n, at 95 %, whatever the dependence
between them. Benchmarks out of scope have a line of their own. A benchmark's page: over all claims tested on
it; tests that name their benchmarks share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from clbench.claims.at_hand import AtHand, Missing
from clbench.claims.decide import LEVEL, Cell, decide
from clbench.claims.entries import Claim
from clbench.metrics.ranks import holm

if TYPE_CHECKING:
    from clbench.report.values import Entry

PROFILES = ("quick", "full")  # that each claim is tried under, but where it names another
WORDS = ("contradicted", "mixed", "undecided", "not testable", "holds")  # what asks for a look first


@dataclass(frozen=True)
class Line:
    """What became of a claim on its benchmarks in scope, or on those beyond."""

    word: str  # of WORDS
    holds: int
    contradicted: int
    tested: int


@dataclass
class Judged:
    """A claim with its cells. Some of them may be shown alone; all count for its words."""

    claim: Claim
    cells: list[Cell]
    untold: list[str] = field(default_factory=list)  # of its scope, as written: where no cell is tested
    shown: list[Cell] = field(default_factory=list)  # all of them, where none are chosen

    def __post_init__(self) -> None:
        self.shown = self.shown or self.cells

    @property
    def line(self) -> Line:
        return _line([cell for cell in self.cells if cell.in_scope])

    @property
    def beyond(self) -> Line:
        return _line([cell for cell in self.cells if not cell.in_scope])

    @property
    def telling(self) -> list[Cell]:
        """The cells that show why the line has its word, the clearest of each kind."""
        scope = [cell for cell in self.cells if cell.in_scope]
        cells = [cell for cell in scope if cell.tested] or [cell for cell in self.cells if cell.tested]
        if not cells:
            return (scope or self.cells)[:1]
        word = self.line.word
        wanted = ("holds", "contradicted") if word == "mixed" else (word,)
        chosen = [[cell for cell in cells if cell.line == one] for one in wanted]
        return [min(several, key=_clearness) for several in chosen if several] or [min(cells, key=_clearness)]

    def missing(self, everywhere: bool) -> list[Missing]:
        """The rows whose runs would make cells testable, each once: all cells that are shown, or only those
        in scope of a claim that is not testable at all."""
        scope = [cell for cell in self.shown if cell.in_scope] or self.shown
        cells = self.shown if everywhere else [] if any(cell.tested for cell in scope) else scope
        rows: dict[tuple[str, str], Missing] = {}
        for one in (one for cell in cells if cell.runs for one in cell.missing):
            rows.setdefault((one.place, one.strategy), one)
        return [*rows.values()]


def _clearness(cell: Cell) -> float:
    """Of decided cells the smallest p is first, of undecided ones the one that fewest seeds would decide."""
    return float(cell.seeds_needed or 1e9) if cell.alone == "undecided" else cell.p or 0.0


def judge(
    claims: Sequence[Claim],
    judged: Mapping[str, Mapping[str, list[Entry]]],
    profiles: Sequence[str] = PROFILES,
) -> list[Judged]:
    """judged: profile -> benchmark -> entries (`clbench.report.values.entries`). profiles: that are tried
    where a claim names none."""
    at_hand = AtHand(judged)
    made = [_judged(claim, at_hand, profiles) for claim in claims]
    pages: dict[tuple[str, str], list[Cell]] = {}
    for one in made:
        for in_scope in (True, False):
            _correct([cell for cell in one.cells if cell.in_scope == in_scope], "line")
        for cell in one.cells:
            pages.setdefault((cell.profile if cell.benchmark else "", cell.benchmark), []).append(cell)
    for cells in pages.values():
        _correct(cells, "page")
    return made


def _judged(claim: Claim, at_hand: AtHand, profiles: Sequence[str]) -> Judged:
    statement = claim.statement
    if statement.names_benchmarks:
        return Judged(claim, [decide(statement, claim.given, profiles[0], "", at_hand)])
    cells: dict[tuple[str, str], Cell] = {}
    untold = []
    for in_scope, named, pattern in claim.places:
        asked = [named] if named else profiles
        places = [(profile, name) for profile in asked for name in at_hand.benchmarks(profile, pattern)]
        places = places or [(asked[0], pattern)]
        for profile, benchmark in places:
            if (profile, benchmark) not in cells:
                cells[profile, benchmark] = decide(
                    statement, claim.given, profile, benchmark, at_hand, in_scope
                )
        if in_scope and not any(cells[place].tested for place in places):
            untold.append(f"{named}/{pattern}" if named else pattern)
    return Judged(claim, [*cells.values()], untold)


def _correct(cells: Iterable[Cell], reading: str) -> None:
    """Sets the word of each tested cell after Holm's correction for all of them."""
    tested = [cell for cell in cells if cell.tested]
    if tested:
        for cell, p in zip(tested, holm(np.array([cell.p for cell in tested])), strict=True):
            setattr(cell, reading, cell.alone if p <= LEVEL else "undecided")


def _line(cells: list[Cell]) -> Line:
    words = [cell.line for cell in cells if cell.tested]
    holds, contradicted, tested = words.count("holds"), words.count("contradicted"), len(words)
    if not tested:
        word = "not testable"
    elif holds and contradicted:
        word = "mixed"
    elif 2 * holds > tested:
        word = "holds"
    elif 2 * contradicted > tested:
        word = "contradicted"
    else:
        word = "undecided"
    return Line(word, holds, contradicted, tested)
