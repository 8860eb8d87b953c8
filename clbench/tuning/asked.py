"""Which methods are tuned on which benchmarks, by which candidates, and where the values will stand."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clbench import registry
from clbench.core import protocols, ranges, tuned
from clbench.core.benchmark import Benchmark
from clbench.errors import InputError
from clbench.spec import defaults_of, parse, written
from clbench.tuning.candidates import Values, candidates, of_grid
from clbench.tuning.tables import Key


@dataclass(frozen=True)
class Tuning:
    """A method on a benchmark."""

    benchmark: str  # canonical
    held_out: str  # the same with validation=True
    strategy: str  # a name
    candidates: list[Values]  # the paper's first
    kinds: dict[str, Any]  # argument -> annotation
    kept: Values  # values that are tuned and not chosen here
    key: Key  # of its table
    by_hand: bool  # whether the values that stand there are a person's

    @property
    def specs(self) -> list[str]:
        """What the trials are called: every value is said, so that it is the same whatever is tuned."""
        return [written(self.strategy, self.kept | values) for values in self.candidates]


@dataclass(frozen=True)
class Target:
    """The file that the values of a benchmark are written to."""

    path: Path
    first: str  # of the key of a table: the scenario, or the benchmark
    tables: tuned.Tables  # that stand there, by strategy


def target_of(name: str, benchmark: Benchmark, profile: str, out: Path, ours: bool) -> Target:
    """ours: that of the benchmark in the package. Raises InputError for a benchmark that has none."""
    if not ours:
        path = out / tuned.BESIDE
        return Target(path, name, tuned.users_tables(name, profile))
    stem = protocols.stem_in(type(benchmark).__module__)
    if stem is None or "(" in name:
        raise InputError(f"--write is for the benchmarks of clbench by their bare names, not for {name}")
    path = tuned.FOLDER / f"{stem}.toml"
    return Target(path, benchmark.scenario, tuned.tables_of(stem, benchmark.scenario, profile))


@dataclass
class Asked:
    """What there is to tune, and what not."""

    tunings: list[Tuning] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)  # by benchmark
    without: dict[str, None] = field(default_factory=dict)  # strategies that have nothing to tune


def ask(
    benchmarks: list[str],
    strategies: list[str],
    profile: str,
    out: Path,
    grid: dict[str, list[Any]],
    count: int,
    ours: bool = False,
) -> Asked:
    """What names, specs and globs stand for, all of it checked. ours: see `target_of`."""
    asked = Asked()
    names = registry.select(strategies, registry.strategies())
    if grid and len(names) > 1:
        raise InputError("it is of one strategy", "grid", ", ".join(grid))
    for text in registry.select(benchmarks, registry.benchmarks()):
        name, benchmark, _ = registry.benchmark(text, profile)
        if benchmark.validation:
            raise InputError(f"{name}: trials are on held-out data in any case: leave validation out")
        (term,) = parse(name)
        spec = written(term.name, {**term.arguments, "validation": True})
        held_out, _, _ = registry.benchmark(spec, profile)
        target = asked.targets[name] = target_of(name, benchmark, profile, out, ours)
        for strategy in names:
            one = tuning_of(name, held_out, benchmark, strategy, profile, target, grid, count)
            if one is None:
                asked.without[strategy] = None
            elif one not in asked.tunings:
                asked.tunings.append(one)
    return asked


def tuning_of(
    name: str,
    held_out: str,
    benchmark: Benchmark,
    strategy: str,
    profile: str,
    target: Target,
    grid: dict[str, list[Any]],
    count: int,
) -> Tuning | None:
    """The tuning of a strategy on a benchmark by so many trials; None for one that has nothing to tune.

    Raises InputError for a spec that is no bare name, and for ranges or a grid that make no sense."""
    terms = parse(strategy)
    if len(terms) > 1 or terms[0].arguments:
        raise InputError(f'"{strategy}": one strategy is tuned at a time, by its bare name')
    ((entry, _),) = registry.strategy(strategy).terms
    cls, tunes = registry.load(entry), registry.facts(strategy).tunes
    if not (grid or tunes):
        return None
    paper, kinds = defaults_of(cls), ranges.kinds_of(cls)
    if grid:
        tried = of_grid(entry.name, grid, paper, kinds, count)
    else:
        check_ranges(entry.name, tunes, paper, cls)
        tried = candidates(tunes, paper, kinds, count)
    standing = tuned.values(benchmark, profile).get(entry.name, {})
    kept = {key: value for key, value in standing.items() if key not in tried[0]}
    table = target.tables.get(entry.name)
    by_hand = table is not None and not tuned.has_tried_values(table)
    return Tuning(
        name, held_out, entry.name, tried, kinds, kept, (target.first, profile, entry.name), by_hand
    )


def check_ranges(name: str, tunes: Any, paper: Values, cls: type) -> None:
    """Raises InputError for ranges in a class that are none, or of what it has not."""
    kinds = ranges.kinds_of(cls)
    if not isinstance(tunes, dict):
        raise InputError(f'{name}: tunes is a dictionary like {{"lam": (1.0, 1e6, "log")}}')
    for argument, scale in tunes.items():
        if argument not in paper or argument == "memory":
            raise InputError(f"{name}: tunes names {argument}, which is no argument of its own")
        numbers = isinstance(scale, tuple) and scale[-1:] in (("log",), ("linear",))
        ends = scale[:-1] if numbers else scale
        ordered = not numbers or (
            len(ends) == 2
            and all(isinstance(end, int | float) for end in ends)
            and 0 <= ends[0] < ends[1]
            and (ends[0] or scale[2] == "linear")
        )
        if (
            not isinstance(scale, tuple)
            or not scale
            or not ordered
            or not all(end is not None and ranges.fits(end, kinds[argument]) for end in ends)
        ):
            raise InputError(
                f'{name}: tunes["{argument}"] is (low, high, "log" or "linear") or the values of a choice, '
                f"each one that it takes, but None: {ranges.describe(kinds[argument])}"
            )
