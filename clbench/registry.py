"""Names and files: strategies/regularisation/ewc.py is `ewc`.

Listing reads names and docstrings; only `strategy` and `benchmark` import."""

import ast
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from clbench import own_code
from clbench.core import paths, protocols, ranges, tuned
from clbench.core.composition import conflict
from clbench.errors import InputError, Unavailable
from clbench.facts import FAMILIES, Facts, classes_without, facts_in, file_of, literals
from clbench.profiles import PROFILES
from clbench.spec import (
    Term,
    canonical,
    checked,
    chosen_values,
    defaults_of,
    is_own,
    named,
    parse,
    suggestion,
)

if TYPE_CHECKING:
    from clbench.core.benchmark import Benchmark

PACKAGE = Path(__file__).parent
SKIPPED: dict[Path, str] = {}  # files of ours that cannot be listed: why
NETWORK = "net"  # the argument of a benchmark that names its network
RUNNERS = {"native": "clbench.engine.run", "avalanche": "clbench.avalanche.run"}  # by back end


@dataclass(frozen=True)
class Entry:
    """A registered name and where its class is to be found."""

    name: str
    summary: str  # first line of the docstring
    module: str  # dotted module, or the path of a user's own file
    attribute: str | None = None  # the class; None: the only one that the module defines
    backend: str = "native"  # of a strategy: native | avalanche
    hidden: bool = False
    by_name_only: bool = False  # no glob stands for it: it needs arguments
    better: tuple = ()  # (argument, value) of an alias: a benchmark by another name


@dataclass(frozen=True)
class Strategy:
    """A strategy as one benchmark trains it: every argument resolved."""

    name: str  # the canonical spec: the table row, and what `-s` takes
    backend: str
    terms: tuple[tuple[Entry, dict], ...]
    trained: str = ""  # the same strategy as a spec that no tuned values change: what a worker is told

    @property
    def arguments(self) -> dict[str, dict]:
        return {entry.name: arguments for entry, arguments in self.terms}

    def build(self) -> list:
        """Fresh parts (or Avalanche rows), ready for one run."""
        from clbench.core.part import introduce  # which imports torch

        return introduce([load(entry)(**arguments) for entry, arguments in self.terms])


# ---- listing, without imports of strategies, benchmarks or torch


@lru_cache
def strategies() -> dict[str, Entry]:
    """All registered strategies by name, native ones first."""
    native = {
        path.stem: Entry(path.stem, _summary(tree), f"clbench.strategies.{family}.{path.stem}")
        for family in FAMILIES
        for path, tree in _files(f"strategies/{family}")
    }
    rows = {
        f"avalanche_{path.stem}": Entry(
            f"avalanche_{path.stem}",
            _summary(tree),
            f"clbench.avalanche.rows.{path.stem}",
            backend="avalanche",
        )
        for path, tree in _files("avalanche/rows")
    }
    return native | rows | _plug_ins("clbench.strategies")


@lru_cache
def benchmarks() -> dict[str, Entry]:
    """All registered benchmarks by name, hidden ones too."""
    found = {}
    for path, tree in _files("benchmarks"):
        fields = literals(path)
        if "scenarios" not in fields:
            SKIPPED[path] = "no class in it says `scenarios = (…)`"
            continue
        for scenario in fields["scenarios"] or (None,):
            name = f"{path.stem}_{scenario}" if scenario else path.stem
            found[name] = Entry(
                name,
                _summary(tree),
                f"clbench.benchmarks.{path.stem}",
                hidden=fields.get("hidden", False),
                by_name_only=fields.get("by_name_only", False),
            )
        for alias, better in fields.get("aliases", {}).items():
            found[alias] = Entry(
                alias,
                f"{path.stem} of {better['path']}",
                f"clbench.benchmarks.{path.stem}",
                better=tuple(better.items()),
            )
    return found | _plug_ins("clbench.benchmarks")


