"""The one-line test of a claim, read into an object.

    test  = [metric:] SIDE op SIDE [op SIDE ..] [by M | within M]      op: >  <  =  !=, a space on both sides
          | [metric:] TERM ~ up|down [by M]
    SIDE  = TERM | {TERM, TERM, ..}                                    all of them
    TERM  = ATOM | ATOM - ATOM | number
    ATOM  = [metric:]strategy-spec[@[profile/]benchmark-spec]          sweep: er(memory=100|500|2000)
    M     = points (accuracies in %), or what a cost counts in, or xR (ratio)

The operator gives the kind: `>` order, `=` equal, `!=` differ, `~` trend. Without a metric it is ACC, without
M: by 1 point (0 against a number, 0 per doubling), within 2.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from clbench import spec
from clbench.core.costs import COSTS
from clbench.errors import InputError
from clbench.metrics.accuracy import METRICS
from clbench.profiles import PROFILES

KINDS = {" > ": "order", " < ": "order", " = ": "equal", " != ": "differ", " ~ ": "trend"}
MARGINS = {"order": 1.0, "equal": 2.0, "differ": 1.0, "trend": 0.0}  # where the test says none
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
SWEEP = re.compile(rf"=\s*({NUMBER}(?:\s*\|\s*{NUMBER})+)(?=\s*[,)])")


@dataclass(frozen=True)
class Atom:
    """One metric, or cost, of one row."""

    metric: str
    strategy: str  # spec
    benchmark: str = ""  # spec; empty: the one that the test is tried on
    profile: str = ""  # empty likewise


@dataclass(frozen=True)
class Term:
    """A number, an atom, or the first of two atoms less the second."""

    text: str
    atoms: tuple[Atom, ...] = ()
    number: float | None = None


@dataclass(frozen=True)
class Statement:
    """A test: adjacent sides are compared, the greater one first.

    Of a trend each side holds one term: the row at one value of the sweep."""

    kind: str  # order | equal | differ | trend
    metric: str
    sides: tuple[tuple[Term, ...], ...]
    margin: float  # in points, in the unit of a cost, or a ratio
    ratio: bool = False
    direction: str = ""  # of a trend: up | down
    sweep: tuple[float, ...] = ()  # of a trend

    @property
    def atoms(self) -> tuple[Atom, ...]:
        return tuple(dict.fromkeys(atom for side in self.sides for term in side for atom in term.atoms))

    def at(self, profile: str, benchmark: str) -> "Statement":
        """The same with these in every atom that says none."""

        def placed(atom: Atom) -> Atom:
            return replace(atom, profile=atom.profile or profile, benchmark=atom.benchmark or benchmark)

        sides = [
            tuple(replace(term, atoms=tuple(map(placed, term.atoms))) for term in side) for side in self.sides
        ]
        return replace(self, sides=tuple(sides))

    @property
    def names_benchmarks(self) -> bool:
        """Whether every atom says its benchmark, so that the test is tried once."""
        return all(atom.benchmark for atom in self.atoms)


@lru_cache
def parse(text: str) -> Statement:
    """The test of this line. InputError where it cannot be read; names are looked up when it is decided."""
    try:
        return _parse(text.strip())
    except InputError as error:
        raise InputError(f'test "{text}": {error}') from None


def _parse(text: str) -> Statement:
    metric, rest = _metric_in_front(text, r"\s+", "acc")
    rest, margin, ratio, word = _without_margin(rest)
    kind, mark, sides = _sides(rest)
    if word and (word == "within") != (kind == "equal"):
        raise InputError(f'write "{"within" if kind == "equal" else "by"}" before the margin of this kind')
    if kind == "trend":
        made = _trend(metric, sides, margin, ratio)
    else:
        if SWEEP.search(rest):
            raise InputError("a sweep like 100|500 goes with ~ up or ~ down")
        terms = [_terms(side, metric) for side in sides]
        against_number = any(term.number is not None for side in terms for term in side)
        usual = 0.0 if kind == "order" and against_number else MARGINS[kind]
        ordered = terms[::-1] if mark == " < " else terms
        made = Statement(kind, metric, tuple(ordered), usual if margin is None else margin, ratio)
    _check(made)
    return made


def _check(made: Statement) -> None:
    """InputError for what can be read and makes no sense."""
    least = {"order": 0.0, "trend": 0.0}.get(made.kind, 1.0) if made.ratio else None
    if least is not None and made.margin <= least:
        raise InputError(f"a ratio of this kind has to be above {least:g}")
    if made.kind == "equal" and made.margin <= 0 or made.kind == "differ" and made.margin < 0:
        raise InputError("the margin of this kind has to be above 0")
    if made.kind != "trend" and any(
        not (a.atoms or b.atoms) for upper, lower in pairwise(made.sides) for a in upper for b in lower
    ):
        raise InputError("two numbers are compared")
    units = {"points" if atom.metric in METRICS else atom.metric for atom in made.atoms}
    if len(units) > 1 and units & COSTS.keys():
        raise InputError("what is compared counts in different units")


# ---- pieces


def _metric_in_front(text: str, behind: str, usual: str) -> tuple[str, str]:
    found = re.match(rf"([a-z_0-9]+):{behind}(?=\S)", text)
    return (found[1], text[found.end() :]) if found else (usual, text)


def _without_margin(text: str) -> tuple[str, float | None, bool, str]:
    """(what stands before it, the margin, whether it is a ratio, `by` or `within`)"""
    found = re.search(r"\s(by|within)\s+(\S+)$", text)
    if not found:
        return text, None, False, ""
    margin = re.fullmatch(rf"(x?)({NUMBER})", found[2])
    if not margin:
        raise InputError(f'"{found[1]} {found[2]}": write a number, or x and a ratio')
    return text[: found.start()], _number(margin[2]), bool(margin[1]), found[1]


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InputError(f"{text} is too large")
    return number


def _sides(text: str) -> tuple[str, str, list[str]]:
    """(kind, operator, the texts that it stands between)"""
    found = {mark: pieces for mark in KINDS if len(pieces := _split(f" {text} ", mark)) > 1}
    if not found:
        raise InputError("no operator: write >, <, =, != or ~ with a space on both sides")
    if len(found) > 1:
        raise InputError(f"one operator, please, not {' and '.join(mark.strip() for mark in found)}")
    ((mark, sides),) = found.items()
    if not all(sides):
        raise InputError(f'nothing stands beside "{mark.strip()}"')
    return KINDS[mark], mark, sides


def _trend(metric: str, sides: list[str], margin: float | None, ratio: bool) -> Statement:
    if len(sides) != 2 or sides[1] not in ("up", "down"):
        raise InputError('write "up" or "down" behind ~')
    if ratio:
        raise InputError("the margin of a trend is a slope per doubling, no ratio")
    text, swept = sides[0], SWEEP.findall(sides[0])
    values = [[_number(value) for value in one.split("|")] for one in swept]
    if not values or any(one != values[0] for one in values) or text.startswith("{"):
        raise InputError("a trend is of one term with one sweep, like er(memory=100|500|2000)")
    if min(values[0]) <= 0 or len(set(values[0])) < 2:
        raise InputError("a sweep has two different values at least, all above 0")
    written = zip(*([value.strip() for value in one.split("|")] for one in swept), strict=True)
    points = []
    for values_here in written:
        own = iter(values_here)
        points.append((_term(SWEEP.sub(lambda _, own=own: f"={next(own)}", text), metric),))  # type: ignore[misc]
    usual = MARGINS["trend"] if margin is None else margin
    return Statement("trend", metric, tuple(points), usual, False, sides[1], tuple(values[0]))


def _terms(side: str, metric: str) -> tuple[Term, ...]:
    if side.startswith("{") and side.endswith("}"):
        return tuple(_term(one, metric) for one in _split(side[1:-1], ","))
    return (_term(side, metric),)


def _term(text: str, metric: str) -> Term:
    if re.fullmatch(NUMBER, text):
        return Term(text, number=_number(text))
    parts = _split(text, " - ")
    if len(parts) > 2 or any(re.fullmatch(NUMBER, part) for part in parts):
        raise InputError(f'"{text}": a difference is of two rows')
    return Term(text, tuple(_atom(part, metric) for part in parts))


def _atom(text: str, metric: str) -> Atom:
    metric, rest = _metric_in_front(text, "", metric)
    strategy, at, where = rest, "", ""
    if "@" in (blotted := _blotted(rest)):
        place = blotted.index("@")
        strategy, at, where = rest[:place].strip(), "@", rest[place + 1 :].strip()
    profile, benchmark = profile_of(where)
    for one in (strategy, benchmark) if at else (strategy,):
        check_spec(one)
    return Atom(metric, strategy, benchmark, profile)


def profile_of(text: str) -> tuple[str, str]:
    """(profile, the rest) of `quick/split_mnist_class`; no profile where none stands in front."""
    profile, slash, rest = text.partition("/")
    return (profile, rest) if slash and profile in PROFILES else ("", text)


def check_spec(text: str) -> None:
    """InputError unless this can be a spec: of which names is not asked."""
    for term in spec.parse(text):
        profile, slash, _ = term.name.partition("/")
        if slash and not spec.is_own(term.name):
            raise InputError(f'"{text}": unknown profile "{profile}"{spec.suggestion(profile, PROFILES)}')
        if not spec.is_own(term.name) and not re.fullmatch(r"[\w.-]+", term.name):
            raise InputError(f'cannot read "{text}": "{term.name}" is no name')


def _split(text: str, mark: str) -> list[str]:
    """The pieces between the marks that stand outside of brackets and quotes."""
    pieces, start = [], 0
    for piece in _blotted(text).split(mark):
        pieces.append(text[start : start + len(piece)].strip())
        start += len(piece) + len(mark)
    return pieces


def _blotted(text: str) -> str:
    """The text with all that stands in brackets or quotes blotted out."""
    made, depth, quote = "", 0, ""
    for character in text:
        inside = bool(depth or quote)
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            inside, quote = True, character
        elif character in "({[":
            depth += 1
        elif character in ")}]":
            inside, depth = True, depth - 1
        if depth < 0:
            raise InputError(f'"{character}" closes nothing')
        made += "\0" if inside else character
    if depth or quote:
        raise InputError("a bracket or a quote is never closed")
    return made
