"""The plan on workers: failures become records; only this process writes results."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench.execution import commits
from clbench.execution.cluster import train_on_cluster
from clbench.execution.plan import Job, Pair, Plan
from clbench.execution.repeat import difference
from clbench.execution.seed_group import GroupResult, train_group
from clbench.execution.workers import Workers, start_server
from clbench.registry import RUNNERS
from clbench.results import records
from clbench.results import tally as tallies
from clbench.results.lock import command
from clbench.results.record import BrokenRecord, Record

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Finished:
    """How it ended."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)  # by benchmark and strategy
    unavailable: dict[tuple[str, str], str] = field(default_factory=dict)
    tallies: dict[tuple[str, str], dict[int, dict[str, "np.ndarray"]]] = field(default_factory=dict)
    repeats: dict[tuple[str, str], Record] = field(default_factory=dict)  # of what is stored, not yet whole
    differing: dict[tuple[str, str], str] = field(default_factory=dict)  # repeats that are not the same run
    left: int = 0  # groups not run: time limit or Ctrl-C
    interrupted: bool = False

    @property
    def bad(self) -> bool:
        failed = any(record.status in ("failed", "diverged") for record in self.records.values())
        return failed or bool(self.differing)


def execute(
    plan: Plan,
    jobs: list[Job],
    out: Path | None,
    *,
    workers: int,
    scheduler: str | None = None,
    time_limit: float | None = None,
    debug: bool = False,
    in_processes: bool = False,
    on_done: Callable[[Job, Record | None], None] = lambda job, record: None,
) -> Finished:
    """Runs the jobs and merges each group into its record as it ends. out: None to keep the records in
    memory.

    debug: everything is trained in this process, so that a debugger can look at it.
    in_processes: even a group of ours that is alone is trained in another process, which can be stopped.
    on_done: called with each group that has ended and the record of its pair, None where it was unavailable.
    """
    finished = Finished(
        {
            (pair.blank.benchmark, pair.blank.strategy): pair.stored
            for pair in plan.pairs
            if pair.current and pair.stored is not None
        }
    )
    for record in plan.failed:
        finished.records[record.benchmark, record.strategy] = record
        if out is not None and not _has_values(record, out):
            records.write(record, out)
    if out is not None:
        for names in plan.other_spellings:
            records.remove_failure(out, names)
    pairs = {(pair.blank.benchmark, pair.blank.strategy): pair for pair in plan.pairs}
    waiting = list(reversed(jobs))
    deadline = time.monotonic() + time_limit if time_limit else float("inf")

    def following() -> Job | None:
        return waiting.pop() if waiting and time.monotonic() < deadline else None

    try:
        with contextlib.closing(
            _results(following, jobs, workers, scheduler, debug, in_processes)
        ) as results:
            for job, parts in results:
                for result in parts:
                    _merge(finished, pairs[job.benchmark, job.strategy], job, result, out)
                on_done(job, finished.records.get((job.benchmark, job.strategy)))
    except KeyboardInterrupt:
        finished.interrupted = True
    finished.left = len(waiting)
    return finished


def _has_values(record: Record, out: Path) -> bool:
    """Whether the folder holds values of this pair, which a failure before any training does not replace."""
    try:
        stored = records.find(out, record.profile, record.benchmark, record.strategy)
    except BrokenRecord:
        return True  # not ours to overwrite
    return stored is not None and bool(stored.seeds)