def skipped() -> list[str]:
    """A line for each file of ours that cannot be listed; the others are."""
    strategies(), benchmarks()
    return [f"{path} is left out: {why}" for path, why in SKIPPED.items()]


def facts(name: str) -> Facts:
    """What a strategy's class says of itself; the folder of a native one is its family. Imports nothing.

    name: registered, or `file.py:Class`. Raises InputError for an unknown one and for a file that is no
    Python."""
    entry = _entry(Term(name, {}), strategies(), "strategy")
    package, _, rest = entry.module.partition("clbench.strategies.")
    family = {"family": rest.split(".")[0]} if rest and not package else {}
    return facts_in(literals(PACKAGE / "core" / "part.py") | defaults(name) | family)


def defaults(name: str) -> dict[str, Any]:
    """What the class of a strategy sets in literals, its arguments among them. Imports nothing; errors as of
    `facts`."""
    entry = _entry(Term(name, {}), strategies(), "strategy")
    path = Path(entry.module) if entry.module.endswith(".py") else file_of(entry.module)
    try:
        return literals(path, entry.attribute) if path else {}
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path} cannot be read: {type(error).__name__}: {error}") from None


def benchmark_facts(name: str) -> dict[str, Any]:
    """What the class of a benchmark says of itself in literals: attribute -> value. Imports nothing.

    name: registered, or `file.py:Class`. Nothing for one that is not there or cannot be read."""
    try:
        entry = _entry(Term(name, {}), benchmarks(), "benchmark")
        path = Path(entry.module) if entry.module.endswith(".py") else file_of(entry.module)
        attribute = entry.attribute or ""  # of a file of one's own it may end with a scenario
        return path and (literals(path, entry.attribute) or literals(path, attribute.rsplit("_", 1)[0])) or {}
    except (InputError, OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _files(folder: str) -> list[tuple[Path, ast.Module]]:
    """The files of a folder with their syntax trees, without those that are no Python."""
    found = []
    for path in sorted((PACKAGE / folder).glob("*.py")):
        if path.stem != "__init__":
            try:
                found.append((path, ast.parse(path.read_text(encoding="utf-8"))))
            except (OSError, SyntaxError, ValueError) as error:
                SKIPPED[path] = f"{type(error).__name__}: {error}"
    return found


def _summary(tree: ast.Module | ast.ClassDef) -> str:
    """The first paragraph of the docstring, as one line."""
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())


def _plug_ins(group: str) -> dict[str, Entry]:
    """What other packages register; one entry point stands for all scenarios of a benchmark."""
    found = {}
    for point in entry_points(group=group):
        said = f"from the package {point.dist.name}" if point.dist else "from another package"
        for name in _names_of(point):
            found[name] = Entry(name, said, point.module, point.attr)
    return found


def _names_of(point: EntryPoint) -> list[str]:
    try:
        path = file_of(point.module)
        scenarios = literals(path, point.attr).get("scenarios", ()) if path else ()
    except (OSError, SyntaxError, ValueError):  # known when it is imported
        scenarios = ()
    if any(point.name.endswith(f"_{scenario}") for scenario in scenarios):
        return [point.name]
    return [f"{point.name}_{scenario}" for scenario in scenarios] or [point.name]


# ---- selecting


def select(patterns: list[str], known: dict[str, Entry]) -> list[str]:
    """The names that the patterns (globs) stand for, each with the arguments behind the glob; anything that
    is no glob is taken as a spec, as it is."""
    names = []
    for pattern in patterns:
        if is_glob(pattern):
            glob, bracket, rest = pattern.partition("(")
            found = [
                name + bracket + rest
                for name, entry in known.items()
                if fnmatchcase(name, glob) and not entry.hidden and not entry.by_name_only
            ]
            if not found:
                raise InputError(f'no name matches "{pattern}"; `clbench list` shows them all')
            names += found
        else:
            names.append(pattern)
    return list(dict.fromkeys(names))


