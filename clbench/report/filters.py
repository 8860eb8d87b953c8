"""Which rows are shown: those of a family, those for which a condition holds.

A condition is Python's and pandas' way to compare: names of metrics and costs, and of what is known of a row,
with values. It comes from a command line, so it is read and written anew before pandas sees it: nothing but
comparisons joined by and, or, not.
"""

import ast
import math
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from clbench.errors import InputError
from clbench.facts import FAMILIES, OWN
from clbench.report.cells import cell
from clbench.report.columns import NAMES
from clbench.report.values import KINDS, Entry, facts_of, family_of, kind_of, stores_examples
from clbench.results.record import STATUSES
from clbench.spec import suggestion

NUMBERS = (*NAMES, "seeds")
TEXTS = {"kind": KINDS, "family": (*FAMILIES, OWN), "status": STATUSES}
SWITCHES = ("stores", "needs_task_label", "stale")
KIND_OF_NAME = {
    **dict.fromkeys(NUMBERS, "a number"),
    **dict.fromkeys(TEXTS, "a text"),
    **dict.fromkeys(SWITCHES, "true or false"),
}
SIGNS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
GRAMMAR = "write comparisons of names with values (==, !=, <, <=, >, >=, in), joined by and, or, not"
MOST = 100  # comparisons and what joins them


@dataclass(frozen=True)
class Condition:
    """What `read` makes of a text: an expression for pandas, of these names."""

    expression: str
    names: tuple[str, ...]

    def passing(self, found: Sequence[Entry]) -> list[Entry]:
        """Those for which it holds. A comparison with a value that a row does not have is false."""
        import pandas as pd

        frame = pd.DataFrame({name: [_value(one, name) for one in found] for name in self.names})
        frame = frame.astype({name: float for name in self.names if name in NUMBERS})
        return [found[i] for i in frame.query(self.expression, engine="python").index] if found else []


def passing(
    found: Sequence[Entry], families: Collection[str], conditions: Sequence[Condition]
) -> list[Entry]:
    """Those of the families (of all, where none is named) for which all conditions hold."""
    left = [one for one in found if not families or family_of(one.record) in families]
    for condition in conditions:
        left = condition.passing(left)
    return left


def _value(entry: Entry, name: str) -> Any:
    record = entry.record
    match name:
        case "seeds":
            return len(record.seeds)
        case "kind":
            return kind_of(record)
        case "family":
            return family_of(record)
        case "status":
            return record.status
        case "stale":
            return entry.stale
        case "needs_task_label":
            return any(facts.needs_task_label for facts in facts_of(record))
        case "stores":
            return stores_examples(record)
    value = cell(entry, name).value
    return None if value is None else float(f"{value:.12g}")  # the mean of three times 0.8 is 0.8


