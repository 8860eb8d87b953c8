"""What a Python program calls: one pair, run here and now."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clbench.errors import InputError, Unavailable
from clbench.execution.devices import choose_device
from clbench.execution.execute import execute
from clbench.execution.plan import checked_seeds, jobs, make_plan
from clbench.metrics.accuracy import per_seed
from clbench.metrics.statistics import Summary, summarise
from clbench.profiles import PROFILES
from clbench.results.records import Record


@dataclass(frozen=True)
class Result:
    """One strategy on one benchmark."""

    record: Record                   # may hold more seeds than were asked for
    seeds: list[int]

    @property
    def acc(self) -> np.ndarray:
        """Accuracies [S, T+1, E]: seed, after task (row 0: untrained), evaluation slice."""
        return self.record.array[[self.record.seeds.index(seed) for seed in self.seeds]]

    def metrics(self) -> dict[str, Summary]:
        """name -> mean, half-width of the 95 % interval, SD and n over the seeds."""
        return {name: summarise(values) for name, values in per_seed(self.acc).items()}


def run(benchmark: str, strategy: str, *, seeds: int | Sequence[int] | None = None, profile: str | None = None,
        device: str = "auto", workers: int = 0, out: str | Path | None = None) -> Result:
    """Trains one strategy on one benchmark and returns what came out.

    seeds: how many (0, 1, …), or which; None for the profile's number. profile: smoke, quick or full; None takes full
    with a CUDA device and quick without. out: a results folder, in which seeds that are already there are not run again
    (workers > 0 needs the caller's `if __name__ == "__main__"`, as all process pools do).
    Raises InputError for wrong names or values, Unavailable for missing data, RuntimeError for a run that broke off.
    """
    device = choose_device(device)
    profile = profile or ("quick" if device == "cpu" else "full")
    if profile not in PROFILES:
        raise InputError(f'unknown profile "{profile}": use {", ".join(PROFILES)}')
    plan = make_plan([benchmark], [strategy], profile, checked_seeds(seeds), Path(out) if out else None)
    for problem in [*plan.unavailable.values(), *plan.blocked]:
        raise Unavailable(problem)
    finished = execute(plan, jobs(plan, device), Path(out) if out else None, workers=workers)
    if finished.interrupted:
        raise KeyboardInterrupt
    for problem in finished.unavailable.values():
        raise Unavailable(problem)
    (record,) = finished.records.values()
    if record.status in ("failed", "unsupported"):
        assert record.error is not None
        raise RuntimeError(f"{record.strategy} on {record.benchmark}: {record.error.reason}\n"
                           f"{record.error.traceback or ''}")
    return Result(record, [seed for seed in plan.pairs[0].asked if seed in record.seeds])
