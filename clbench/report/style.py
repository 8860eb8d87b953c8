"""How figures look: the colours of pages, and how each strategy is drawn in every figure of a report."""

from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl

from clbench import registry
from clbench.facts import FAMILIES
from clbench.metrics.references import NAIVE, place_of
from clbench.report.svg import INK, PAPER
from clbench.report.values import Entry, order_of

FAINT = "#8c959f"
COLOURS = ("#0077bb", "#ee7733", "#009988", "#cc3311", "#8a5cc2", "#33a1d6", "#d6458b", "#8c7a2b")
MARKERS, DASHES = ("o", "s", "^", "D", "v", "P", "X"), ((), (5, 2), (2, 1.5), (6, 2, 1.5, 2))
LOOK: dict[Any, Any] = {
    "svg.hashsalt": "clbench",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 8.5,
    "axes.titlecolor": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "axes.unicode_minus": False,
    "text.parse_math": False,  # a name with two dollar signs is a name
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
}


def report_style():
    """A context within which matplotlib draws as in reports, whatever it is set to outside."""
    return mpl.rc_context({**mpl.rcParamsDefault, **LOOK})


@dataclass(frozen=True)
class Look:
    """How a strategy is drawn in every figure of a report."""

    colour: str
    dash: tuple[float, ...]
    marker: str

    @property
    def line(self):
        return (0, self.dash) if self.dash else "-"


def looks(found: list[Entry]) -> dict[str, Look]:
    """Colour, dash and marker by strategy: references in ink and grey, the others through all
    combinations."""
    fixed = reference_looks()
    given = dict.fromkeys(
        entry.record.strategy for entry in sorted(found, key=lambda entry: order_of(entry.record))
    )
    others = [name for name in given if name.split("(")[0] not in fixed]
    cycled = {
        name: Look(
            COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)], MARKERS[i % len(MARKERS)]
        )
        for i, name in enumerate(others)
    }
    return {name: cycled[name] if name in cycled else fixed[name.split("(")[0]] for name in given}


def reference_looks() -> dict[str, Look]:
    """Of the native references: a faint dot for fine-tuning, a star each for those that train on all data."""
    native = [name for name, entry in registry.strategies().items() if entry.backend == "native"]
    facts = {name: registry.facts(name) for name in native}
    on_all_data = [name for name, its in facts.items() if its.family == FAMILIES[0] and its.sees_all_data]
    stars = cycle([(INK, ()), (INK, (5, 2)), (INK, (2, 1.5)), (FAINT, (5, 2)), (FAINT, (2, 1.5))])
    by_place = sorted(on_all_data, key=lambda name: (place_of(name), name))
    drawn = {name: Look(*style, "*") for name, style in zip(by_place, stars, strict=False)}
    return {NAIVE: Look(FAINT, (), "o")} | drawn
