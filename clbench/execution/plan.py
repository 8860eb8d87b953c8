"""The plan: which seed groups of which pairs are asked for and not yet true, in what order, how long they
should take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from clbench import registry
from clbench.artefacts.asked import NOTHING, Asked, Place
from clbench.core.benchmark import Benchmark
from clbench.core.costs import SECONDS
from clbench.core.differences import changed_settings, new_arguments
from clbench.core.memory import check_fits, machine_bytes
from clbench.core.ranges import shown
from clbench.errors import InputError
from clbench.execution.describe import (
    Answer,
    Description,
    Problem,
    describe,
    describe_alone,
    estimate,
    kind_of,
    seed_bytes,
    seeds_of,
    settings_of,
)
from clbench.execution.own import AnyStrategy
from clbench.execution.processor import describe_processor
from clbench.execution.workers import start_server
from clbench.own_code import OwnCode, syntax_error
from clbench.results import records, source
from clbench.results.record import BrokenRecord, Failure, Record

# Seeds per group, by kind of network and of device; None: all of them; 1 for what is not there.
# docs/performance.md has the measurements: a network so small that a step waits for operator calls gains by
# the seed axis on any device; others do on a GPU, and win nothing on a CPU.
GROUP_SIZE = {
    ("small mlp", "cpu"): 10,
    ("mlp", "cpu"): 1,
    ("conv", "cpu"): 1,
    ("resnet", "cpu"): 1,
    ("small dual", "cpu"): 5,
    ("dual", "cpu"): 1,
    ("text", "cpu"): 1,
    ("small mlp", "cuda"): None,
    ("mlp", "cuda"): None,
    ("conv", "cuda"): 5,
    ("resnet", "cuda"): None,
    ("small dual", "cuda"): None,
    ("dual", "cuda"): None,
    ("text", "cuda"): None,
}
# A group that takes so many seconds, and so many times its estimate, hangs.
LIMIT, TIMES_ESTIMATE = 600.0, 30.0
MOST_SEEDS, LARGEST_SEED = 10_000, 2**63 - 1


@dataclass(frozen=True, eq=False)
class Given:
    """A benchmark and a strategy that have no names in the registry: objects of the program that calls."""

    benchmark: Benchmark
    strategy: AnyStrategy


@dataclass(frozen=True)
class Job:
    """One seed group of one pair: what a worker is told."""

    profile: str
    benchmark: str  # canonical specs
    strategy: str
    seeds: tuple[int, ...]
    device: str  # cpu | cuda | cuda:N
    limit: float  # seconds after which it is stopped
    # Of ours: where the source begins, and its digest; a worker must have loaded the same.
    modules: tuple[str, ...]
    source: str
    own: OwnCode = OwnCode()  # the files that are not ours
    given: Given | None = None  # what was given as objects, for this process alone
    besides: Asked = NOTHING
    trained: str = ""  # the strategy as a spec that no tuned values change; "": as it is called
    first_tasks: int | None = None  # a trial: the stream ends after so many


@dataclass
class Pair:
    """One benchmark with one strategy under one profile: an empty record, the seeds asked for, and what is
    stored."""

    blank: Record
    asked: list[int]
    kind: str  # of the network
    stored: Record | None  # what the results folder holds, current or not
    seconds: float  # estimate for one seed
    one_seed: bool = False  # a group has no more than one
    seed_bytes: int = 0  # of memory that a seed takes, at least
    own: OwnCode = OwnCode()
    given: Given | None = None
    again: bool = False  # what is stored is run again, for what it lacks besides its numbers
    trained: str = ""  # see `Job`
    first_tasks: int | None = None
    share: float = 1.0  # of the stream that they are

    @property
    def current(self) -> bool:
        return self.stored is not None and self.reason_to_repeat is None

    @cached_property
    def reason_to_repeat(self) -> str | None:
        """What has changed since the stored record was made; None where nothing has."""
        assert self.stored is not None
        return change_of_settings(self.stored, self.blank) or (
            None
            if self.blank.source in (self.stored.source, self.stored.verified)
            else "its source code has changed"
        )

    @property
    def missing(self) -> list[int]:
        """The seeds that have to be run. A diverged or unsupported pair is not tried again until it is
        stale."""
        if self.stored is None or not self.current:
            return self.asked
        if self.again:
            return sorted({*self.stored.seeds, *self.asked})
        if self.stored.status in ("diverged", "unsupported"):
            return []
        return [seed for seed in self.asked if seed not in self.stored.seeds]


@dataclass
class Plan:
    """All that was asked for."""

    pairs: list[Pair]
    unavailable: dict[tuple[str, str | None], str]  # (benchmark, strategy or all) -> how to get it
    blocked: list[str]  # files in the way of a record, one line each
    failed: list[Record] = field(default_factory=list)  # of pairs whose own files broke off
    # (profile, benchmark, strategy) as asked for, where the canonical names are others: while a pair cannot
    # be planned, its failure has these.
    other_spellings: list[tuple[str, str, str]] = field(default_factory=list)
    unsupported: dict[tuple[str, str], str] = field(default_factory=dict)  # trials that make no sense: why

    @classmethod
    def joined(cls, plans: list["Plan"]) -> "Plan":
        return cls(
            [pair for plan in plans for pair in plan.pairs],
            {name: how for plan in plans for name, how in plan.unavailable.items()},
            [line for plan in plans for line in plan.blocked],
            [record for plan in plans for record in plan.failed],
            [names for plan in plans for names in plan.other_spellings],
            {names: why for plan in plans for names, why in plan.unsupported.items()},
        )


def change_of_settings(stored: Record, blank: Record) -> str | None:
    """What other than source code has changed since the stored record was made."""
    if stored.data != blank.data:
        return "its data have changed"
    changes = changed_settings(stored.settings, blank.settings)
    changes += [  # a tuned value of a new argument is no part of the source code
        f"strategy.{name}.{argument} absent -> {value}"
        for (name, argument), value in new_arguments(stored.settings, blank.settings).items()
        if value != registry.defaults(name).get(argument, "unknown")
    ]
    return f"its settings have changed: {', '.join(changes)}" if changes else None


def make_plan(
    benchmarks: list[str],
    strategies: list[str],
    profile: str,
    seeds: list[int] | None,
    out: Path | None,
    *,
    fresh: bool = False,
    device: str = "cpu",
    debug: bool = False,
    besides: Asked = NOTHING,
    first_tasks: int | None = None,
) -> Plan:
    """Resolves and checks every spec before anything runs.

    seeds: None for the profile's number. out: the results folder; values tuned beside it hold. debug: files
    of one's own are imported in this process. besides: what is asked for beside the record; a row that lacks
    it is planned again. first_tasks: trials on streams that end after so many tasks; their strategies are
    called as they are asked for, whatever is tuned.
    """
    if out is not None and first_tasks is None:
        registry.use_tuned(out)
    plan = Plan([], {}, [])
    asked = [(benchmark, strategy) for benchmark in benchmarks for strategy in strategies]
    sources = {pair: _read_source(*pair) for pair in asked}
    if not debug and any(code.own for code in sources.values()):
        start_server(device, any(code.avalanche for code in sources.values()))  # imports while this goes on
    for benchmark, strategy, answer in _answers(asked, sources, profile, device, debug, first_tasks):
        if isinstance(answer, Description):
            if first_tasks is not None:
                answer.strategy = strategy
            if answer.names != (benchmark, strategy):
                plan.other_spellings.append((profile, benchmark, strategy))
            if any(answer.names == _names(pair) for pair in plan.pairs):
                continue  # asked for in two spellings
            try:
                pair = _pair(answer, sources[benchmark, strategy], profile, seeds, out, fresh)
                pair.first_tasks, pair.share = first_tasks, answer.share
                plan.pairs.append(pair)
            except BrokenRecord as error:
                plan.blocked.append(
                    f"{error}; move it away to have {answer.strategy} on {answer.benchmark} run"
                )
        elif answer.kind == "input":
            raise InputError(answer.reason)
        elif answer.kind == "unsupported":
            plan.unsupported[answer.benchmark, strategy] = answer.reason
        elif answer.kind == "unavailable":
            plan.unavailable[answer.benchmark, answer.strategy] = answer.reason
        else:
            alike = [
                one for one in strategies if sources[benchmark, one].own == sources[benchmark, strategy].own
            ]
            for one in [strategy] if answer.strategy else alike:
                plan.failed.append(_failed(answer, one, sources[benchmark, one].digest, profile))
    for pair in plan.pairs:
        pair.again = _lacks(pair, besides)
    return plan


def pair_of(record: Record, out: Path, debug: bool = False) -> tuple[Pair | None, str]:
    """(today's plan of a record's pair, or why there is none)."""
    try:
        made = make_plan(
            [record.benchmark], [record.strategy], record.profile, record.seeds or None, out, debug=debug
        )
    except (InputError, BrokenRecord) as error:
        return None, str(error)
    if made.pairs:
        return made.pairs[0], ""
    broken = [failed.error.reason for failed in made.failed if failed.error]
    reasons = [*made.unavailable.values(), *made.blocked, *broken]
    return None, next(iter(reasons), "today's code has no such pair")


def _lacks(pair: Pair, besides: Asked) -> bool:
    """Whether a row that is up to date is to be run again for what is asked for beside it."""
    stored = pair.stored
    if stored is None or not pair.current or stored.status != "ok":
        return False
    return besides.lacking(stored, Place(pair.blank.profile, *_names(pair)))


class _Source(NamedTuple):
    avalanche: bool
    digest: str
    own: OwnCode


def _read_source(benchmark: str, strategy: str) -> _Source:
    """The source code of a pair, as it is now. InputError for names that there are not, and what is no
    Python."""
    try:
        modules = registry.modules_of(benchmark, strategy)
        return _Source(registry.RUNNERS["avalanche"] in modules, *source.read(modules))
    except SyntaxError as error:
        raise InputError(syntax_error(error.filename or "", error)) from None
    except OSError as error:
        raise InputError(f"{error.filename or error}: cannot be read") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"a file of {benchmark} or {strategy} cannot be read as Python: {error}") from None


def _answers(
    asked: list[tuple[str, str]],
    sources: dict[tuple[str, str], _Source],
    profile: str,
    device: str,
    debug: bool,
    first_tasks: int | None,
) -> list[Answer]:
    """The answers, in the order in which the pairs were asked for. What has files of one's own in common is
    described together."""
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for pair in asked:
        groups.setdefault(tuple(sorted(sources[pair].own.texts)), []).append(pair)
    found: list[Answer] = []
    for files, pairs in groups.items():
        if files and not debug:
            found += describe_alone(pairs, profile, sources[pairs[0]].own, device, first_tasks)
        else:
            found += describe(pairs, profile, first_tasks=first_tasks)
    return sorted(found, key=lambda one: asked.index((one[0], one[1])))


def _pair(
    found: Description, code: _Source, profile: str, seeds: list[int] | None, out: Path | None, fresh: bool
) -> Pair:
    stored = records.find(out, profile, found.benchmark, found.strategy) if out else None
    blank = Record(
        *found.names, profile, found.backend, source=code.digest, data=found.data, settings=found.settings
    )
    return Pair(
        blank,
        found.seeds if seeds is None else seeds,
        found.kind,
        None if fresh else stored,
        measured_seconds(stored) or found.seconds,
        found.one_seed,
        found.seed_bytes,
        code.own,
        trained=found.trained,
    )


def _failed(problem: Problem, strategy: str, digest: str, profile: str) -> Record:
    """The record of a pair that broke off before it could be trained."""
    return Record(
        problem.benchmark,
        problem.strategy or strategy,
        profile,
        "native",
        source=digest,
        data="",
        settings={},
        status="failed",
        error=Failure(problem.reason, traceback=problem.traceback),
    )


def _names(pair: Pair) -> tuple[str, str]:
    return pair.blank.benchmark, pair.blank.strategy


def measured_seconds(stored: Record | None) -> float | None:
    """Seconds that one seed took on this machine; None where it was another."""
    if stored is None or not stored.seeds:
        return None
    here = all(group.provenance.get("processor") == describe_processor() for group in stored.groups)
    return sum(stored.cost(name) or 0.0 for name in SECONDS) if here else None


def plan_of_objects(name: str, given: Given, profile: str, seeds: list[int] | None) -> Plan:
    """The plan of one pair of objects; the record calls the benchmark `name`. Raises Unavailable for missing
    data."""
    benchmark, strategy, network = given.benchmark, given.strategy, given.benchmark.network()
    blank = Record(
        name,
        strategy.name,
        profile,
        strategy.backend,
        source="",
        data=benchmark.fingerprint(),
        settings=settings_of(benchmark, network, strategy, profile),
    )
    asked = seeds_of(benchmark, profile) if seeds is None else seeds
    pair = Pair(
        blank,
        asked,
        kind_of(network),
        None,
        estimate(benchmark, network, strategy, profile),
        benchmark.one_seed,
        seed_bytes(name, benchmark, network, strategy, profile),
        given=given,
    )
    return Plan([pair], {}, [])


def jobs(
    plan: Plan,
    device: str,
    group_size: int | None = None,
    run_limit: float | None = None,
    besides: Asked = NOTHING,
) -> list[Job]:
    """The missing seeds, cut into groups, pair by pair. run_limit: seconds for a group; None: `LIMIT`,
    or `TIMES_ESTIMATE` its estimate where that is more."""
    made = []
    for pair in plan.pairs:
        blank, seeds = pair.blank, pair.missing
        size = 1 if pair.one_seed else group_size or _group_size(pair, device) or len(seeds) or 1
        size = min(size, len(seeds) or 1)
        if group_size:
            check_fits(
                size * pair.seed_bytes,
                f"{size} seeds of {blank.strategy} on {blank.benchmark} together (--group-size)",
            )
        elif pair.seed_bytes:
            size = max(1, min(size, machine_bytes() // pair.seed_bytes))
        begins = [] if pair.given else registry.modules_of(blank.benchmark, blank.strategy)
        modules = tuple(module for module in begins if module.startswith("clbench."))
        limit = run_limit or max(LIMIT, TIMES_ESTIMATE * pair.seconds * size)
        made += [
            Job(
                blank.profile,
                blank.benchmark,
                blank.strategy,
                together,
                device,
                limit,
                modules,
                source.digest(list(modules)),
                pair.own,
                pair.given,
                besides.and_what(pair.stored) if pair.again else besides,
                pair.trained,
                pair.first_tasks,
            )
            for together in _groups(pair, seeds, size)
        ]
    return made


def _groups(pair: Pair, seeds: list[int], size: int) -> list[tuple[int, ...]]:
    """The seeds, so many to a group. What is run again stays in the groups that it was in: beside other
    seeds a processor may round otherwise, and a repeat has to give the same bits."""
    again = pair.stored.groups if pair.again and pair.current and pair.stored else []
    kept = [tuple(group.seeds) for group in again]
    new = [seed for seed in seeds if not any(seed in group for group in kept)]
    return kept + [tuple(new[i : i + size]) for i in range(0, len(new), size)]


def _group_size(pair: Pair, device: str) -> int | None:
    """None for all; Avalanche trains a group's seeds one after another, so there a group of several wins
    nothing."""
    return GROUP_SIZE.get((pair.kind, device.split(":")[0]), 1) if pair.blank.backend == "native" else 1


def parse_seeds(count: int | None, listed: str | None) -> list[int] | None:
    """The seeds of `--seeds N` (0 … N-1) or `--seed-list 0,7`; None if neither is given."""
    if count is not None and listed is not None:
        raise InputError("give --seeds or --seed-list, not both")
    if listed is None:
        return checked_seeds(count)
    try:
        numbers = [int(number) for number in listed.split(",")]
    except ValueError:
        raise InputError("write whole numbers with commas between, like 0,7", "seed_list", listed) from None
    return checked_seeds(numbers, "seed_list")


def checked_seeds(seeds: int | Sequence[int] | None, field: str = "seeds") -> list[int] | None:
    """The seeds as a list: so many, or these; None stays None. field: what the user calls them."""
    if seeds is None:
        return None
    if isinstance(seeds, int):
        if seeds < 1:
            raise InputError("at least one seed is needed", field, seeds)
        if seeds > MOST_SEEDS:
            raise InputError(f"at most {MOST_SEEDS:,} seeds, or it would have no end", field, seeds)
        return list(range(seeds))
    seeds = list(seeds)
    if not seeds or min(seeds) < 0:
        raise InputError("give at least one, each 0 or more", field, seeds)
    if len(seeds) > MOST_SEEDS or max(seeds) > LARGEST_SEED:
        raise InputError(f"at most {MOST_SEEDS:,} seeds, none above {LARGEST_SEED:,}", field, shown(seeds))
    if len(set(seeds)) < len(seeds):
        raise InputError("a seed is there twice", field, seeds)
    return seeds