def _merge(finished: Finished, pair: Pair, job: Job, result: GroupResult, out: Path | None) -> None:
    """One group's result into the record of its pair, on disk and in memory."""
    name = (job.benchmark, job.strategy)
    if result.status == "unavailable":
        finished.unavailable[name] = result.reason
        return
    if pair.again:
        return _merge_repeat(finished, pair, name, result, out)
    fresh = name not in finished.records
    record = deepcopy(pair.blank) if fresh else finished.records[name]
    if record is pair.stored:  # a failed record, or more seeds of a good one
        record = deepcopy(record)
        record.source = pair.blank.source  # which computes the same, if it is not the very same
    if result.group is not None and result.acc is not None:
        record.add(result.group, result.acc)
    # One seed that diverged marks the row for good; a group that failed only until all its seeds have values.
    of_before = pair.stored is not None and record.error == pair.stored.error
    if result.status == "diverged" or (result.status != "ok" and (record.status == "ok" or of_before)):
        record.status, record.error = result.status, result.error
    elif of_before and record.error and {*(record.error.seeds or [])} <= {*record.seeds}:
        record.status, record.error = "ok", None
    finished.records[name] = record
    known = finished.tallies.setdefault(name, _stored_tallies(pair, out) if not fresh else {})
    if result.group is not None and result.tally is not None:
        known |= tallies.by_seed(result.group.seeds, tallies.unpack(result.tally))
    _write(record, known, out)


def _merge_repeat(
    finished: Finished, pair: Pair, name: tuple[str, str], result: GroupResult, out: Path | None
) -> None:
    """One group of a row that is run again: what is stored stays until the repeat is whole, and the same."""
    if name in finished.differing:
        return
    record = finished.repeats.setdefault(name, deepcopy(pair.blank))
    known = finished.tallies.setdefault(name, {})
    if result.status != "ok" or result.group is None or result.acc is None:
        finished.differing[name] = f"the repeat {result.status}: {result.reason or 'no reason given'}"
        return
    record.add(result.group, result.acc)
    if result.tally is not None:
        known |= tallies.by_seed(result.group.seeds, tallies.unpack(result.tally))
    if len(record.seeds) < len(pair.missing):
        return
    assert pair.stored is not None  # else there is nothing to repeat
    if reason := difference(pair.stored, record):
        finished.differing[name] = reason
        return
    finished.records[name] = record
    _write(record, known, out)


def _write(record: Record, known: dict[int, dict[str, "np.ndarray"]], out: Path | None) -> None:
    """With what was tallied of its seeds."""
    if out is not None:
        if joined := tallies.joined(known, record.seeds):
            tallies.write(record, joined, out)
        records.write(record, out)
        tallies.remove_others(record, out)


def _stored_tallies(pair: Pair, out: Path | None) -> dict[int, dict[str, "np.ndarray"]]:
    try:
        return tallies.read(pair.stored, out) if pair.stored and out else {}
    except BrokenRecord:  # what evaluation saw of those seeds is lost, and no value
        return {}


def _results(
    following: Callable[[], Job | None],
    jobs: list[Job],
    workers: int,
    scheduler: str | None,
    debug: bool,
    in_processes: bool,
) -> Generator[tuple[Job, list[GroupResult]]]:
    """(job, results) of every job that `following` hands out, as they end."""
    context = {"command": command(), **commits.current()}
    if scheduler:
        if jobs:
            yield from train_on_cluster(scheduler, following, context, in_processes)
    elif debug or not (in_processes or _needs_processes(jobs) or (workers and len(jobs) > 1)):
        while job := following():
            yield job, train_group(job, context | {"concurrent": 1})
    else:
        size = max(1, min(workers, len(jobs)))
        yield from _on_workers(size, jobs, following, context | {"concurrent": size})


def _needs_processes(jobs: list[Job]) -> bool:
    """Whether other people's code is among them, which may hang or die."""
    return any(job.own or RUNNERS["avalanche"] in job.modules for job in jobs)


def _on_workers(
    size: int, jobs: list[Job], following: Callable[[], Job | None], context: dict[str, Any]
) -> Iterator[tuple[Job, list[GroupResult]]]:
    """Keeps one group per worker in flight, so that a time limit or Ctrl-C stops between groups."""
    device = jobs[0].device
    start_server(device, any(RUNNERS["avalanche"] in job.modules for job in jobs))
    with Workers(size, device, context) as workers:
        while True:
            while workers.has_room and (job := following()):
                workers.begin(job)
            if not workers.busy:
                return
            yield from workers.wait()
