"""What a plan has to know of a pair: its canonical names, settings, data, network. For a pair with files of
one's own it is found out in a process that holds these files alone, and that may not take for ever."""

import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from clbench import own_code, registry
from clbench.core import protocols, tuned
from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.memory import check_fits
from clbench.core.part import refusal
from clbench.errors import InputError, OwnCodeFailed, Unavailable
from clbench.execution.own import AnyStrategy
from clbench.execution.workers import begin, begin_alone, ended_with, kill, start_process
from clbench.own_code import OwnCode
from clbench.profiles import PROFILES

if TYPE_CHECKING:
    from clbench.models.network import Network

PLANNING_LIMIT = 60.0  # seconds for all pairs that have their own files in common
# Seconds measured over those that 6 x parameters x rows FLOPs at 5e10 a second, and 0.5 ms for a step, would
# give, by kind of network: a convolution uses each parameter many times, a table of words few of them. The
# optimiser goes over the parameters once for all rows, which takes as long as some 20 rows.
TIMES = {
    "small mlp": 0.15,
    "mlp": 0.3,
    "conv": 7.0,
    "resnet": 60.0,
    "small dual": 0.9,
    "dual": 0.9,
    "text": 0.2,
    "transformer": 20.0,
}
ROWS_OF_OPTIMISER = 20
AVALANCHE_STEP = 3e-3  # seconds of a step in Avalanche's own loop, whatever the network
SMALL = {"mlp": 50_000, "dual": 320_000}  # parameters; two towers have as few with images of 8x8


class Description(msgspec.Struct, tag=True):
    """A pair that can be planned."""

    benchmark: str  # canonical specs
    strategy: str
    backend: str
    data: str  # fingerprint
    settings: dict[str, Any]
    kind: str  # of the network
    seeds: list[int]  # the profile's
    one_seed: bool  # a group has no more than one
    seconds: float  # estimate for one seed
    seed_bytes: int  # of memory that a seed takes, at least
    trained: str  # the strategy as a spec that no tuned values change
    share: float = 1.0  # of the stream, where only its first tasks are asked for

    @property
    def names(self) -> tuple[str, str]:
        return self.benchmark, self.strategy


class Problem(msgspec.Struct, tag=True):
    """Why a pair, or all pairs of a benchmark, cannot be planned."""

    kind: str  # input: the user's mistake | unavailable | unsupported | failed: an own file broke off
    benchmark: str  # canonical where it is known, else as it was asked for
    strategy: str | None  # None: true of all
    reason: str
    traceback: str | None = None


Answer = tuple[str, str, Description | Problem]  # of a benchmark and a strategy as they were asked for


def describe(
    pairs: list[tuple[str, str]],
    profile: str,
    own: OwnCode | None = None,
    on_benchmark: Callable[[str], object] = lambda text: None,
    first_tasks: int | None = None,
) -> Iterator[Answer]:
    """One answer for each pair, in order; only one for all of a benchmark that has itself a problem.

    own: the files that the pairs have in common; what is raised is then a Problem, whatever it is. Without
    them InputError, and any other error but Unavailable, is raised.
    on_benchmark: called with each benchmark that has no problem itself.
    first_tasks: of a stream that ends after so many, which is then made here, so that a strategy that cannot
    learn it is unsupported."""
    for text, group in groupby(pairs, key=lambda pair: pair[0]):
        texts = [strategy for _, strategy in group]
        name = text
        try:
            name, benchmark, _ = registry.benchmark(text, profile)
            network, data = benchmark.network(), benchmark.fingerprint()
            start = None if first_tasks is None else Start(name, benchmark, first_tasks)
        except BaseException as error:
            yield text, texts[0], _problem(error, name, None, own)
            continue
        on_benchmark(text)
        for strategy in texts:
            yield text, strategy, _described(strategy, name, benchmark, network, data, profile, own, start)


class Start:
    """A stream that ends after its first tasks. Raises InputError for one that has not so many."""

    def __init__(self, name: str, benchmark: Benchmark, count: int) -> None:
        self.count = count
        self.stream = benchmark.stream([0], torch.device("cpu"))
        self.share = count / len(self.stream.tasks)
        if self.share > 1:
            raise InputError(f"{name} has {len(self.stream.tasks)} tasks", "tasks", count)
        self.stream.tasks = self.stream.tasks[:count]