def is_glob(pattern: str) -> bool:
    return not is_own(pattern) and any(mark in pattern.split("(")[0] for mark in "*?[")


def pair_matches(
    benchmark: str, strategy: str, profile: str, benchmarks: list[str] | None, strategies: list[str] | None
) -> bool:
    """Whether a pair of canonical names is one that the patterns stand for: globs, names, or specs in any
    spelling, as they are meant under the profile; no patterns stand for all."""

    def benchmark_of(pattern: str) -> str:
        return _benchmark(pattern, profile)[0] if _all_ours(pattern, strategy) else pattern

    def strategy_of(pattern: str) -> str:
        if not _all_ours(benchmark, pattern):
            return pattern
        return strategy_on(pattern, _benchmark(benchmark, profile)[1], profile).name

    return (not benchmarks or any(_stands_for(one, benchmark, benchmark_of) for one in benchmarks)) and (
        not strategies or any(_stands_for(one, strategy, strategy_of) for one in strategies)
    )


def _all_ours(benchmark: str, strategy: str) -> bool:
    """Whether all code of a pair is of clbench: other code is not run to find a row."""
    return all(module.startswith(f"{PACKAGE.name}.") for module in modules_of(benchmark, strategy))


def _stands_for(pattern: str, name: str, canonical_of: Callable[[str], str]) -> bool:
    """Whether a pattern stands for a canonical name. Loads the classes only where the same names have other
    arguments: then it depends on their defaults."""
    if name == pattern or fnmatchcase(name, pattern):
        return True
    if is_glob(pattern):
        return False
    try:
        asked, there = parse(pattern), parse(name)
        if [term.name for term in asked] != [term.name for term in there]:
            return False
        return asked == there or canonical_of(pattern) == name
    except (InputError, Unavailable):  # what is not to be had now is at most what it is called
        return False


# ---- loading


def is_benchmark(text: str) -> bool:
    """Whether the spec's name is registered."""
    return text.split("(")[0] in benchmarks()


def benchmark(text: str, profile: str) -> "tuple[str, Benchmark, Entry]":
    """(canonical name, Benchmark, entry) of a spec, with the profile's arguments where it says nothing."""
    terms = parse(text)
    if len(terms) != 1:
        raise InputError(f'"{text}": a benchmark is one name, without "+"')
    entry, cls = _resolve(terms[0], benchmarks(), "benchmark")
    _check_kind(entry, cls, "clbench.core.benchmark", "Benchmark")
    if profile not in cls.profiles():
        has = ", ".join(cls.profiles()) or "none at all"
        raise InputError(f"{entry.name} has no budget for the profile {profile}; it has {has}")
    scenario = _scenario(entry, cls) or cls.scenario
    better = cls.arguments.get(profile, {}) | cls.arguments.get(scenario, {})
    better |= protocols.arguments_of(cls, profile, scenario) | dict(entry.better)
    defaults = defaults_of(cls, better)
    arguments = checked(entry.name, cls, terms[0].arguments, defaults)
    cls(**arguments).budget(profile)  # raises InputError for what makes no sense
    arguments = cls.of_profile(profile, arguments)
    made = cls(**arguments)
    made.scenario = scenario
    name = canonical(entry.name, arguments, defaults)
    vars(made)["called"] = name  # no field of it, so a run does not depend on it
    return name, made, entry


_benchmark = benchmark  # where a parameter has its name


def _scenario(entry: Entry, cls: type) -> str:
    """The scenario that the name ends with; nothing for a benchmark that has none."""
    scenarios = getattr(cls, "scenarios", ())
    found = [one for one in scenarios if entry.name.endswith(f"_{one}")]
    if scenarios and not found:
        endings = ", ".join(f"_{one}" for one in scenarios)
        raise InputError(f"{entry.name}: the name has to end with one of its scenarios: {endings}")
    return found[0] if found else ""


