"""Whether our runs reproduce a published figure.

Ours: n_o seeds with mean m_o and sample SD s_o. Published: m_p of n_p seeds, whose sample SD s_p follows from
the printed spread. d = m_o - m_p; h: half the width of Welch's 95 % interval of d; tau = 0.01 +
value_precision.

    not reproduced    |d| > h + tau
    reproduced        |d| <= h + tau  and  h <= 0.02
    undecided         |d| <= h + tau  and  h > 0.02

Without a spread, or with one run, s_p = s_o ("spread assumed"). A spread that nobody has confirmed is tried
both ways; words that differ make "undecided"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from clbench.published.figures import Figure

TOLERANCE = 0.01  # of a share, besides what rounding hides
WIDEST = 0.02  # half-width of an interval that still says that two numbers are the same
LEAST_SEEDS = 5
MOST_SEEDS = 1000  # that are thought of
REPRODUCED, NOT, UNDECIDED = "reproduced", "not reproduced", "undecided"


@dataclass(frozen=True)
class Verdict:
    """A word, why, and the numbers behind it."""

    word: str
    reason: str
    difference: float
    h: float


def decide(figure: Figure, values: Sequence[float]) -> Verdict:
    """values: ours, one for each seed. ValueError for fewer seeds than may be judged."""
    if len(values) < LEAST_SEEDS:
        raise ValueError(f"{len(values)} seeds are too few to judge")
    d = float(np.mean(values)) - figure.value
    h = half_width(figure, values)
    word = _word(figure, d, h)
    if not figure.doubtful:
        return Verdict(word, _reason(figure, word, d, h, values), d, h)
    other = _word(figure, d, half_width(figure, values, assumed=True))
    if other == word:
        reason = f"{_reason(figure, word, d, h, values)}; the spread is not confirmed".lstrip("; ")
        return Verdict(word, reason, d, h)
    reason = f"the spread is not confirmed: {word} with it, {other} with ours in its place"
    return Verdict(UNDECIDED, reason, d, h)


def half_width(figure: Figure, values: Sequence[float], assumed: bool = False) -> float:
    """h. assumed: with our spread in place of the published one."""
    return _half_width(figure, float(np.var(values, ddof=1)), len(values), assumed)


def _half_width(figure: Figure, own: float, n: int, assumed: bool = False) -> float:
    """own: the variance of n seeds of ours."""
    n_p = figure.seeds
    if n_p is None or n_p == 1:
        return float(stdtrit(n - 1, 0.975)) * math.sqrt(own * (1 + 1 / n))
    s_p = sample_sd(figure)
    if s_p is None or assumed:
        return float(stdtrit(n - 1, 0.975)) * math.sqrt(own * (1 / n + 1 / n_p))
    a, b = own / n, s_p**2 / n_p
    if a + b == 0:
        return 0.0
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (n_p - 1))
    return float(stdtrit(freedom, 0.975)) * math.sqrt(a + b)


def sample_sd(figure: Figure) -> float | None:
    """s_p, by n - 1, of the published runs; None where it is not known."""
    n, spread = figure.seeds, figure.spread
    if n is None or n < 2 or spread is None or figure.spread_kind is None:
        return None
    if figure.spread_kind == "sem":
        return spread * math.sqrt(n)
    if figure.spread_kind == "ci95":
        return spread * math.sqrt(n) / 1.96
    return spread * math.sqrt(n / (n - 1)) if figure.spread_ddof == 0 else spread


def published_half_width(figure: Figure) -> float | None:
    """What the published spread alone puts into h, whatever we run; None where there is none."""
    s_p, n = sample_sd(figure), figure.seeds
    return None if s_p is None or n is None else float(stdtrit(n - 1, 0.975)) * s_p / math.sqrt(n)


def is_undecidable(figure: Figure) -> bool:
    """Whether the published spread is too wide to reproduce the figure with many seeds of ours. (Few with a
    wide spread add to Welch's degrees of freedom, which may narrow h.)"""
    return (published_half_width(figure) or 0.0) > WIDEST


def seeds_for_width(figure: Figure, values: Sequence[float]) -> int:
    """How many seeds of ours that spread as these do make h small enough; at most `MOST_SEEDS`."""
    own = float(np.var(values, ddof=1))
    numbers = range(len(values), MOST_SEEDS)
    return next((n for n in numbers if _half_width(figure, own, n) <= WIDEST), MOST_SEEDS)


def _word(figure: Figure, d: float, h: float) -> str:
    if abs(d) > h + TOLERANCE + figure.value_precision:
        return NOT
    return REPRODUCED if h <= WIDEST else UNDECIDED


def _reason(figure: Figure, word: str, d: float, h: float, values: Sequence[float]) -> str:
    said = []
    if word == NOT:
        said.append(_direction(d))
    if word == UNDECIDED:
        said.append(f"h is {100 * h:.2f} points, above {100 * WIDEST:g}: {_what_it_takes(figure, values)}")
    if sample_sd(figure) is None:
        said.append("spread assumed")
    return "; ".join(said)


def _what_it_takes(figure: Figure, values: Sequence[float]) -> str:
    if is_undecidable(figure):
        return "the published spread alone is too wide"
    number = seeds_for_width(figure, values)
    return f"some {number} seeds would tell" if number < MOST_SEEDS else f"not even {MOST_SEEDS} seeds tell"


def _direction(d: float) -> str:
    return "too high" if d > 0 else "too low"
