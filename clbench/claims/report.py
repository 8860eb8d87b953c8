"""Claims that were judged, as rows of text, as JSON, and as tables of the page of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clbench.claims.decide import Cell, unit_of
from clbench.claims.entries import Claim, read
from clbench.claims.evidence import EQUAL
from clbench.claims.judge import WORDS, Judged, judge
from clbench.claims.missing import commands

if TYPE_CHECKING:
    from clbench.report.values import Entry

SCHEMA = 1  # of the JSON
MOST_SEEDS = 1000  # more are told as "over"
COLUMNS = ("claim", "says", "word", "effect [95 %]", "n", "cell", "weakest link", "seeds needed", "missing")
BELOW = ("says", "cell", "weakest link", "missing")  # a terminal has no room for them beside the others
ABOUT = (
    "What papers and articles say, decided on these records: paired over seeds, 95 %, with a margin that "
    "belongs to the claim. Holds on k of n: true on at least k of the n places (benchmark and profile) in "
    "scope that could be tested (Holm). "
    "Contradicted: it does not carry over to these budgets and networks. ~: beyond the scope of its source."
)
ABOUT_PAGE = (
    "The claims that are tested on this benchmark, each word corrected for their number (Holm, 5 %). "
    "The effect is signed as the claim says."
)


# ---- rows of text


def line_rows(one: Judged) -> list[list[str]]:
    """A claim's line, one text for each of COLUMNS; a mixed one has a second row with its other side."""
    first, *others = one.telling
    rows = [[one.claim.id, one.claim.says, in_words(one), *_numbers(first), _untested(one)]]
    return rows + [["", "", "", *_numbers(cell), ""] for cell in others]


def cell_rows(one: Judged, reading: str = "line") -> list[list[str]]:
    """A row for each cell, with its word by one reading: "line" or "page"."""
    return [
        [one.claim.id, one.claim.says, word_of(cell, reading), *_numbers(cell), cell.reason]
        for cell in one.shown
    ]


def in_words(one: Judged) -> str:
    """'holds on 3 of 3', 'undecided, holds on 1 of 2'"""
    line = one.line
    decided = [("holds", line.holds), ("contradicted", line.contradicted)]
    said = [f"{word} on {number} of {line.tested}" for word, number in decided if number]
    return ", ".join(said if line.word in ("holds", "contradicted") else [line.word, *said])


def word_of(cell: Cell, reading: str) -> str:
    word: str = getattr(cell, reading)
    return f"{word} (reversed)" if cell.reverse and word == "contradicted" else word


def place_of(cell: Cell) -> str:
    place = f"{cell.profile}/{cell.benchmark}" if cell.benchmark else "as the test says"
    return place if cell.in_scope else f"~{place}"


def effect_of(cell: Cell) -> str:
    """'3.5 [2.9, 4.1] points', or 'x0.76' where all seeds have the same."""
    if cell.effect is None or cell.low is None or cell.high is None:
        return ""
    mean, low, high = (_number(value, cell.unit) for value in (cell.effect, cell.low, cell.high))
    text = mean if cell.low == cell.high else f"{mean} [{low}, {high}]"
    return text if cell.unit == "x" else f"{text} {cell.unit}".strip()


def _number(value: float, unit: str) -> str:
    if unit == "x":
        return f"x{value:.3g}"
    return f"{value:z.1f}" if unit.startswith("points") else f"{value:,.4g}"


def _numbers(cell: Cell) -> list[str]:
    """Effect, n, cell, weakest link, seeds needed."""
    needed = cell.seeds_needed
    seeds = "" if needed is None else f"over {MOST_SEEDS}" if needed > MOST_SEEDS else str(needed)
    weakest = f"{cell.weakest} ({cell.links})" if cell.weakest else ""
    return [effect_of(cell), str(cell.n or ""), place_of(cell), weakest, seeds]