def _described(
    text: str,
    name: str,
    benchmark: Benchmark,
    network: "Network",
    data: str,
    profile: str,
    own: OwnCode | None,
    start: Start | None,
) -> Description | Problem:
    strategy_name = text
    try:
        strategy = registry.strategy_on(text, benchmark, profile)
        strategy_name = strategy.name
        settings = settings_of(benchmark, network, strategy, profile)
        seconds = estimate(benchmark, network, strategy, profile)
        if start is not None:
            settings["first_tasks"], seconds = start.count, start.share * seconds
            budget = benchmark.budget(profile)
            refused = (refusal(part, start.stream, network, budget) for part in strategy.build())
            if reason := next(filter(None, refused), None):
                return Problem("unsupported", name, text, reason)
        return Description(
            name,
            strategy.name,
            strategy.backend,
            data,
            settings,
            kind_of(network),
            seeds_of(benchmark, profile),
            benchmark.one_seed,
            seconds,
            seed_bytes(name, benchmark, network, strategy, profile),
            strategy.trained,
            start.share if start else 1.0,
        )
    except BaseException as error:
        return _problem(error, name, strategy_name, own)


# ---- in a process that holds files of one's own


def describe_alone(
    pairs: list[tuple[str, str]], profile: str, own: OwnCode, device: str, first_tasks: int | None = None
) -> Iterator[Answer]:
    """The same, in a process that holds the own files of these pairs alone.

    A pair at which it dies, or for which it takes too long, has failed; the others are tried again."""
    with tempfile.TemporaryDirectory(prefix="clbench-") as folder:
        while pairs:
            place = Path(folder, "answers")
            place.unlink(missing_ok=True)
            process, channel = start_process(
                device, _write_answers, place, pairs, profile, own, first_tasks, tuned.environment()
            )
            try:
                process.join(PLANNING_LIMIT)
                how = ended_with(process.exitcode) if process.exitcode is not None else None
            finally:
                kill(process)
                channel.close()
            reached, answers = _read_answers(place)
            yield from answers
            pairs = _without(pairs, answers)
            if pairs and (not answers or (how and process.exitcode != 0)):  # else it was only late: again
                benchmark, strategy = pairs[0]
                reason = (
                    f"its process {how}" if how else f"took longer than {PLANNING_LIMIT:.0f} s to be planned"
                )
                whole = benchmark not in reached  # the benchmark itself, not the strategy
                problem = Problem("failed", benchmark, None if whole else strategy, reason)
                yield benchmark, strategy, problem
                pairs = _without(pairs, [(benchmark, strategy, problem)])


def _without(pairs: list[tuple[str, str]], answers: list[Answer]) -> list[tuple[str, str]]:
    """The pairs that have no answer yet."""
    done = {answer[:2] for answer in answers}
    broken = {
        answer[0] for answer in answers if isinstance(answer[2], Problem) and answer[2].strategy is None
    }
    return [pair for pair in pairs if pair not in done and pair[0] not in broken]


def _write_answers(
    channel: Connection,
    place: Path,
    pairs: list[tuple[str, str]],
    profile: str,
    own: OwnCode,
    first_tasks: int | None,
    environment: dict[str, str],
) -> None:
    """Writes a line for each answer as soon as it is known, and for each benchmark that has no problem."""
    begin(environment)
    begin_alone(own)
    with place.open("wb", buffering=0) as file:

        def write(line: Any) -> None:
            file.write(msgspec.json.encode(line) + b"\n")

        for answer in describe(pairs, profile, own, write, first_tasks):
            write(answer)
    os._exit(0)


def _read_answers(place: Path) -> tuple[set[str], list[Answer]]:
    """(the benchmarks that have no problem, the answers) as far as they were written whole."""
    benchmarks, answers = set(), []
    for line in place.read_bytes().split(b"\n")[:-1] if place.exists() else []:
        read = msgspec.json.decode(line, type=str | Answer)
        if isinstance(read, str):
            benchmarks.add(read)
        else:
            answers.append(read)
    return benchmarks, answers


