"""What a record says once the records beside it are known: every metric per seed, what depends on others included.

Only rows that are ok have values. `joint`, `joint_equal` and `naive` count as references where they are ok, not stale
and made on the same data.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clbench.core.costs import COSTS
from clbench.metrics import accuracy
from clbench.metrics.statistics import Recovered, mean_recovered, recovered
from clbench.results.records import Record
from clbench.results.staleness import is_stale

# Trained on all data so far: references, not competitors.
ALL_DATA = ("joint", "joint_equal", "cumulative", "cumulative_equal", "cumulative_exp")
REFERENCES = ("naive", *ALL_DATA)
GAPS = {                                                  # metric -> (function of R and R_joint, the row of R_joint)
    "plasticity_gap": (accuracy.plasticity_gap, "joint"),
    "plasticity_gap_equal": (accuracy.plasticity_gap, "joint_equal"),
    "joint_gap": (accuracy.joint_gap, "joint"),
    "new_share": (accuracy.new_share, "joint"),
}
BACKWARD = {                                              # metric -> what else a stream of pairs measures
    "backward_left_right": "r1_left_right", "backward_right_left": "r1_right_left", "backward_five": "r5",
}


def trains_on_all_data(record: Record) -> bool:
    """Whether a part of the strategy is a reference that sees all data so far, ours or Avalanche's."""
    return any(name.removeprefix("avalanche_") in ALL_DATA for name in record.settings.get("strategy", {}))


def order_of(record: Record) -> tuple:
    """Sorts references first, then native rows by name, then Avalanche's by name."""
    name = record.strategy.split("(")[0]
    if name in REFERENCES:
        return 0, REFERENCES.index(name), record.strategy
    return 2 if record.backend == "avalanche" else 1, 0, record.strategy


@dataclass(frozen=True)
class Entry:
    """One record with all that follows from it."""

    record: Record
    stale: bool
    metrics: dict[str, dict[int, float]]      # metric -> seed -> value, NaN where the run has none
    recovered: Recovered | None
    costs: dict[str, float | None]            # per seed

    @property
    def ok(self) -> bool:
        return self.record.status == "ok" and bool(self.record.seeds)


def across_benchmarks(records: list[Record]) -> dict[str, Recovered | None]:
    """Strategy -> mean of `recovered` over the benchmarks of one profile on which it, naive and joint are ok and not stale."""
    usable = {(record.benchmark, record.data, record.strategy): record for record in sorted(records, key=order_of)
              if record.status == "ok" and record.seeds and not is_stale(record)}
    triples: dict[str, list] = {}
    for (benchmark, data, strategy), record in usable.items():
        references = [usable.get((benchmark, data, name)) for name in ("naive", "joint")]
        if strategy not in ("naive", "joint") and all(references):
            triples.setdefault(strategy, []).append(tuple(acc_by_seed(one) for one in (record, *references)))
    return {strategy: mean_recovered(rows) for strategy, rows in triples.items()}


def compute_matched(records: list[Record], within: float = 0.1) -> list[Record]:
    """The records whose FLOPs per seed are those of naive on the same benchmark, within a tenth (Prabhu et al. 2023)."""
    naive = {record.benchmark: record.cost("flops") for record in records if record.strategy == "naive"}
    return [record for record in records if naive.get(record.benchmark) and record.cost("flops") is not None
            and abs(record.cost("flops") / naive[record.benchmark] - 1) <= within]


def entries(records: list[Record], beside: Sequence[Record] = ()) -> list[Entry]:
    """The records of one profile and one benchmark, in the order of the table.

    `beside` holds further records, of any benchmark: where they fit they serve as references.
    """
    place = {(record.profile, record.benchmark) for record in records}
    around = [record for record in beside if (record.profile, record.benchmark) in place]
    references = {(record.strategy, record.data): record for record in [*around, *records]
                  if record.strategy in REFERENCES and record.status == "ok" and not is_stale(record)}
    return [_entry(record, is_stale(record), references) for record in sorted(records, key=order_of)]


def _entry(record: Record, stale: bool, references: dict[tuple[str, str], Record]) -> Entry:
    def reference(name: str) -> Record | None:
        return references.get((name, record.data))

    metrics, back = {}, None
    if record.status == "ok" and record.seeds:
        metrics = {name: dict(zip(record.seeds, values.tolist(), strict=True))
                   for name, values in accuracy.per_seed(record.array, record.settings.get("step_of")).items()}
        metrics |= {name: _gap(gap, record, reference(joint)) for name, (gap, joint) in GAPS.items()}
        metrics |= {name: _backward(record, measure) for name, measure in BACKWARD.items()}
        back = _recovered(record, reference("naive"), reference("joint"))
    costs = {name: record.cost(name) for name in COSTS}
    costs["retraining_saved"] = _saved(costs["flops"], reference("joint"))
    return Entry(record, stale, metrics, back, costs)


def _gap(gap, record: Record, joint: Record | None) -> dict[int, float]:
    """Seed -> gap, over the seeds that both rows have; a row has no gap to itself."""
    if joint is None or joint.strategy == record.strategy or record.array.shape[1:] != joint.array.shape[1:]:
        return {}
    own, other = (dict(zip(one.seeds, one.array, strict=True)) for one in (record, joint))
    return {seed: gap(own[seed], other[seed]) for seed in own if seed in other}


def _backward(record: Record, measure: str) -> dict[int, float]:
    array = record.array_of(measure)
    return {} if array is None else dict(zip(record.seeds, map(accuracy.stream_backward, array), strict=True))


def _recovered(record: Record, naive: Record | None, joint: Record | None) -> Recovered | None:
    if naive is None or joint is None or record.strategy in (naive.strategy, joint.strategy):
        return None
    return recovered(*(acc_by_seed(one) for one in (record, naive, joint)))


def acc_by_seed(record: Record) -> dict[int, float]:
    return dict(zip(record.seeds, map(accuracy.acc, record.array), strict=True))


def _saved(flops: float | None, joint: Record | None) -> float | None:
    """1 - FLOPs / FLOPs of joint."""
    whole = joint.cost("flops") if joint else None
    return 1 - flops / whole if whole and flops is not None else None


def seen_accuracy(record: Record) -> np.ndarray:
    """[S, T]: after each task the mean accuracy on the tasks seen so far; empty where slices are not tasks."""
    array = record.array
    tasks = array.shape[1] - 1
    if array.shape[2] != tasks:
        return np.empty((len(array), 0))
    return np.stack([array[:, i, :i].mean(axis=1) for i in range(1, tasks + 1)], axis=1)
