"""Specs: "er(memory=200)+ewc(lam=10)" to terms and back, checked against the typed fields of the classes they
name."""

import ast
import dataclasses
import difflib
import os
import re
import warnings
from dataclasses import dataclass

from clbench.core import ranges
from clbench.errors import InputError


@dataclass(frozen=True)
class Term:
    """One name with its keyword arguments, as written."""

    name: str
    arguments: dict


def parse(text: str) -> list[Term]:
    """The terms of a spec, joined by `+`. A name may be `path/to/file.py:Class`, of whatever path: the name
    ends where `.py:Class` is followed by `(`, by `+` or by nothing, and one file has one name.

    A plus in front of it may be part of the path: it is where such a file exists, or where nothing else can
    be read."""
    if text.startswith(AVALANCHE):
        return [Term("avalanche_class", {"make": text.removeprefix(AVALANCHE).strip()})]
    try:
        terms = _Reader(text).terms(0)
    except (RecursionError, MemoryError):  # nested too deeply, for us or for Python's own parser
        terms = None
    if terms is None:
        start = text if len(text) <= 200 else f"{text[:200]}…"
        raise InputError(f'cannot read "{start}": write a name, or name(argument=value, …), joined by "+"')
    return list(terms)


AVALANCHE = "avalanche:"  # in front of a call that makes a benchmark of that library
OWN = re.compile(r"\.py:[^\W\d]\w*(?=\s*(?:[(+]|$))")  # the right end of `path/to/file.py:Class`
MOST_TERMS = 100


class _Reader:
    """Reads terms from the left; where a plus may be part of a path it tries both."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[int, tuple[Term, ...] | None] = {}  # by position

    def terms(self, start: int, depth: int = 1) -> tuple[Term, ...] | None:
        """The terms from there to the end; None where they cannot be read."""
        if start not in self.known and depth <= MOST_TERMS:
            readings = (self._terms(start, end, depth) for end in self._ends_of_name(start))
            self.known[start] = next((terms for terms in readings if terms is not None), None)
        return self.known.get(start)

    def _terms(self, start: int, end: int, depth: int) -> tuple[Term, ...] | None:
        close = self._end_of_arguments(end)
        term = None if close is None else _term(self.text[start:end], self.text[end:close])
        if term is None or close is None:
            return None
        after = len(self.text) - len(self.text[close:].lstrip())
        if after == len(self.text):
            return (term,)
        others = self.terms(after + 1, depth + 1) if self.text[after] == "+" else None
        return None if others is None else (term, *others)

    def _ends_of_name(self, start: int) -> list[int]:
        """Where the name that starts there may end, the likelier place first."""
        plain, own = re.compile(r"[^()=,+]+").match(self.text, start), OWN.search(self.text, start)
        ends = [found.end() for found in (plain, own) if found]
        is_file = own and os.path.isfile(self.text[start : own.start()].strip().replace("\0", "") + ".py")
        return ends[::-1] if is_file else ends

    def _end_of_arguments(self, start: int) -> int | None:
        """Behind the bracket that closes the one at this place; the place itself where none opens; None where
        it is never closed."""
        if self.text[start : start + 1] != "(":
            return start
        depth, quote, place = 0, "", start
        while place < len(self.text):
            character = self.text[place]
            if quote:
                place += character == "\\"
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            else:
                depth += (character in "([{") - (character in ")]}")
            place += 1
            if not depth:
                return place
        return None


def _term(name: str, bracket: str) -> Term | None:
    """The term of a name and of its arguments in brackets, or of "" where there are none; None where they
    cannot be read."""
    name = name.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd numbers and escapes
            call = ast.parse(f"f{bracket or '()'}", mode="eval").body
        if not name or not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            return None
        values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        arguments = {key: _one_name(one) if isinstance(one, str) else one for key, one in values.items()}
    except (SyntaxError, ValueError, TypeError):
        return None
    if None in arguments or len(arguments) < len(call.keywords):  # **given, or given twice
        return None
    return Term(_one_name(name), arguments)


def value_of(text: str) -> object:
    """A value as an argument has it; a text that is none in itself needs no quotes here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return text


def is_own(name: str) -> bool:
    """Whether a name, or the spec that begins with it, is of a file of one's own."""
    return OWN.search(name) is not None


def name_of(spec: str) -> str:
    """The name of a spec's first term: all of it where it cannot be read."""
    try:
        return parse(spec)[0].name
    except InputError:
        return spec


def _one_name(name: str) -> str:
    """`m.py:Class` for `./m.py:Class` and `/here/m.py:Class`: from the current folder where the file is below
    it, else from the root."""
    found = OWN.search(name)
    if not found:
        return name
    path, cls = f"{name[: found.start()]}.py", name[found.start() + len(".py:") :]
    try:
        whole, here = os.path.abspath(path), os.path.join(os.getcwd(), "")
    except (OSError, ValueError):  # the current folder is gone
        return name
    return f"{whole.removeprefix(here)}:{cls}"


VALUES = "values"  # the argument that every strategy takes, unless its class has a field of this name
PAPER, TUNED = "paper", "tuned"  # what it takes


def canonical(name: str, arguments: dict, defaults: dict, of_paper: bool = False) -> str:
    """The name with only the arguments that differ from the defaults, in field order. of_paper: these are
    the paper's, and it says so."""
    given = {VALUES: PAPER} if of_paper else {}
    return written(name, given | {key: arguments[key] for key in defaults if arguments[key] != defaults[key]})


def written(name: str, arguments: dict) -> str:
    """The name with these arguments."""
    return f"{name}({spelled(arguments)})" if arguments else name


def spelled(arguments: dict) -> str:
    """`lam=3, norm='group'`"""
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items())


def chosen_values(name: str, given: dict, defaults: dict) -> tuple[dict, bool]:
    """(the arguments without `values`, whether that asks for the paper's defaults in place of tuned ones)."""
    if VALUES not in given or VALUES in defaults:
        return given, False
    if given[VALUES] not in (PAPER, TUNED):
        raise InputError(f"{name}: {VALUES} takes {PAPER!r} or {TUNED!r}, not {ranges.shown(given[VALUES])}")
    return {key: value for key, value in given.items() if key != VALUES}, given[VALUES] == PAPER


def named(name: str, arguments: dict, tuned: dict, paper: dict) -> str:
    """What tables call a strategy with these arguments: one run has one name. The bare name is that of the
    tuned values; where the paper's differ, all of them are `name(values='paper')`."""
    if arguments == paper != tuned:
        return canonical(name, {}, {}, of_paper=True)
    return canonical(name, arguments, tuned)


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
    """All arguments of the class: the given ones over the defaults, checked for name, type and range."""
    for key in given:
        if key not in defaults:
            takes = ", ".join(f"{k}={v!r}" for k, v in defaults.items()) or "no arguments"
            raise InputError(f'{name} has no argument "{key}"{suggestion(key, defaults)} (it takes {takes})')
    kinds = ranges.kinds_of(cls) if defaults else {}
    ranges.check_values(name, cls, given)
    return {key: ranges.as_meant(value, kinds[key]) for key, value in (defaults | given).items()}


def suggestion(name: str, known) -> str:
    """`: did you mean "ewc"?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f': did you mean "{near[0]}"?' if near else ""
