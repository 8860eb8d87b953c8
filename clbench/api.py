"""What a Python program calls: one pair, run here and now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clbench import registry
from clbench.core.benchmark import Benchmark
from clbench.core.part import Part
from clbench.errors import InputError, Unavailable
from clbench.execution.devices import choose_device
from clbench.execution.execute import execute
from clbench.execution.own import benchmark_of, strategy_of
from clbench.execution.plan import Given, Plan, checked_seeds, jobs, make_plan, plan_of_objects
from clbench.metrics.accuracy import per_seed
from clbench.metrics.statistics import Summary, summarise
from clbench.profiles import PROFILES
from clbench.results.lock import hold
from clbench.results.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OneStrategy = str | Part | type[Part]


@dataclass(frozen=True)
class Result:
    """One strategy on one benchmark."""

    record: Record  # costs, settings, provenance; may hold more seeds than were asked for
    seeds: list[int]

    @property
    def acc(self) -> np.ndarray:
        """Accuracies [S, T+1, E]: seed, after task (row 0: untrained), evaluation slice."""
        return self.record.array[[self.record.seeds.index(seed) for seed in self.seeds]]

    def metrics(self) -> dict[str, Summary]:
        """name -> mean, half-width of the 95 % interval, SD and n over the seeds."""
        values = per_seed(self.acc, self.record.settings.get("step_of"))
        return {name: summarise(of_seeds) for name, of_seeds in values.items()}

    def plot(self, kind: str, axes: Any = None) -> Axes:
        """Draws the result with matplotlib.

        Arguments:
            kind: "matrix": accuracies after each task on each task, mean over seeds; "seen": mean accuracy on
                the tasks seen so far, with a 95 % t band; "cost": what the benchmark ranks by against FLOPs
                per seed, with its 95 % t interval.
            axes: matplotlib axes to draw on. Without them `matplotlib.pyplot` makes a figure, because that is
                what a notebook displays; in a script `matplotlib.pyplot.close` frees it. No setting of
                matplotlib is changed.

        Returns the axes. Raises InputError for another kind, and where there is nothing to draw.
        """
        from clbench.report import notebook

        return notebook.plot_one(notebook.entry_of(self.record, self.seeds), kind, axes)

    def __repr__(self) -> str:
        record = self.record
        mean = self.metrics()["acc"].mean if record.status == "ok" else None
        found = record.status if mean is None else f"ACC {mean:.3f}"
        return f"<{record.strategy} on {record.benchmark}: {found}, {len(self.seeds)} seeds>"

    def _repr_html_(self) -> str:
        """What a notebook shows: metrics with 95 % intervals, and costs."""
        from clbench.report import notebook

        return notebook.html_of(self.record.of_seeds(self.seeds))


def run(
    benchmark: str | Benchmark | type[Benchmark],
    strategy: OneStrategy | Sequence[OneStrategy],
    *,
    scenario: str | None = None,
    seeds: int | Sequence[int] | None = None,
    profile: str | None = None,
    device: str = "auto",
    workers: int = 0,
    out: str | Path | None = None,
) -> Result:
    """Trains one strategy on one benchmark, several seeds of it, and returns what came out.

    Example:

        import clbench
        result = clbench.run("split_digits_class", "er(memory=200)", seeds=5, profile="smoke")
        result.metrics()["acc"].mean
        clbench.run(MyBenchmark, ["er", MyMethod(lam=3)], scenario="class", seeds=5)

    Arguments:
        benchmark: a name or spec as `clbench.benchmarks()` has them, like "split_mnist_task(lr=0.01)"; or a
            class derived from `clbench.Benchmark`, or an instance of one. A class takes the arguments that it
            has for the profile.
        strategy: a name or spec as `clbench.strategies()` has them, like "er(memory=200)+ewc"; or a class
            derived from `clbench.Part`, or an instance of one; or a list of these, which are then joined as
            by "+". A class takes its defaults, but the benchmark's memory; an instance is copied for each
            run, as it is.
        scenario: of a benchmark that is no name and has several: "class", "task", "domain".
        seeds: how many (0, 1, …), or which; None for the profile's number.
        profile: how much is trained: "smoke", "quick" or "full"; None takes full with a CUDA device, else
            quick.
        device: "auto", "cpu", "cuda" or "cuda:N".
        workers: processes beside this one; more than 0 needs names. What is in a file, 'file.py:Class', has
            one for itself in any case.
        out: a results folder, in which seeds that are already there are not run again; needs names. None:
            nothing is written.

    Returns a Result: `acc` [seeds, tasks + 1, tasks], `metrics()`, and the whole `record` with its costs.

    Raises InputError for wrong names or values, Unavailable for missing data, RuntimeError for a run that
    broke off and for a strategy that cannot learn this benchmark.
    """
    asked = checked_seeds(seeds)
    device = choose_device(device)
    profile = profile or ("quick" if device == "cpu" else "full")
    if profile not in PROFILES:
        raise InputError(f"unknown profile: use {', '.join(PROFILES)}", "profile", profile)
    folder = Path(out) if out else None
    registry.use_tuned(folder)  # and no longer those of a call before
    from clbench.tuning.choice import check_unseen

    with hold(folder) if folder else nullcontext():
        if isinstance(benchmark, str) and isinstance(strategy, str) and scenario is None:
            plan = make_plan([benchmark], [strategy], profile, asked, folder)
        else:
            plan = _plan_of_own(benchmark, strategy, scenario, profile, asked, workers, folder)
        for problem in [*plan.unavailable.values(), *plan.blocked]:
            raise Unavailable(problem)
        for pair in plan.pairs:
            check_unseen(pair.blank, pair.asked)
        finished = execute(plan, jobs(plan, device), folder, workers=workers)
    if finished.interrupted:
        raise KeyboardInterrupt
    for problem in finished.unavailable.values():
        raise Unavailable(problem)
    (record,) = finished.records.values()
    if record.status in ("failed", "unsupported"):
        assert record.error is not None
        raise RuntimeError(
            f"{record.strategy} on {record.benchmark}: {record.error.reason}\n"
            f"{record.error.traceback or ''}".rstrip()
        )
    return Result(record, [seed for seed in plan.pairs[0].asked if seed in record.seeds])


def _plan_of_own(
    benchmark,
    strategy,
    scenario: str | None,
    profile: str,
    seeds: list[int] | None,
    workers: int,
    out: Path | None,
) -> Plan:
    """The plan of a pair of which something is given as an object."""
    name, chosen = benchmark_of(benchmark, profile, scenario)
    given = Given(chosen, strategy_of(strategy, chosen, profile))
    if out is not None:
        raise InputError(
            "objects are not stored, because a record has to know the file of its code: leave it "
            "out, or put the class into a file and give 'file.py:Class'",
            "out",
            str(out),
        )
    if workers:
        raise InputError(
            "objects are trained in this process: leave it out, or put the class into a file "
            "and give 'file.py:Class'",
            "workers",
            workers,
        )
    return plan_of_objects(name, given, profile, seeds)