# Arguments with which another network learns, or from other inputs, than values of ours were tuned for,
# unless they are as the profile has them.
OTHERWISE = ("net", "features")


def strategy_on(text: str, benchmark: "Benchmark", profile: str) -> Strategy:
    """The strategy of a spec, with the benchmark's memory and the values tuned for it as defaults."""
    cls = type(benchmark)
    usual = {name: getattr(cls, name, None) for name in OTHERWISE} | cls.arguments.get(profile, {})
    if all(getattr(benchmark, name, None) == usual[name] for name in OTHERWISE):
        return strategy(text, tuned.values(benchmark, profile), benchmark.memory)
    tables = tuned.users_tables(vars(benchmark).get("called", ""), profile)
    found = {name: tuned.arguments(table) for name, table in tables.items()}
    found |= protocols.strategies_of(type(benchmark), profile, benchmark.scenario)
    return strategy(text, found, benchmark.memory)


def use_tuned(results: Path | None) -> None:
    """From now on the values beside these results hold, as `tuned.use` has it. Raises InputError for a table
    of a benchmark, profile or strategy that there is not."""
    tuned.use(results)
    for benchmark, profiles in tuned.all_of_user().items():
        for profile, strategy in ((profile, one) for profile, tables in profiles.items() for one in tables):
            try:
                _check_table(benchmark, profile, strategy)
            except InputError as error:
                name = f"{tuned.BESIDE}: [{benchmark}.{profile}.{strategy}]"
                raise InputError(f"{name}: {error}") from None


def _check_table(benchmark: str, profile: str, strategy: str) -> None:
    if profile not in PROFILES:
        raise InputError(f'unknown profile "{profile}"{suggestion(profile, PROFILES)}')
    if not is_own(benchmark) and not is_own(strategy):  # whose file may have gone
        modules_of(benchmark, strategy)


def tuned_tables(benchmark: str, scenario: str, profile: str) -> tuned.Tables:
    """The tables of tuned values for a benchmark, by its canonical name, without loading it."""
    of_user = tuned.users_tables(benchmark, profile)
    try:
        term = parse(benchmark)[0]
        module = _entry(term, benchmarks(), "benchmark").module
    except InputError:
        return {}
    if any(term.arguments.get(name) for name in OTHERWISE):
        return of_user
    return tuned.tables_of(protocols.stem_in(module), scenario, profile) | of_user


def strategy(text: str, better: dict[str, dict] | None = None, memory: int | None = None) -> Strategy:
    """The strategy of a spec; `better` holds defaults of strategies that stand alone, by their name, `memory`
    is the default of all that keep examples. Every strategy takes `values='paper'`: the defaults of its class
    in place of `better`."""
    resolved, names, told, classes = [], [], [], []
    terms = parse(text)
    for term in terms:
        entry, cls = _resolve(term, strategies(), "strategy")
        if entry.backend == "native":
            _check_kind(entry, cls, "clbench.core.part", "Part")
        chosen = (better or {}).get(entry.name) if len(terms) == 1 else None  # they were chosen for it alone
        paper = defaults_of(cls)
        for argument in set(chosen or {}) - set(paper):
            near = suggestion(argument, paper)
            raise InputError(f'tuned values of {entry.name}: it has no argument "{argument}"{near}')
        defaults = defaults_of(cls, chosen)
        ranges.check_values(f"tuned values of {entry.name}", cls, chosen or {})
        if memory is not None and has_memory(cls):
            paper["memory"] = defaults["memory"] = memory
        given, of_paper = chosen_values(entry.name, term.arguments, defaults)
        arguments = checked(entry.name, cls, given, paper if of_paper else defaults)
        resolved.append((entry, arguments))
        names.append(named(entry.name, arguments, defaults, paper))
        told.append(canonical(entry.name, arguments, paper, of_paper=defaults != paper))
        classes.append((entry.name, cls))
    backends = {entry.backend for entry, _ in resolved}
    if len(resolved) > 1 and backends != {"native"}:
        raise InputError(f'"{text}": only native strategies can be joined by "+"')
    if reason := conflict(classes):
        raise InputError(f'"{text}": {reason}')
    return Strategy("+".join(names), backends.pop(), tuple(resolved), "+".join(told))


