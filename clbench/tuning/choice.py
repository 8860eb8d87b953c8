"""What the trials of a method say: which candidate is best on held-out training data, and what that cost.

What is written of it, as `evidence` in the table of tuned values: `metric`; `trials`, the candidates with
their `score`, the paper's first; the `seeds` and first `tasks` that they were tried on; `cpu_s` of all of
them; the `date` and `commit` of the last.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from clbench.core.tuned import are_of
from clbench.errors import InputError
from clbench.metrics.accuracy import METRICS
from clbench.registry import tuned_tables
from clbench.report.values import entries, ranks_by, wall_and_cpu
from clbench.results.record import Record
from clbench.tuning.candidates import Values

REPORTED = 1000  # seeds below it are those of reported runs


@dataclass(frozen=True)
class Trial:
    """A candidate and what came of it."""

    values: Values
    record: Record  # of the trial's seeds alone
    metric: str

    @property
    def score(self) -> float | None:
        """Mean over the seeds of the metric that the benchmark ranks by; None for what did not end well."""
        if self.record.status != "ok":
            return None
        (entry,) = entries([self.record])
        values = list(entry.metrics.get(self.metric, {}).values())
        return float(np.mean(values)) if values and np.isfinite(values).all() else None

    @property
    def cpu_s(self) -> float:
        """Seconds of the CPU; by the clock where a GPU worked."""
        times = map(wall_and_cpu, self.record.groups)
        return sum(wall if cpu is None else cpu for wall, cpu in times)


def trial(values: Values, record: Record, seeds: list[int]) -> Trial:
    return Trial(values, record.of_seeds(seeds), ranks_by(record))


def best_of(trials: list[Trial]) -> Trial | None:
    """The best; of equal ones the paper's, which is the first, else the one of the smaller values. None where
    all of them diverged."""
    sign = 1 if METRICS[trials[0].metric].higher_is_better else -1

    def place(one: Trial) -> tuple[Any, ...]:
        assert one.score is not None
        values = [(isinstance(value, str), 0 if value is None else value) for value in one.values.values()]
        return round(-sign * one.score, 9), one is not trials[0], values

    return min((one for one in trials if one.score is not None), key=place, default=None)


def table_of(
    chosen: Trial, trials: list[Trial], kept: Values, seeds: list[int], tasks: int
) -> dict[str, Any]:
    """The table of tuned values: what differs from the paper's values, `kept` from the table before, and the
    evidence."""
    paper = trials[0].values
    groups = [group for one in trials for group in one.record.groups]
    last = max(groups, key=lambda group: str(group.provenance.get("started", "")))
    evidence = {
        "metric": chosen.metric,
        "trials": [_written(one) for one in trials],
        "seeds": seeds,
        "tasks": tasks,
        "cpu_s": round(sum(one.cpu_s for one in trials), 1),
        "date": str(last.provenance.get("started", ""))[:10],
        "commit": str(last.provenance.get("commit") or "unknown"),
    }
    different = {name: value for name, value in chosen.values.items() if value != paper[name]}
    return kept | different | {"evidence": evidence}


def _written(one: Trial) -> dict[str, Any]:
    """The candidate with its score, or with the reason why it has none."""
    values = {name: value for name, value in one.values.items() if value is not None}
    if one.score is not None:
        return values | {"score": round(one.score, 4)}
    return values | {"lost": one.record.status if one.record.status != "ok" else "not measured"}


def check_unseen(record: Record, seeds: list[int]) -> None:
    """Raises InputError where values of this row were chosen on one of these seeds."""
    tables = tuned_tables(record.benchmark, record.settings["scenario"], record.profile)
    for name, own in record.settings["strategy"].items():
        table = tables.get(name, {})
        of_trials = table["evidence"].get("seeds", []) if are_of(table, own) else []
        if shared := sorted(set(seeds) & set(of_trials)):
            raise InputError(
                f"seed {shared[0]}: the values of {name} on {record.benchmark} were chosen on it; "
                f"take seeds below {REPORTED}"
            )
