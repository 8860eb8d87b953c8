"""The plan: which seed groups of which pairs are asked for and not yet true, in what order, how long they
should take."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench import registry
from clbench.core.benchmark import Benchmark
from clbench.core.costs import SECONDS
from clbench.core.differences import changed_fields
from clbench.core.memory import check_fits, machine_bytes
from clbench.core.ranges import shown
from clbench.errors import InputError, Unavailable
from clbench.execution.own import AnyStrategy
from clbench.profiles import PROFILES
from clbench.results import records, source
from clbench.results.records import BrokenRecord, Record
from clbench.results.staleness import source_of

if TYPE_CHECKING:
    from clbench.models.network import Network

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
MOST_SEEDS, LARGEST_SEED = 10_000, 2**63 - 1
SMALL = {"mlp": 50_000, "dual": 320_000}  # parameters; two towers have as few with images of 8x8


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
    modules: tuple[
        str, ...
    ]  # of ours, where the source begins, and its digest: a worker must have loaded the same
    source: str
    given: Given | None = None  # what was given as objects, for this process alone


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
    given: Given | None = None

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
        if self.stored.status in ("diverged", "unsupported"):
            return []
        return [seed for seed in self.asked if seed not in self.stored.seeds]


@dataclass
class Plan:
    """All that was asked for."""

    pairs: list[Pair]
    unavailable: dict[tuple[str, str | None], str]  # (benchmark, strategy or all) -> how to get it
    blocked: list[str]  # files in the way of a record, one line each

    @classmethod
    def joined(cls, plans: list["Plan"]) -> "Plan":
        return cls(
            [pair for plan in plans for pair in plan.pairs],
            {name: how for plan in plans for name, how in plan.unavailable.items()},
            [line for plan in plans for line in plan.blocked],
        )


def change_of_settings(stored: Record, blank: Record) -> str | None:
    """What other than source code has changed since the stored record was made."""
    if stored.data != blank.data:
        return "its data have changed"
    changes = changed_fields(stored.settings, blank.settings)
    return f"its settings have changed: {', '.join(changes)}" if changes else None


def make_plan(
    benchmarks: list[str],
    strategies: list[str],
    profile: str,
    seeds: list[int] | None,
    out: Path | None,
    *,
    fresh: bool = False,
) -> Plan:
    """Resolves and checks every spec before anything runs. seeds: None for the profile's number. out: the
    results folder."""
    plan = Plan([], {}, [])
    found = {
        name: benchmark for name, benchmark, _ in (registry.benchmark(text, profile) for text in benchmarks)
    }
    for name, benchmark in found.items():
        resolved = [registry.strategy_on(spec, benchmark, profile) for spec in strategies]
        try:
            data = benchmark.fingerprint()
        except Unavailable as error:
            plan.unavailable[name, None] = str(error)
            continue
        for strategy in {one.name: one for one in resolved}.values():
            try:
                plan.pairs.append(_pair(name, benchmark, strategy, profile, data, seeds, out, fresh))
            except Unavailable as error:
                plan.unavailable[name, strategy.name] = str(error)
            except BrokenRecord as error:
                plan.blocked.append(f"{error}; move it away to have {strategy.name} on {name} run")
    return plan


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
        settings=_settings(benchmark, network, strategy, profile),
    )
    asked = seeds_of(benchmark, profile) if seeds is None else seeds
    seconds = _estimate(None, benchmark, network, strategy, profile)
    size = _seed_bytes(blank, benchmark, network, strategy)
    return Plan(
        [Pair(blank, asked, kind_of(network), None, seconds, benchmark.one_seed, size, given)], {}, []
    )


def jobs(plan: Plan, device: str, group_size: int | None = None) -> list[Job]:
    """The missing seeds, cut into groups, pair by pair."""
    made = []
    for pair in plan.pairs:
        blank, seeds = pair.blank, pair.missing
        size = 1 if pair.one_seed else group_size or _group_size(pair, device) or len(seeds) or 1
        size = min(size, len(seeds) or 1)
        if group_size:
            check_fits(size * pair.seed_bytes, f"{size} seeds of {_name(blank)} together (--group-size)")
        elif pair.seed_bytes:
            size = max(1, min(size, machine_bytes() // pair.seed_bytes))
        begins = [] if pair.given else registry.modules_of(blank.benchmark, blank.strategy)
        modules = tuple(module for module in begins if not module.endswith(".py"))
        made += [
            Job(
                blank.profile,
                blank.benchmark,
                blank.strategy,
                tuple(seeds[i : i + size]),
                device,
                modules,
                source.digest(list(modules)),
                pair.given,
            )
            for i in range(0, len(seeds), size)
        ]
    return made


def _group_size(pair: Pair, device: str) -> int | None:
    """None for all; Avalanche trains a group's seeds one after another, so there a group of several wins
    nothing."""
    return GROUP_SIZE.get((pair.kind, device.split(":")[0]), 1) if pair.blank.backend == "native" else 1


def seeds_of(benchmark: Benchmark, profile: str) -> list[int]:
    """The seeds that a profile takes on this benchmark."""
    return list(range(benchmark.seeds.get(profile, {}).get(benchmark.scenario, PROFILES[profile].seeds)))


def _pair(
    name: str,
    benchmark: Benchmark,
    strategy: registry.Strategy,
    profile: str,
    data: str,
    seeds: list[int] | None,
    out: Path | None,
    fresh: bool,
) -> Pair:
    stored = records.find(out, profile, name, strategy.name) if out else None
    network = benchmark.network()
    blank = Record(
        name,
        strategy.name,
        profile,
        strategy.backend,
        source=source_of(name, strategy.name),
        data=data,
        settings=_settings(benchmark, network, strategy, profile),
    )
    asked = seeds_of(benchmark, profile) if seeds is None else seeds
    seconds = _estimate(stored, benchmark, network, strategy, profile)
    size = _seed_bytes(blank, benchmark, network, strategy)
    return Pair(blank, asked, kind_of(network), None if fresh else stored, seconds, benchmark.one_seed, size)


def _seed_bytes(blank: Record, benchmark: Benchmark, network: "Network", strategy: AnyStrategy) -> int:
    """What the run of one seed takes of memory at least: its weights, their gradient, the optimiser's two
    numbers and as much again while they change, and the plan of a task. Raises InputError where that is more
    than there is."""
    budget = benchmark.budget(blank.profile)
    parts: list[Any] = strategy.build()
    asked = sum(part.asked_bytes(budget) for part in parts if hasattr(part, "asked_bytes"))
    size = 6 * 4 * network.layout.P + budget.plan_bytes() + asked
    check_fits(size, f"{_name(blank)}: {network}, steps={budget.steps} of rows={budget.rows}")
    return int(size)


def _name(blank: Record) -> str:
    return f"{blank.strategy} on {blank.benchmark}"


def kind_of(network: "Network") -> str:
    """Its row in GROUP_SIZE."""
    kind: str = getattr(network, "kind", "other")
    return f"small {kind}" if network.layout.parameters < SMALL.get(kind, 0) else kind


def _settings(
    benchmark: Benchmark, network: "Network", strategy: AnyStrategy, profile: str
) -> dict[str, Any]:
    """All that was chosen, by a spec or by default, as it comes back from a file.

    A benchmark's field that is None chooses nothing, so a new one changes no record; its memory stands where
    it is used, in the strategy's arguments.
    """
    chosen = {
        name: value for name, value in asdict(benchmark).items() if value is not None and name != "memory"
    }
    settings = {
        "scenario": benchmark.scenario,
        "network": str(network),
        "budget": asdict(benchmark.budget(profile)),
        "benchmark": chosen,
        "strategy": strategy.arguments,
        "precision": benchmark.precision,
    }
    if accepted := benchmark.accepted_data():
        settings["accepted_data"] = accepted
    if strategy.backend == "avalanche":
        settings["libraries"] = {library: _minor(library) for library in ("avalanche-lib", "torch")}
        rows: list[Any] = strategy.build()
        settings["batch_order"] = rows[0].order
    read: dict[str, Any] = json.loads(json.dumps(settings))
    return read


@lru_cache
def _minor(library: str) -> str:
    try:
        return ".".join(version(library).split("+")[0].split(".")[:2])
    except PackageNotFoundError:
        raise Unavailable(f"{library} is not installed: pip install {library}") from None


def _estimate(
    stored: Record | None, benchmark: Benchmark, network: "Network", strategy: AnyStrategy, profile: str
) -> float:
    """Seconds for one seed: as measured before, else from the arithmetic at a modest 5e10 FLOP/s."""
    if stored is not None and stored.seeds:
        return sum(stored.cost(name) or 0.0 for name in SECONDS)
    budget = benchmark.budget(profile)
    tasks: int = getattr(benchmark, "tasks", 5)
    passes = 2.5 if strategy.backend == "avalanche" else 1.5
    if any(getattr(registry.load(entry), "sees_all_data", False) for entry, _ in strategy.terms):
        passes *= (tasks + 1) / 2
    return 0.5 + passes * tasks * budget.steps * (6 * network.layout.parameters * budget.rows / 5e10 + 5e-4)


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