def _problem(error: BaseException, benchmark: str, strategy: str | None, own: OwnCode | None) -> Problem:
    if isinstance(error, Unavailable):
        return Problem("unavailable", benchmark, strategy, str(error))
    if own is None or isinstance(error, GeneratorExit):
        raise error
    if isinstance(error, InputError) and not isinstance(error, OwnCodeFailed):
        return Problem("input", benchmark, strategy, str(error))
    if isinstance(error, OwnCodeFailed):
        reason, cause = str(error), error.__cause__
    else:
        reason, cause = own_code.reason(error, list(own.texts)), error
    return Problem("failed", benchmark, strategy, reason, "".join(traceback.format_exception(cause)))


def seeds_of(benchmark: Benchmark, profile: str) -> list[int]:
    """The seeds that a profile takes on this benchmark."""
    published = protocols.seeds_of(protocols.stem_of(type(benchmark)) or "", profile)
    here = benchmark.seeds.get(profile, {}).get(benchmark.scenario, published)
    return list(range(here or PROFILES[profile].seeds))


def kind_of(network: "Network") -> str:
    """Its row in `GROUP_SIZE` of the plan."""
    kind: str = getattr(network, "kind", "other")
    return f"small {kind}" if network.layout.parameters < SMALL.get(kind, 0) else kind


def settings_of(
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
        "budget": benchmark.budget(profile).settings(),
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


def seed_bytes(
    name: str, benchmark: Benchmark, network: "Network", strategy: AnyStrategy, profile: str
) -> int:
    """What the run of one seed takes of memory at least: its weights, their gradient, the optimiser's two
    numbers and as much again while they change, and the plan of a task. Raises InputError where that is more
    than there is."""
    budget = benchmark.budget(profile)
    parts: list[Any] = strategy.build()
    asked = sum(part.asked_bytes(budget) for part in parts if hasattr(part, "asked_bytes"))
    size = 6 * 4 * network.layout.P + budget.plan_bytes() + asked
    check_fits(size, f"{strategy.name} on {name}: {network}, steps={budget.steps} of rows={budget.rows}")
    return int(size)


@lru_cache
def _minor(library: str) -> str:
    try:
        return ".".join(version(library).split("+")[0].split(".")[:2])
    except PackageNotFoundError:
        raise Unavailable(f"{library} is not installed: pip install {library}") from None


def _passes_besides(parts: list[Any], tasks: int, budget: Budget) -> float:
    """What the parts compute besides, in passes a step, as far as they can tell without data."""
    run = SimpleNamespace(stream=SimpleNamespace(tasks=range(tasks)), rows=budget.rows, budget=budget)
    passes = 0.0
    for part in parts:
        part.run = run
        with suppress(AttributeError, TypeError):
            passes += fmean(part.extra_cost(t) for t in range(tasks))
    return passes


def estimate(benchmark: Benchmark, network: "Network", strategy: AnyStrategy, profile: str) -> float:
    """Seconds for one seed on one core: a first guess, which the first groups to end will correct."""
    budget = benchmark.budget(profile)
    tasks: int = getattr(benchmark, "tasks", None) or 5
    passes, overhead = (2.5, AVALANCHE_STEP) if strategy.backend == "avalanche" else (1.5, 0.0)
    if any(getattr(registry.load(entry), "sees_all_data", False) for entry, _ in strategy.terms):
        passes *= (tasks + 1) / 2
    parts: list[Any] = strategy.build()
    passes = max(passes, 1 + _passes_besides(parts, tasks, budget))
    asked: list[int] = [part.rows for part in parts if isinstance(getattr(part, "rows", None), int)]
    rows = budget.rows + sum(asked) + ROWS_OF_OPTIMISER  # of what is new, of memories
    step = TIMES.get(kind_of(network), 1.0) * passes * (6 * network.layout.parameters * rows / 5e10 + 5e-4)
    return 0.2 + tasks * budget.steps * (step + overhead)
