"""Specs: "er(memory=200)+ewc(lam=10)" to terms and back, checked against the typed fields of the classes they
name."""

import ast
import dataclasses
import difflib
import re
import typing
from dataclasses import dataclass

from clbench.errors import InputError


@dataclass(frozen=True)
class Term:
    """One name with its keyword arguments, as written."""

    name: str
    arguments: dict


def parse(text: str) -> list[Term]:
    """The terms of a spec, joined by `+`. A name may be `path/to/file.py:Class`."""
    return [_term(piece, text) for piece in _split(text)]


def _split(text: str) -> list[str]:
    """Cut at every + outside brackets and quotes."""
    pieces, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if character == "+" and not depth and not quote:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def _term(piece: str, text: str) -> Term:
    wrong = InputError(f'cannot read "{text}": write a name, or name(argument=value, …), joined by "+"')
    found = re.fullmatch(r"\s*([^()=,\s][^()=,]*?)\s*(\((.*)\))?\s*", piece, re.DOTALL)
    if not found:
        raise wrong
    try:
        call = ast.parse(f"f({found[3] or ''})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise wrong
        arguments = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        if None in arguments or len(arguments) < len(call.keywords):  # **given, or given twice
            raise wrong
        return Term(found[1], arguments)
    except (SyntaxError, ValueError, TypeError):
        raise wrong from None


def canonical(name: str, arguments: dict, defaults: dict) -> str:
    """The name with only the arguments that differ from the defaults, in field order."""
    given = [f"{key}={arguments[key]!r}" for key in defaults if arguments[key] != defaults[key]]
    return f"{name}({', '.join(given)})" if given else name


def defaults_of(cls: type, better: dict | None = None) -> dict:
    """field -> default of a dataclass; `better` replaces some."""
    if not dataclasses.is_dataclass(cls):
        return {}
    defaults = {}
    for field in dataclasses.fields(cls):
        if field.default is dataclasses.MISSING:
            raise InputError(f"{cls.__name__}: the field {field.name} needs a default")
        defaults[field.name] = field.default
    unknown = set(better or {}) - set(defaults)
    if unknown:
        raise InputError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
    return defaults | (better or {})


def checked(name: str, cls: type, given: dict, defaults: dict) -> dict:
    """All arguments of the class: the given ones, checked for name and type, over the defaults."""
    types = typing.get_type_hints(cls) if defaults else {}
    for key, value in given.items():
        if key not in defaults:
            takes = ", ".join(f"{k}={v!r}" for k, v in defaults.items()) or "no arguments"
            raise InputError(f'{name} has no argument "{key}"{suggestion(key, defaults)} (it takes {takes})')
        if not _fits(value, types[key]):
            raise InputError(f"{name}: {key} takes {_describe(types[key])}, not {value!r}")
    # 10 where 10.0 is meant is the same run and must be the same row.
    return {key: _as_meant(value, types[key]) for key, value in (defaults | given).items()}


def _as_meant(value, kind):
    """A whole number as a float where only floats (or None) are meant."""
    kinds = typing.get_args(kind) or (kind,)
    return float(value) if type(value) is int and float in kinds and int not in kinds else value


def _fits(value, kind) -> bool:
    if typing.get_origin(kind) is typing.Literal:
        return value in typing.get_args(kind)
    if typing.get_origin(kind) is not None or not isinstance(kind, type):
        return any(_fits(value, one) for one in typing.get_args(kind))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _describe(kind) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    if kinds := typing.get_args(kind):
        return " or ".join(map(_describe, kinds))
    return {
        int: "a whole number",
        float: "a number",
        bool: "True or False",
        str: "a text",
        list: "a list",
        type(None): "None",
    }.get(kind, str(kind))


def suggestion(name: str, known) -> str:
    """`: did you mean "ewc"?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f': did you mean "{near[0]}"?' if near else ""