def _untested(one: Judged) -> str:
    """Why there is no word; or of how many cells there is none."""
    open_ones = [cell for cell in one.cells if not cell.tested]
    if one.line.word == "not testable":
        scope = [cell for cell in open_ones if cell.in_scope]
        return (scope or open_ones)[0].reason if open_ones else "every benchmark is beyond the scope (~)"
    return f"{len(open_ones)} of {len(one.cells)} cells not testable" if open_ones else ""


def count(judged: Sequence[Judged]) -> str:
    """'61 claims: 4 contradicted, 3 mixed, …'"""
    words = [one.line.word for one in judged]
    told = ", ".join(f"{words.count(word)} {word}" for word in WORDS if word in words)
    return f"{len(words)} claim{'' if len(words) == 1 else 's'}: {told}"


# ---- JSON


def content(judged: Sequence[Judged], results: Path) -> dict[str, Any]:
    """Everything: effects in points, in the unit of a cost, or as ratios."""
    return {
        "schema": SCHEMA,
        "claims": [_of_claim(one, results) for one in judged],
        "commands": [asdict(command) for command in commands(judged, results, everywhere=True)],
    }


# Of the cell that shows best why the line has its word; of a mixed claim, of the first of two.
OF_CELL = ("effect", "low", "high", "unit", "n", "weakest", "seeds_needed")


def _of_claim(one: Judged, results: Path) -> dict[str, Any]:
    first = one.telling[0] if one.telling else None
    return {
        **msgspec.to_builtins(one.claim),
        "parsed": parsed(one.claim),
        **asdict(one.line),
        "beyond": asdict(one.beyond),
        "cell": place_of(first) if first else None,
        **{name: getattr(first, name, None) for name in OF_CELL},
        "missing": _untested(one),
        "telling": [place_of(cell) for cell in one.telling],
        "cells": [{"place": place_of(cell), **asdict(cell)} for cell in one.shown],
        "commands": [command.line for command in commands([one], results, everywhere=True)],
    }


def parsed(claim: Claim) -> dict[str, Any]:
    """The test as an object."""
    statement = claim.statement
    return {
        "kind": statement.kind,
        "metric": statement.metric,
        "sides": [[term.text for term in side] for side in statement.sides],
        "margin": statement.margin,
        "unit": unit_of(statement),
        "direction": statement.direction,
        "at_equal": [condition for condition in claim.given if condition in EQUAL],
    }


# ---- the page of results


def sections(judged: Mapping[str, Mapping[str, list[Entry]]]) -> dict[str, list[dict[str, Any]]]:
    """profile -> tables of the claims of the field: of the whole profile, then of each benchmark on which
    some are tested; nothing for a profile without any."""
    made = judge(read(), judged)
    found = {}
    for profile, benchmarks in judged.items():
        own = [one for one in made if profile in profiles_of(one)]
        here = {name: _on(own, profile, name) for name in benchmarks}
        if any(profile in profiles_of(one, tested=True) for one in own):
            rows = [row for one in own for row in line_rows(one)]
            found[profile] = [_section(None, "Claims of the field", ABOUT, rows)]
            found[profile] += [
                _section(place, f"Claims of the field on {name}", ABOUT_PAGE, here[name])
                for place, name in enumerate(benchmarks)
                if here[name]
            ]
    return found


def profiles_of(one: Judged, tested: bool = False) -> set[str]:
    """Whose records a claim is tried on; tested: only those that decide something."""
    atoms = one.claim.statement.atoms
    return {
        cell.profile if cell.benchmark else atom.profile or cell.profile
        for cell in one.cells
        if cell.tested or not tested
        for atom in atoms
    }


def _on(made: list[Judged], profile: str, benchmark: str) -> list[list[str]]:
    """The rows of the claims that are tested on a benchmark."""
    rows = []
    for one in made:
        own = [cell for cell in one.cells if (cell.profile, cell.benchmark) == (profile, benchmark)]
        if shown := [cell for cell in own if cell.tested]:
            rows += cell_rows(replace(one, shown=shown), "page")
    return rows


def _section(place: int | None, title: str, about: str, rows: list[list[str]]) -> dict[str, Any]:
    return {"benchmark": place, "title": title, "about": about, "columns": list(COLUMNS), "rows": rows}
