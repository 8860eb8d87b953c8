"""What `clbench run` prints: what is going to happen, progress, a line per finished pair, a table per
finished benchmark."""

import shlex
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from clbench.core.costs import SECONDS
from clbench.core.text import printable
from clbench.execution.execute import Finished
from clbench.execution.plan import Job, Plan
from clbench.metrics.accuracy import per_seed
from clbench.metrics.references import JOINT
from clbench.metrics.statistics import summarise
from clbench.profiles import PROFILES
from clbench.report import formats, tables
from clbench.results import folders
from clbench.results.record import Record
from clbench.results.staleness import is_stale
from clbench.spec import PAPER, VALUES, name_of, parse


class Screen:
    """Standard output, or standard error where that is kept for JSON."""

    def __init__(self, to_stderr: bool = False):
        self.console = Console(stderr=to_stderr, highlight=False, markup=False, soft_wrap=True)
        self.shown: set[str] = set()  # benchmarks whose table is printed
        self.workers = 1

    def announce(
        self,
        plan: Plan,
        jobs: list[Job],
        profile: str,
        device: str,
        workers: int,
        stored: Callable[[], list[Record]] = list,
    ) -> None:
        """stored: gives the records of the results folder, which may hold what the plan lacks."""
        without_retraining = _without_retraining(plan, stored)
        runs = sum(len(job.seeds) for job in jobs)
        workers = self.workers = max(1, min(workers, len(jobs)))
        seconds = sum(pair.seconds * len(pair.missing) for pair in plan.pairs) / workers
        kept = sum(not pair.missing for pair in plan.pairs)
        self.console.print(
            f"profile {profile} on {device}: {runs} runs of {len(plan.pairs) - kept} pairs "
            f"in {len(jobs)} groups on {_plural(workers, 'worker')}, about {_duration(seconds)}"
            + (f"; {_plural(kept, 'pair')} up to date" if kept else "")
        )
        for line in _one_row(plan):
            self.console.print(printable(line))
        self._unavailable(plan.unavailable)
        for record in plan.failed:
            self.console.print(_line(record))
        for line in [*plan.blocked, *without_retraining]:
            self.console.print(line, style="yellow")

    def list_jobs(self, jobs: list[Job]) -> None:
        for job in jobs:
            self.console.print(f"  {job.benchmark}  {job.strategy}  seeds {', '.join(map(str, job.seeds))}")

    @contextmanager
    def progress(self, plan: Plan, jobs: list[Job], beside: Callable[[], list[Record]] | None = None):
        """Yields the function to call with each finished group and the record of its pair, None where there
        is none.

        beside: gives the stored records; with it a benchmark's table is printed when the last of its groups
        is done.
        """
        weight = {(pair.blank.benchmark, pair.blank.strategy): pair.seconds for pair in plan.pairs}
        done = {
            (pair.blank.benchmark, pair.blank.strategy): pair.stored
            for pair in plan.pairs
            if pair.current and pair.stored is not None
        }
        left = [(job.benchmark, job.strategy) for job in jobs]
        # A pair that is run again has the old record, with its old times, until the new one is whole.
        repeated = {(pair.blank.benchmark, pair.blank.strategy) for pair in plan.pairs if pair.again}
        guess = Guess(
            {id(job): weight[job.benchmark, job.strategy] * len(job.seeds) for job in jobs}, self.workers
        )
        bar = Progress(
            TextColumn("running"),
            BarColumn(),
            TextColumn("{task.fields[groups]}"),
            TimeElapsedColumn(),
            TextColumn("· left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        task = bar.add_task("", total=sum(weight[name] for name in left), groups=f"0/{len(jobs)}")

        def on_done(job: Job, record: Record | None) -> None:
            name = (job.benchmark, job.strategy)
            left.remove(name)
            if name not in repeated and (new := guess.corrected(job, record)):
                self.console.print(f"about {_duration(new)} left, going by the groups that have ended")
            bar.update(task, advance=weight[name], groups=f"{len(jobs) - len(left)}/{len(jobs)} groups")
            if record:
                done[name] = record
            if record and name not in left:
                self.console.print(_line(record))
            if beside and job.benchmark not in {benchmark for benchmark, _ in left}:
                self._tables(_by_benchmark(done, only=job.benchmark), beside())

        with bar:
            yield on_done

    def results(self, finished: Finished, stored: list[Record], as_json: bool) -> None:
        """Tables of what was asked for, without those that are there already.

        stored: the records beside them, for metrics that compare with joint or naive.
        """
        found = _by_benchmark(finished.records)
        if as_json:
            print(
                formats.to_json([tables.comparison(rows, beside=stored) for rows in found.values()]), end=""
            )
            return
        self._tables(
            {benchmark: rows for benchmark, rows in found.items() if benchmark not in self.shown}, stored
        )

    def _tables(self, found: dict[str, list[Record]], stored: list[Record]) -> None:
        for benchmark, rows in found.items():
            self.shown.add(benchmark)
            self.console.print(
                "", formats.to_rich(tables.comparison(rows, beside=stored), self.console.width)
            )

    def farewell(self, finished: Finished, profile: str, out: Path, fresh: bool) -> None:
        self._unavailable(finished.unavailable)
        for (benchmark, strategy), reason in finished.differing.items():
            line = f"{benchmark} {strategy}: kept as it was, look at it: {reason}"
            self.console.print(printable(line), style="red")
        if finished.left or finished.interrupted:
            why = "interrupted" if finished.interrupted else "time limit reached"
            self.console.print(
                f"{why}: {_plural(finished.left, 'group')} not begun; the same command "
                f"{'without --fresh ' if fresh else ''}goes on from here"
            )
        where = "" if out == folders.RESULTS else f" --results {shlex.quote(str(out))}"
        self.console.print(f"records: {out / profile} · pages: clbench report{where}")
        if bigger := PROFILES[profile].next_bigger:
            self.console.print(f"the next bigger one: {bigger}")

    def _unavailable(self, missing: dict) -> None:
        for names, how in missing.items():
            self.console.print(f"unavailable: {' '.join(filter(None, names))}: {how}", style="yellow")


LONG = 60  # seconds of groups that say enough, however few they are


class Guess:
    """How long the rest will take; it is said anew once, when the first groups show that it was wrong."""

    def __init__(self, seconds: dict[int, float], workers: int):
        """seconds: the estimate of each job, by id, for one worker."""
        self.left, self.workers = seconds, workers
        self.guessed = self.took = 0.0  # seconds of the groups that have ended
        self.ended, self.said = 0, False

    def corrected(self, job: Job, record: Record | None) -> float | None:
        """The seconds that are left, where they are worth a line: off by half, and a few groups agree, or a
        long one has ended."""
        guessed = self.left.pop(id(job))
        own = [group for group in record.groups if group.seeds == list(job.seeds)] if record else []
        if not own:
            return None
        self.ended += 1
        self.guessed += guessed
        self.took += sum(own[0].costs.get(name) or 0.0 for name in SECONDS)
        few = self.ended < 3 and self.took < LONG
        if self.said or few or self.took < 10 * self.workers:
            return None
        self.said = True
        old = sum(self.left.values()) / self.workers
        new = old * self.took / self.guessed
        return new if abs(new - old) > old / 2 else None


def _by_benchmark(found: dict[tuple[str, str], Record], only: str | None = None) -> dict[str, list[Record]]:
    by_benchmark: dict[str, list[Record]] = {}
    for (benchmark, _), record in found.items():
        if only in (None, benchmark):
            by_benchmark.setdefault(benchmark, []).append(record)
    return by_benchmark


def _line(record: Record) -> str:
    """One finished pair."""
    start = printable(f"{record.benchmark:26} {record.strategy:22} ")
    if record.status != "ok":
        return f"{start}{record.status}: {printable(record.error.reason) if record.error else ''}"
    acc = summarise(per_seed(record.array)["acc"])
    if acc.mean is None:
        return f"{start}no ACC: cells are missing"
    interval = "" if acc.half_width is None else f" ± {100 * acc.half_width:.1f}"
    seconds = sum(record.cost(name) or 0.0 for name in ("train_s", "eval_s"))
    seeds = _plural(len(record.seeds), "seed")
    return f"{start}ACC {100 * acc.mean:.1f}{interval} · {seeds} · {seconds:.1f} s each"


def _one_row(plan: Plan) -> list[str]:
    """A line for the paper's values that were asked for by name and are those of the bare one."""
    same: dict[str, list[str]] = {}
    called = {(pair.blank.benchmark, pair.blank.strategy) for pair in plan.pairs}
    for _, benchmark, strategy in plan.other_spellings:
        terms = parse(strategy)
        has_own_row = any(parse(name) == terms for place, name in called if place == benchmark)
        if any(term.arguments.get(VALUES) == PAPER for term in terms) and not has_own_row:
            same.setdefault(name_of(strategy), []).append(benchmark)
    lines: dict[str, list[str]] = {}
    for name, benchmarks in same.items():
        if bare := [benchmark for benchmark in benchmarks if (benchmark, name) in called]:
            lines.setdefault(", ".join(bare), []).append(name)
    return [
        f"{benchmarks}: the paper's values are those of the bare name, one row: {', '.join(names)}"
        for benchmarks, names in lines.items()
    ]


def _without_retraining(plan: Plan, stored: Callable[[], list[Record]]) -> list[str]:
    """A line for each benchmark on which the plasticity gap has nothing to compare with."""
    data = {pair.blank.benchmark: pair.blank.data for pair in plan.pairs}
    planned = {pair.blank.benchmark for pair in plan.pairs if pair.blank.strategy == JOINT}
    missing = [benchmark for benchmark in data if benchmark not in planned]
    there = {
        record.benchmark
        for record in (stored() if missing else [])
        if (record.strategy, record.status, record.data) == (JOINT, "ok", data.get(record.benchmark))
        and not is_stale(record)
    }
    return [
        f"{benchmark}: no plasticity gap without {JOINT}; add -s {JOINT}"
        for benchmark in missing
        if benchmark not in there
    ]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )
