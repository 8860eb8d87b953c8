"""The records at hand, asked by spec: which row is meant, or what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING

from clbench import registry
from clbench.errors import InputError, Unavailable
from clbench.spec import is_own, parse

if TYPE_CHECKING:
    from clbench.report.values import Entry


@dataclass(frozen=True)
class Missing:
    """A row that a test needs and cannot use."""

    profile: str
    benchmark: str  # spec, or the glob that no record matches
    strategy: str
    why: str
    runs: bool = True  # whether `clbench run` would make it

    @property
    def place(self) -> str:
        return f"{self.profile}/{self.benchmark}"


class AtHand:
    """Finds rows. judged: profile -> benchmark -> entries."""

    def __init__(self, judged: Mapping[str, Mapping[str, list[Entry]]]):
        self.judged = judged

    @cached_property
    def _rows(self) -> dict[tuple, Entry]:
        return {
            (profile, _key(benchmark), _key(entry.record.strategy)): entry
            for profile, benchmarks in self.judged.items()
            for benchmark, several in benchmarks.items()
            for entry in several
        }

    def benchmarks(self, profile: str, pattern: str) -> list[str]:
        """The benchmarks with records that a pattern stands for. A glob stands for names: a variant, with
        arguments, is one only where it is written out."""
        there = self.judged.get(profile, {})
        if registry.is_glob(pattern):
            return [name for name in there if "(" not in name and fnmatchcase(name, pattern)]
        names = {_key(name): name for name in there}
        if _key(pattern) not in names and _has_arguments(pattern):
            try:
                pattern = _canonical_benchmark(pattern, profile)
            except (InputError, Unavailable):  # told when a row of it is looked for
                return []
        return [names[_key(pattern)]] if _key(pattern) in names else []

    def row(self, profile: str, benchmark: str, strategy: str) -> Entry | Missing | str:
        """The row that these specs mean, in whatever spelling; else what is missing, or why there cannot be
        one."""
        found = self._rows.get((profile, _key(benchmark), _key(strategy)))
        if found is None:
            try:
                benchmark, strategy = _meant(profile, benchmark, strategy)
            except (InputError, Unavailable) as error:
                return str(error)
            found = self._rows.get((profile, _key(benchmark), _key(strategy)))
        if found is None:
            return Missing(profile, benchmark, strategy, "no record")
        if found.stale:
            return Missing(profile, benchmark, strategy, "stale")
        if not found.ok:
            record = found.record
            reason = f": {record.error.reason}" if record.error else ""
            return Missing(
                profile, benchmark, strategy, f"{record.status}{reason}", record.status == "failed"
            )
        return found


# ---- names


@cache
def _key(spec: str) -> tuple | str:
    """The same for all spellings that differ in quotes, spaces and the order of arguments; the text of what
    is no spec."""
    try:
        return tuple((term.name, repr(sorted(term.arguments.items()))) for term in parse(spec))
    except InputError:  # the name of what was imported is free
        return spec


@cache
def _meant(profile: str, benchmark: str, strategy: str) -> tuple[str, str]:
    """The canonical names of a pair. Raises InputError for what does not exist, Unavailable for a plug-in
    that is not here. Loads classes only where it depends on their defaults; code of others never."""
    if registry.is_glob(benchmark):
        first, *_ = registry.select([benchmark], registry.benchmarks())
        registry.modules_of(first, strategy)
        return benchmark, strategy
    registry.modules_of(benchmark, strategy)
    entry = registry.benchmarks().get(benchmark)
    if entry and entry.by_name_only:
        raise InputError(f"{benchmark} is of data of your own: name it with its arguments")
    if is_own(benchmark) or is_own(strategy):
        return benchmark, strategy
    if _has_arguments(benchmark) or _has_arguments(strategy) or "+" in strategy:
        name, made, _ = registry.benchmark(benchmark, profile)
        return name, registry.strategy_on(strategy, made, profile).name
    return benchmark, strategy


@cache
def _canonical_benchmark(spec: str, profile: str) -> str:
    return spec if is_own(spec) else registry.benchmark(spec, profile)[0]


def _has_arguments(spec: str) -> bool:
    return "(" in spec
