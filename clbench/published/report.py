"""Published figures and ours, as rows of text, as JSON, and as tables of the page of results."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from clbench.published.compare import JUDGED, WORDS, Compared, compare, counts
from clbench.published.decide import published_half_width

if TYPE_CHECKING:
    from clbench.report.values import Entry

SCHEMA = 1  # of the JSON
COLUMNS = ("figure", "published", "ours", "n", "difference", "h", "verdict", "reason")
BELOW = ("reason",)  # a terminal has no room for it beside the others
OF_FIGURE = ("id", "protocol", "benchmark", "strategy", "metric", "value", "spread", "seeds")
FIELDS = (*OF_FIGURE, "ours", "n", "difference", "h", "verdict", "reason")
ABOUT = (
    "Numbers of publications and ours in points, run as their protocols say. Difference: ours - published; "
    "h: half the width of its 95 % interval. Not reproduced: the difference is above h + 1, and rounding. "
    "Reproduced: within that, and h at most 2; else undecided. Spread assumed: theirs is not known, so "
    "ours stands for it. Nothing is tuned towards a figure."
)


def text_row(one: Compared) -> list[str]:
    """A text for each of COLUMNS, numbers in points."""
    figure = one.figure
    spread = "" if figure.spread is None else f" ± {100 * figure.spread:.2f}"
    ours = "" if one.ours is None else f"{100 * one.ours:.2f}"
    d = "" if one.difference is None else f"{100 * one.difference:+.2f}"
    h = "" if one.h is None else f"{100 * one.h:.2f}"
    name = figure.id if figure.metric == "average_accuracy" else f"{figure.id} ({figure.metric})"
    return [name, f"{100 * figure.value:.4g}{spread}", ours, str(one.n or ""), d, h, one.verdict, one.reason]


def count_lines(compared: Sequence[Compared]) -> list[str]:
    """How many figures of each protocol were judged, and how; then those that cannot be decided."""
    lines = []
    for protocol, words in counts(compared).items():
        judged = sum(words.get(word, 0) for word in JUDGED)
        told = ", ".join(f"{number} {word}" for word, number in words.items())
        lines.append(f"{protocol}: {judged} judged of {sum(words.values())}: {told}")
    if wide := [one for one in compared if one.undecidable]:
        names = ", ".join(
            f"{one.figure.id} ({100 * (published_half_width(one.figure) or 0):.1f}, {one.verdict})"
            for one in wide
        )
        lines.append(
            f"too wide a published spread to be reproduced, above 2 points by itself: {len(wide)}: {names}"
        )
    return lines


def fields_of(one: Compared) -> dict[str, Any]:
    """The FIELDS, then what more there is."""
    told = {**msgspec.to_builtins(one.figure), **asdict(one), "undecidable": one.undecidable}
    del told["figure"]
    return {key: told[key] for key in (*FIELDS, *(key for key in told if key not in FIELDS))}


def content(compared: Sequence[Compared]) -> dict[str, Any]:
    """Everything."""
    return {"schema": SCHEMA, "counts": counts(compared), "figures": [*map(fields_of, compared)]}


def as_csv(compared: Sequence[Compared]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(map(fields_of, compared))
    return file.getvalue()


# ---- the page of results


def sections(judged: Mapping[str, Mapping[str, list[Entry]]]) -> dict[str, list[dict[str, Any]]]:
    """profile -> its table *published vs ours*, the rows first that ask for a look; nothing for a profile
    without a number of ours."""
    found: dict[str, list[Compared]] = {}
    for one in compare(judged):
        if one.n and one.row.profile in judged:
            found.setdefault(one.row.profile, []).append(one)
    about = {"benchmark": None, "title": "Published vs ours", "about": ABOUT, "columns": list(COLUMNS)}
    return {
        profile: [about | {"rows": [*map(text_row, sorted(own, key=lambda one: WORDS.index(one.verdict)))]}]
        for profile, own in found.items()
    }
