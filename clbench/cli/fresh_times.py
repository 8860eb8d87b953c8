"""`clbench run --fresh-times`: rows whose seed groups waited for a core, timed again.

What a row says of accuracy stays: a repeat that does not give the same bits changes nothing, and is told.
"""

from dataclasses import replace
from pathlib import Path

from clbench.artefacts.asked import NOTHING
from clbench.cli.app import import_execution, matching_records, print_warnings
from clbench.cli.screen import Screen
from clbench.core.text import printable
from clbench.execution import plan as planning
from clbench.execution.devices import default_workers
from clbench.execution.execute import Finished
from clbench.execution.plan import Job, Pair, Plan
from clbench.execution.repeat import difference
from clbench.report.values import slowest, waited
from clbench.results import records
from clbench.results.record import Record


def repeat_times(
    out: Path,
    profile: str,
    benchmarks: list[str] | None,
    strategies: list[str] | None,
    workers: int | None,
    time_limit: float | None,
    run_limit: float | None,
    debug: bool,
    dry_run: bool,
) -> int:
    """Repeats the rows of a results folder that waited, all their seeds in the groups they had; the exit
    code."""
    found, problems = records.load(out, profile)
    print_warnings(problems)
    chosen = matching_records(found, out / profile, benchmarks, strategies)
    screen = Screen()
    busy = [record for record in chosen if record.status == "ok" and waited(record)]
    plan, jobs, kept = _planned(busy, out, run_limit, debug)
    screen.console.print(
        f"{len(busy)} of {len(chosen)} rows waited for a core, {len(plan.pairs)} are repeated"
    )
    for line in kept:
        screen.console.print(line, style="yellow")
    if not jobs:
        return 0
    workers = default_workers("cpu") if workers is None else workers
    screen.announce(plan, jobs, profile, "cpu", workers, lambda: found)
    if dry_run:
        screen.list_jobs(jobs)
        return 0
    repeat = Repeat({(one.benchmark, one.strategy): one for one in busy}, jobs, out, screen)
    with screen.progress(plan, jobs) as on_done:

        def done(job: Job, record: Record | None) -> None:
            on_done(job, record)
            repeat.end(job, record)

        finished = import_execution().execute(
            plan,
            jobs,
            None,  # what is repeated replaces nothing before it is whole and compared
            workers=workers,
            time_limit=time_limit,
            debug=debug,
            in_processes=run_limit is not None,
            on_done=done,
        )
    return _farewell(finished, repeat)


def _planned(
    busy: list[Record], out: Path, run_limit: float | None, debug: bool
) -> tuple[Plan, list[Job], list[str]]:
    """(plan and jobs of the rows that today's code can repeat, a line for each that it cannot)."""
    plan, jobs, kept = Plan([], {}, []), [], []
    for record in busy:
        pair, reason = _pair_of(record, out, debug)
        if pair is None:
            kept.append(printable(f"not repeated: {record.benchmark} {record.strategy}: {reason}"))
            continue
        plan.pairs.append(replace(pair, stored=None))
        for group in record.groups:
            own = replace(pair, stored=None, asked=group.seeds)
            besides = NOTHING.and_what(record)
            jobs += planning.jobs(Plan([own], {}, []), "cpu", len(group.seeds), run_limit, besides)
    return plan, jobs, kept


def _pair_of(record: Record, out: Path, debug: bool) -> tuple[Pair | None, str]:
    """(today's plan of the record's pair, or why its times cannot be taken again)."""
    pair, reason = planning.pair_of(record, out, debug)
    if pair is None or pair.current:
        return pair, reason
    return None, f"it is stale, {pair.reason_to_repeat}: run it anew, without --fresh-times"


class Repeat:
    """Compares each row with its repeat once that is whole, and writes those that gave the same."""

    def __init__(self, old: dict[tuple[str, str], Record], jobs: list[Job], out: Path, screen: Screen):
        self.old, self.out, self.screen = old, out, screen
        self.left = [(job.benchmark, job.strategy) for job in jobs]
        self.rows, self.differing = len(set(self.left)), 0

    def end(self, job: Job, record: Record | None) -> None:
        """A seed group has ended."""
        name = (job.benchmark, job.strategy)
        self.left.remove(name)
        if name in self.left:
            return
        said, style = self._conclude(self.old[name], record)
        self.screen.console.print(printable(f"{job.benchmark} {job.strategy}: {said}"), style=style)

    def _conclude(self, old: Record, new: Record | None) -> tuple[str, str | None]:
        """(what is said, in which style)."""
        if reason := difference(old, new):
            self.differing += 1
            return f"kept as it was, look at it: {reason}", "red"
        assert new is not None
        times = f"wall-clock {slowest(old):.1f} × CPU time before, {slowest(new):.1f} × now"
        if slowest(new) >= slowest(old):
            return f"kept as it was: {times}", "yellow"
        new.files = old.files
        records.write(new, self.out)
        if waited(new):
            return f"same bits, new times, but it waited again: {times}", "yellow"
        return f"same bits, new times: {times}", None


def _farewell(finished: Finished, repeat: Repeat) -> int:
    if finished.left or finished.interrupted:
        why = "interrupted" if finished.interrupted else "time limit reached"
        kept = f"{len(set(repeat.left))} of {repeat.rows} rows"
        repeat.screen.console.print(f"{why}: {kept} kept as they were; the same command goes on from here")
    return 130 if finished.interrupted else 1 if repeat.differing else 0