def read(text: str) -> Condition:
    """The condition in a text; InputError where it is none."""
    reader = _Reader(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd numbers and escapes
            tree = ast.parse(text.strip(), mode="eval").body
        return Condition(reader.condition(tree), tuple(sorted(reader.names)))
    except (SyntaxError, ValueError):
        raise reader.refusal(f"cannot be read; {GRAMMAR}") from None
    except (RecursionError, MemoryError):
        raise reader.refusal("is nested too deeply") from None


@dataclass(frozen=True)
class _Side:
    """A side of a comparison, as pandas reads it."""

    kind: str  # one of KIND_OF_NAME's
    written: str
    name: str = ""
    value: Any = None


class _Reader:
    """Writes a syntax tree as an expression for pandas, and refuses what is no comparison."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.parts = 0

    def refusal(self, reason: str) -> InputError:
        return InputError(reason, "where", self.text)

    def condition(self, node: ast.expr) -> str:
        self.parts += 1
        if self.parts > MOST:
            raise self.refusal(f"more than {MOST} comparisons and what joins them")
        match node:
            case ast.BoolOp(op, values):
                word = " and " if isinstance(op, ast.And) else " or "
                return f"({word.join(map(self.condition, values))})"
            case ast.UnaryOp(ast.Not(), operand):
                return f"(not {self.condition(operand)})"
            case ast.Compare(left, operators, others):
                signs = (SIGNS.get(type(one), "") for one in operators)
                sides = zip(pairwise([left, *others]), signs, strict=True)
                return f"({' and '.join(self.comparison(*pair, sign) for pair, sign in sides)})"
            case ast.Name(name):
                if self.side(node).kind != "true or false":
                    raise self.refusal(f"{name} is {KIND_OF_NAME[name]}, so compare it with one")
                return name
        raise self.refusal(f'"{_start_of(node)}" is no comparison; {GRAMMAR}')

    def comparison(self, left: ast.expr, right: ast.expr, sign: str) -> str:
        several = sign in ("in", "not in")
        first, others = (
            self.side(left),
            [self.side(one) for one in (self.listed(right) if several else [right])],
        )
        names = sorted({one.name for one in (first, *others) if one.name})
        if not sign or not names or (several and not first.name):
            raise self.refusal(f'"{_start_of(left)} …" is no comparison; {GRAMMAR}')
        for other in others:
            self.check(first, other, ordered=sign[0] in "<>")
        written = f"[{', '.join(one.written for one in others)}]" if several else others[0].written
        there = [f" and {name} == {name}" for name in names if sign in ("!=", "not in")]
        return f"({first.written} {sign} {written}{''.join(there)})"  # NaN differs from all, itself too

    def listed(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and node.elts:
            return node.elts
        raise self.refusal('behind "in" stand values in brackets, like (1, 2)')

    def side(self, node: ast.expr) -> _Side:
        match node:
            case ast.Name("true" | "false" as word):
                return _Side("true or false", word.title())
            case ast.Name(name):
                return self.named(name)
            case ast.Constant(bool(value)):
                return _Side("true or false", str(value))
            case ast.Constant(int() | float() as value):
                return self.number(value)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)) if not isinstance(
                value, bool
            ):
                return self.number(-value)
            case ast.Constant(str(value)):
                return _Side("a text", repr(value), value=value)
        raise self.refusal(f'"{_start_of(node)}" is no name and no value; {GRAMMAR}')

    def named(self, name: str) -> _Side:
        if name not in KIND_OF_NAME:
            if any(name in values for values in TEXTS.values()):
                raise self.refusal(f'a text stands in quotes: "{name}"')
            known = ", ".join(KIND_OF_NAME)
            raise self.refusal(f'unknown name "{name}"{suggestion(name, KIND_OF_NAME)}; there are {known}')
        self.names.add(name)
        return _Side(KIND_OF_NAME[name], name, name)

    def number(self, value: float) -> _Side:
        try:
            written = repr(float(value))
        except OverflowError:
            written = "inf"
        if not math.isfinite(float(written)):
            raise self.refusal("a number is too large")
        return _Side("a number", written)

    def check(self, one: _Side, other: _Side, ordered: bool) -> None:
        """Refuses two sides that can never be compared, and a text that a name never is."""
        if one.kind != other.kind:
            raise self.refusal(f"{_told(one)} is {one.kind} and {_told(other)} is {other.kind}")
        if ordered and one.kind != "a number":
            raise self.refusal(f"{_told(one)} is {one.kind}, so it is not less or more than another")
        for side, beside in ((one, other), (other, one)):
            known = TEXTS.get(side.name)
            if known and beside.value is not None and beside.value not in known:
                near = suggestion(beside.value, known)
                raise self.refusal(
                    f'{side.name} is never "{beside.value}"{near}; it is one of {", ".join(known)}'
                )


def _told(side: _Side) -> str:
    return side.name or side.written


def _start_of(node: ast.expr) -> str:
    """The first characters of a part of the text."""
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:40]}…"