def has_memory(cls: type) -> bool:
    """Whether the strategy says how many examples it keeps."""
    return "memory" in defaults_of(cls) and int in ranges.bases(ranges.kinds_of(cls)["memory"])


def load(entry: Entry) -> type:
    """The class of an entry."""
    module = _module_of(entry)
    if entry.attribute:
        if not isinstance(getattr(module, entry.attribute, None), type):
            raise InputError(f"{entry.module} has no class {entry.attribute}")
        return getattr(module, entry.attribute)
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    )


def _check_kind(entry: Entry, cls: type, module: str, base: str) -> None:
    """Refuses a class that is not derived from the base that a strategy or a benchmark has."""
    if not issubclass(cls, getattr(importlib.import_module(module), base)):
        raise InputError(f"{entry.name}: the class has to be derived from clbench.{base}")


def _module_of(entry: Entry) -> ModuleType:
    """Raises OwnCodeFailed for a user's own file and Unavailable for a plug-in that cannot be imported."""
    if entry.module.endswith(".py"):
        return own_code.module_of(entry.module)
    try:
        return importlib.import_module(entry.module)
    except Exception as error:
        if entry.module.startswith(f"{PACKAGE.name}."):
            raise
        raise Unavailable(f"{entry.summary}, which cannot be imported: {own_code.reason(error)}") from error


def own_class(name: str) -> type:
    """The class of `path/to/file.py:Class`, whatever it is of."""
    return _resolve(Term(name, {}), {}, "class")[1]


def _resolve(term: Term, known: dict[str, Entry], kind: str) -> tuple[Entry, Any]:
    entry = _entry(term, known, kind)
    if ".py:" in term.name and entry.attribute:
        module, whole = own_code.module_of(entry.module), entry.attribute
        without_scenario = whole.rsplit("_", 1)[0]
        if not hasattr(module, whole) and hasattr(module, without_scenario):
            entry = replace(entry, attribute=without_scenario)
    return entry, load(entry)


def _entry(term: Term, known: dict[str, Entry], kind: str) -> Entry:
    if ".py:" in term.name:
        return _own_entry(term.name)
    if term.name in known:
        return known[term.name]
    raise InputError(
        f'unknown {kind} "{term.name}"{suggestion(term.name, known)} (`clbench list` shows them all)'
    )


def modules_of(benchmark: str, strategy: str) -> list[str]:
    """Where the source code of a pair begins: its runner, benchmark and strategies, without importing any."""
    terms = parse(strategy)
    entries = [_entry(term, strategies(), "strategy") for term in terms]
    term = parse(benchmark)[0]
    places = [_entry(term, benchmarks(), "benchmark").module, *_own_network(term)]
    return [RUNNERS[entries[0].backend], *places, *(entry.module for entry in entries)]


def _own_network(term: Term) -> list[str]:
    """The file of the network that a benchmark's spec names, where it is one of the user's own."""
    net = term.arguments.get(NETWORK)
    if not isinstance(net, str) or not is_own(net):
        return []
    path = net.rpartition(":")[0]
    if not own_code.is_read(path):
        paths.check_file(path)
    return [path]


def _own_entry(name: str) -> Entry:
    """`path/to/file.py:Class`, or `path/to/file.py:Class_scenario` for a benchmark with scenarios."""
    path, attribute = name.rsplit(":", 1)
    if not own_code.is_read(path):
        paths.check_file(path)
        if others := classes_without(Path(path), attribute):
            raise InputError(f"{path} has no class {attribute}; it has {', '.join(others)}")
    return Entry(name, "a file of one's own", path, attribute)
