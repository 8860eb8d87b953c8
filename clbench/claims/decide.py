"""One claim on one benchmark under one profile: from values per seed to a word, with its effect and interval.

Per common seed, three at least, there is one number d: the difference of two terms, or the logarithm of
their ratio, signed as the claim says; m is the margin.

    order   holds if the 95 % t interval of d lies above m, contradicted if below (reversed if below 0 too).
            A chain or a set holds if all its links hold, an intersection-union test that needs no correction;
            it is contradicted if one link is, after Bonferroni over the links
    equal   holds if the 90 % interval lies inside ± m (two one-sided tests at 5 %), contradicted if the 95 %
            interval lies outside
    differ  the same with the two words exchanged; one pair suffices
    trend   the rule of order for the least-squares slope over log2 of what is swept, seed by seed

Where all d are equal, as those of exact costs, they are compared as numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from clbench.claims.at_hand import AtHand, Missing
from clbench.claims.evidence import (
    DIGITS,
    MEASURED,
    Values,
    difference,
    gather,
    in_words,
    log_ratio,
    on_common_seeds,
    values_of_term,
)
from clbench.claims.language import Atom, Statement, Term
from clbench.core.costs import COSTS
from clbench.metrics.statistics import p_above, paired_difference, seeds_needed

LEVEL = 0.05
LEAST_SEEDS = 3
ONE_SIDED = ("order", "trend")  # kinds whose effect has a sign


@dataclass
class Cell:
    """What became of a claim at one place. Without numbers where it is not testable."""

    profile: str
    benchmark: str  # "": the test names its benchmarks
    in_scope: bool = True
    alone: str = "not testable"  # holds | contradicted | undecided, by this cell alone
    line: str = "not testable"  # the same, corrected for the claim's other cells
    page: str = "not testable"  # corrected for the benchmark's other claims
    reverse: bool = False  # contradicted, and the effect has the other sign
    effect: float | None = None  # mean of d; of a ratio, the ratio
    low: float | None = None  # its 95 % interval
    high: float | None = None
    unit: str = ""  # points, x, or what a cost counts in
    n: int = 0  # common seeds
    p: float | None = None
    seeds_needed: int | None = None  # that would probably decide it at the present effect
    weakest: str = ""  # of several links, the one that is shown
    links: str = ""  # what became of all
    reason: str = ""  # why it is not testable
    mistake: str = ""  # in what is written, where that is why
    missing: list[Missing] = field(default_factory=list)
    runs: bool = False  # whether runs of what is missing would make it testable

    @property
    def tested(self) -> bool:
        return self.alone != "not testable"


@dataclass(frozen=True)
class Link:
    """One comparison, with the p values of the two words: a word is due where its p is small."""

    name: str
    d: np.ndarray  # [common seeds]
    hold: float
    against: float


def decide(
    statement: Statement,
    given: tuple[str, ...],
    profile: str,
    benchmark: str,
    at_hand: AtHand,
    in_scope: bool = True,
) -> Cell:
    """The cell of a test at one place, by itself; `benchmark` is "" where the test names its own."""
    cell = Cell(profile, benchmark, in_scope)
    here = statement.at(profile, benchmark)
    found = gather(here, given, at_hand)
    if found.reasons:
        cell.missing, cell.reason = found.missing, "; ".join(found.reasons)
        cell.runs, cell.mistake = found.runs, next(iter(found.mistakes), "")
    else:
        _compare(cell, here, found.values)
    return cell


def _compare(cell: Cell, statement: Statement, values: Mapping[Atom, Values]) -> None:
    contrasts, links = _contrasts(statement, values), []
    for name, terms, d in contrasts:
        if d is None:
            cell.reason = f"{name}: a ratio needs numbers above 0"
            return
        if d.size < LEAST_SEEDS:
            cell.missing += _too_few(terms, d.size)
        else:
            links.append(Link(name, d, *p_values(statement, d)))
    if len(links) == len(contrasts):
        _fill(cell, statement, links)
    else:
        cell.missing = list(dict.fromkeys(cell.missing))
        cell.reason = "; ".join(in_words(cell.missing))
        cell.runs = all(one.runs for one in cell.missing)


def _too_few(terms: tuple[Term, ...], n: int) -> list[Missing]:
    """The rows of these terms. Seeds that were trained together, or elsewhere, stay what they are."""
    atoms = dict.fromkeys(atom for term in terms for atom in term.atoms)
    measured = any(atom.metric in MEASURED for atom in atoms)
    seeds = "seeds timed alone and on one machine" if measured else "common seeds"
    why = f"too few {seeds} ({n}, at least {LEAST_SEEDS})"
    return [Missing(one.profile, one.benchmark, one.strategy, why, not measured) for one in atoms]


def _contrasts(
    statement: Statement, values: Mapping[Atom, Values]
) -> list[tuple[str, tuple[Term, ...], np.ndarray | None]]:
    """(name, terms, d) of each link; None for the logarithm of what has none."""
    if statement.kind == "trend":
        terms = tuple(side[0] for side in statement.sides)
        return [
            ("slope per doubling", terms, _slopes(statement, [values_of_term(one, values) for one in terms]))
        ]
    contrast = log_ratio if statement.ratio else difference
    return [
        (f"{a.text} vs {b.text}", (a, b), contrast(values_of_term(a, values), values_of_term(b, values)))
        for upper, lower in pairwise(statement.sides)
        for a in upper
        for b in lower
    ]


def _slopes(statement: Statement, terms: list[Values | float]) -> np.ndarray:
    """Of each common seed, signed as the claim says."""
    x = np.log2(statement.sweep)
    x = x - x.mean()
    sign = 1 if statement.direction == "up" else -1
    return np.round(sign * (x / (x**2).sum()) @ on_common_seeds(*terms), DIGITS)


def _margin(statement: Statement) -> float:
    """On the scale of d, rounded as d is."""
    return round(math.log(statement.margin), DIGITS) if statement.ratio else statement.margin


def p_values(statement: Statement, d: np.ndarray) -> tuple[float, float]:
    """(of holding, of being contradicted)"""
    m = _margin(statement)
    if statement.kind in ONE_SIDED:
        return 2 * p_above(d, m), 2 * p_above(-d, -m)
    inside = max(p_above(d, -m), p_above(-d, -m))
    outside = 2 * min(p_above(d, m), p_above(-d, m))
    return (inside, outside) if statement.kind == "equal" else (outside, inside)


def _together(kind: str, links: list[Link]) -> tuple[float, float, Link]:
    """(p of holding, p of being contradicted, the link that decides)"""
    surest = min(links, key=lambda link: link.hold)
    if kind == "differ":  # one pair that differs suffices; all have to be equal
        return min(1.0, len(links) * surest.hold), max(link.against for link in links), surest
    hold = max(link.hold for link in links)
    against = min(1.0, len(links) * min(link.against for link in links))

    def strength(link: Link) -> float:
        return float(-abs(link.d.mean()) if kind == "equal" else link.d.mean())

    if hold <= against:
        return hold, against, min(links, key=lambda link: (-link.hold, strength(link)))
    return hold, against, min(links, key=lambda link: (link.against, strength(link)))


def _fill(cell: Cell, statement: Statement, links: list[Link]) -> None:
    """Gives the cell its word and its numbers."""
    hold, against, shown = _together(statement.kind, links)
    d, signed = shown.d, statement.kind in ONE_SIDED
    interval = paired_difference(d, np.zeros(d.size))
    assert interval.mean is not None and interval.low is not None and interval.high is not None
    cell.alone = "holds" if hold <= LEVEL else "contradicted" if against <= LEVEL else "undecided"
    cell.p, cell.n, cell.unit = min(1.0, hold, against), d.size, unit_of(statement)
    cell.reverse = cell.alone == "contradicted" and signed and interval.high < 0
    scale = math.exp if statement.ratio else float
    cell.effect, cell.low, cell.high = map(scale, (interval.mean, interval.low, interval.high))
    if cell.alone == "undecided":
        mean = interval.mean if signed else abs(interval.mean)
        cell.seeds_needed = seeds_needed(d, abs(mean - _margin(statement)))
    if len(links) > 1:
        held, failed = sum(one.hold <= LEVEL for one in links), sum(one.against <= LEVEL for one in links)
        cell.weakest, cell.links = shown.name, f"{held} of {len(links)} hold, {failed} fail"


def unit_of(statement: Statement) -> str:
    """Of its effect: points, x of a ratio, or what a cost counts in."""
    if statement.ratio:
        return "x"
    metric = statement.atoms[0].metric
    unit = COSTS[metric].unit if metric in COSTS else "points"
    return f"{unit} per doubling".strip() if statement.kind == "trend" else unit
