"""Ranges: which values a field takes, by its annotation: `memory: Count = 500`, `lam: NotNegative = 1.0`.

Specs and objects of Python are checked against them before anything is built. A plain `int` or `float` has
no range, but is finite. What has no natural end gets a generous one: beyond it is a slip of the keyboard.
"""

import math
import sys
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

from msgspec import Meta

from clbench.errors import InputError

MOST = 10**9  # of what is counted
LARGEST = 1e18  # a number whose square float32 holds

Count = Annotated[int, Meta(ge=1, le=MOST)]
Rows = Annotated[int, Meta(ge=1, le=10**6)]  # of one batch
Key = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # of random draws
Positive = Annotated[float, Meta(gt=0, le=LARGEST)]
NotNegative = Annotated[float, Meta(ge=0, le=LARGEST)]
Share = Annotated[float, Meta(ge=0, le=1)]
PositiveShare = Annotated[float, Meta(gt=0, le=1)]
SmallerShare = Annotated[float, Meta(ge=0, lt=1)]  # something is left
AnyFloat = Annotated[float, Meta(extra={"finite": False})]  # infinity and NaN too
Width = Annotated[int, Meta(ge=1, le=10**6)]  # of a layer
Depth = Annotated[int, Meta(ge=1, le=1000)]  # layers
Channels = Annotated[int, Meta(ge=1, le=10**4)]
Pixels = Annotated[int, Meta(ge=4, le=4096)]  # of a side of an image
Text = Annotated[str, Meta(max_length=4096)]

NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a text",
    list: "a list",
    type(None): "None",
}


def kinds_of(cls: type) -> dict[str, Any]:
    """field -> its annotation, with ranges. Raises InputError for annotations that cannot be read."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise InputError(f"{cls.__name__}: its annotations cannot be read: {error}") from None


def check(instance: Any) -> None:
    """Raises InputError for the first field of a dataclass whose value its annotation does not allow."""
    if is_dataclass(instance):
        cls = type(instance)
        check_values(
            cls.__name__, cls, {field.name: getattr(instance, field.name, None) for field in fields(instance)}
        )


def check_values(name: str, cls: type, values: dict[str, Any]) -> None:
    """Raises InputError for the first of these values, by field of the class, that its annotation does not
    allow. name: what to call the class."""
    kinds = kinds_of(cls)
    for key, value in values.items():
        if not fits(value, kinds[key]):
            raise InputError(f"{name}: {key} takes {describe(kinds[key])}, not {shown(value)}")


def fits(value: Any, kind: Any) -> bool:
    """Whether the value is of this annotation and in its range."""
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        base, metas = given[0], _metas(kind)
        return fits(value, _unbounded(base, metas)) and all(_within(value, meta) for meta in metas)
    if origin is typing.Literal:
        return any(type(value) is type(one) and value == one for one in given)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in given)
    if kind is Any:
        return True
    if kind in (float, _Unbounded):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (kind is _Unbounded or _is_finite(value))
    kind = origin or kind
    return (
        isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    )


class _Unbounded(float):
    """Stands for a float that need not be finite."""


def _unbounded(base: Any, metas: list[Meta]) -> Any:
    return _Unbounded if any((meta.extra or {}).get("finite") is False for meta in metas) else base


def _metas(kind: Any) -> list[Meta]:
    return [one for one in typing.get_args(kind)[1:] if isinstance(one, Meta)]


def _is_finite(value: float) -> bool:
    """Of a whole number: whether a float can hold it."""
    return abs(value) <= sys.float_info.max if isinstance(value, int) else math.isfinite(value)


def _within(value: Any, meta: Meta) -> bool:
    bounds: Iterable[tuple[Any, Callable[[Any, Any], bool]]] = (
        (meta.ge, lambda value, bound: value >= bound),
        (meta.gt, lambda value, bound: value > bound),
        (meta.le, lambda value, bound: value <= bound),
        (meta.lt, lambda value, bound: value < bound),
        (meta.min_length, lambda value, bound: len(value) >= bound),
        (meta.max_length, lambda value, bound: len(value) <= bound),
    )
    return all(holds(value, bound) for bound, holds in bounds if bound is not None)


def declares_range(kind: Any) -> bool:
    """Whether an annotation says which values of its type it takes; a choice and True or False always do."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return all(declares_range(one) for one in typing.get_args(kind))
    return (
        origin is typing.Literal or kind in (bool, type(None)) or bool(origin is Annotated and _metas(kind))
    )


def as_meant(value: Any, kind: Any) -> Any:
    """A whole number as a float where only floats (or other things than numbers) are meant: 10 where 10.0 is
    meant is the same run and must be the same row."""
    kinds = set(bases(kind))
    return float(value) if type(value) is int and float in kinds and int not in kinds else value


def bases(kind: Any) -> list[Any]:
    """The types that an annotation is made of, without their ranges."""
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return bases(given[0])
    if origin in (typing.Union, types.UnionType):
        return [base for one in given for base in bases(one)]
    return [kind]


def describe(kind: Any) -> str:
    """What an annotation takes, in words: "a whole number from 1 to 20, or None"."""
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        what = describe(given[0])
        unit = "characters" if given[0] is str else "entries"
        bounds = filter(None, (_bounds(meta, unit) for meta in _metas(kind)))
        return " ".join([what, *bounds])
    if origin is typing.Literal:
        return " or ".join(map(repr, given))
    if origin in (typing.Union, types.UnionType):
        words = [describe(one) for one in given]
        return (", or " if any(" to " in one or " above " in one for one in words) else " or ").join(words)
    return NAMES.get(origin or kind, str(kind))


def _bounds(meta: Meta, unit: str) -> str:
    low, high = meta.ge if meta.gt is None else meta.gt, meta.le if meta.lt is None else meta.lt
    if meta.max_length is not None:
        return f"of at most {meta.max_length:,} {unit}"
    if low is None and high is None:
        return ""
    if low is None or high is None:
        bound, closed = (high, meta.lt is None) if low is None else (low, meta.gt is None)
        side = "most" if low is None else "least"
        beyond = "below" if low is None else "above"
        return f"of at {side} {_number(bound)}" if closed else f"{beyond} {_number(bound)}"
    if meta.gt is None:
        return f"from {_number(low)} to {'' if meta.lt is None else 'below '}{_number(high)}"
    if meta.lt is None:
        return f"above {_number(low)}, up to {_number(high)}"
    return f"between {_number(low)} and {_number(high)}"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}".replace("e+", "e")


def shown(value: Any, most: int = 200) -> str:
    """How a value is written, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = f"a number of {value.bit_length():,} bits" if isinstance(value, int) else type(value).__name__
    return text if len(text) <= most else f"{text[:most]}…"
