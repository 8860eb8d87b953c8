"""What a record says once the records beside it are known: every metric per seed, what depends on others
included.

Only rows that are ok have values. The references that metrics are defined by (`clbench.metrics.references`)
count where they are ok, not stale and made on the same data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from clbench import registry
from clbench.core import protocols
from clbench.core.costs import COSTS, SECONDS
from clbench.errors import InputError
from clbench.facts import FAMILIES, OWN, Facts
from clbench.metrics import accuracy, within
from clbench.metrics.decay import DECAY, terms
from clbench.metrics.references import JOINT, JOINT_EQUAL, NAIVE, REFERENCES, place_of
from clbench.metrics.statistics import Recovered, recovered
from clbench.metrics.tally import SHARES
from clbench.profiles import PROFILES
from clbench.results.record import Group, Record
from clbench.results.staleness import is_stale
from clbench.spec import parse

GAPS = {  # metric -> (function of R and R_joint, of whom)
    "plasticity_gap": (accuracy.plasticity_gap, JOINT),
    "plasticity_gap_equal": (accuracy.plasticity_gap, JOINT_EQUAL),
    "joint_gap": (accuracy.joint_gap, JOINT),
    "new_share": (accuracy.new_share, JOINT),
}
BACKWARD = {  # metric -> what else a stream of pairs measures
    "backward_left_right": "r1_left_right",
    "backward_right_left": "r1_right_left",
    "backward_five": "r5",
}
BUSY = 1.2  # of wall-clock to CPU time: above it a seed group waited for a core


def facts_of(record: Record) -> list[Facts]:
    """Of each part of the strategy; nothing is known of one that is there no more. Asked of a record
    often, so looked up once."""
    if "facts" not in record.__dict__:
        record.__dict__["facts"] = _facts_of(record)
    return record.__dict__["facts"]


def _facts_of(record: Record) -> list[Facts]:
    found = []
    try:
        names = [term.name for term in parse(record.strategy)]
    except InputError:  # the name of what was imported is free
        return [Facts()]
    for name in names:
        try:
            found.append(registry.facts(name))
        except InputError:
            found.append(Facts())
    return found


def trains_on_all_data(record: Record) -> bool:
    """Whether a part of the strategy sees all data so far: a reference, no competitor."""
    return any(facts.sees_all_data for facts in facts_of(record))


def stores_examples(record: Record) -> bool:
    """Whether it keeps examples of the past, or sees all data: its class says so, or its record."""
    said = any(facts.stores or facts.sees_all_data for facts in facts_of(record))
    return said or bool(record.cost("memory_items"))


def family_of(record: Record) -> str:
    """The family of its parts, or of the first that is no reference."""
    families = [facts.family for facts in facts_of(record)]
    return next((family for family in families if family != FAMILIES[0]), FAMILIES[0])


def is_plain(record: Record) -> bool:
    """Whether it is fine-tuning alone, ours or another library's."""
    return NAIVE in (record.strategy, *(facts.mirrors for facts in facts_of(record)))


KINDS = ("reference", "native", "avalanche")


def kind_of(record: Record) -> str:
    """One of KINDS."""
    if record.backend == "avalanche":
        return "avalanche"
    return "reference" if family_of(record) == FAMILIES[0] else "native"


def seeds_asked(record: Record) -> int | None:
    """How many seeds the profile asks for on this benchmark; None where neither says so."""
    own = _said_of(record).get("seeds")
    of_profile = own.get(record.profile) if isinstance(own, dict) else None
    number = of_profile.get(record.settings.get("scenario")) if isinstance(of_profile, dict) else None
    if isinstance(number, int):
        return number
    published = protocols.seeds_of(record.benchmark.split("(")[0], record.profile)
    if published:
        return published
    return PROFILES[record.profile].seeds if record.profile in PROFILES else None


def ranks_by(record: Record) -> str:
    """The metric that rows of this benchmark are ranked by, as its class says."""
    scenario = record.settings.get("scenario")
    said = _said_of(record).get("ranks_by")
    metric = said.get(scenario) if isinstance(said, dict) else said
    if isinstance(metric, str) and metric in accuracy.METRICS:
        return metric
    return "stream_backward" if scenario == "pairs" else "acc"


def in_time(record: Record) -> bool:
    """Whether the tasks are the same question at different times, so that old and new data compete."""
    return record.settings.get("scenario") in ("pairs", "domain")


def _said_of(record: Record) -> dict:
    try:
        return registry.benchmark_facts(parse(record.benchmark)[0].name)
    except InputError:  # the name of what was imported is free
        return {}


def is_held_out(record: Record) -> bool:
    """Whether it was evaluated on held-out training data in place of test data."""
    return bool(record.settings.get("benchmark", {}).get("validation"))


def data_of(record: Record) -> str:
    """What tells the data that a row was trained and evaluated on from others."""
    return f"{record.data}, held out" if is_held_out(record) else record.data


def order_of(record: Record) -> tuple:
    """Sorts by family, references first; in each Avalanche's rows stand behind the native ones."""
    family = (*FAMILIES, OWN).index(family_of(record))
    return family, record.backend == "avalanche", place_of(record.strategy.split("(")[0]), record.strategy


def wall_and_cpu(group: Group) -> tuple[float, float | None]:
    """Seconds that a seed group took by the clock and of the CPU; no CPU seconds where a GPU worked."""
    wall = sum(group.costs.get(name) or 0 for name in SECONDS)
    hours = group.costs.get("cpu_hours")
    return wall, 3600 * hours if hours and str(group.provenance.get("device")) == "cpu" else None


def slowest(record: Record) -> float:
    """How many times its CPU time a seed group took by the clock, of the one that waited most; 0 where a GPU
    worked."""
    return max((wall / cpu for wall, cpu in map(wall_and_cpu, record.groups) if cpu), default=0.0)


def waited(record: Record) -> bool:
    """Whether the machine was busy, so that the times are too long: as the page says it (`Data.busy`)."""
    return slowest(record) > BUSY


@dataclass(frozen=True)
class Entry:
    """One record with all that follows from it."""

    record: Record
    stale: bool
    metrics: dict[str, dict[int, float]]  # metric -> seed -> value, NaN where the run has none
    recovered: Recovered | None
    costs: dict[str, float | None]  # per seed
    decay: dict[str, dict[int, float]]  # metric of DECAY -> seed -> value; none off streams in time

    @property
    def ok(self) -> bool:
        return self.record.status == "ok" and bool(self.record.seeds)


def entries(
    records: list[Record], beside: Sequence[Record] = (), *, stale_references: bool = False
) -> list[Entry]:
    """The records of one profile and one benchmark, in the order of the table.

    `beside` holds further records, of any benchmark: where they fit they serve as references; stale ones
    where that is said, as of records of the past.
    """
    place = {(record.profile, record.benchmark) for record in records}
    around = [record for record in beside if (record.profile, record.benchmark) in place]
    references = {
        (record.strategy, data_of(record)): record
        for record in [*around, *records]
        if record.strategy in REFERENCES
        and record.status == "ok"
        and (stale_references or not is_stale(record))
    }
    return [_entry(record, is_stale(record), references) for record in sorted(records, key=order_of)]


def _entry(record: Record, stale: bool, references: dict[tuple[str, str], Record]) -> Entry:
    def reference(name: str) -> Record | None:
        return references.get((name, data_of(record)))

    metrics, back = {}, None
    if record.status == "ok" and record.seeds:
        metrics = {
            name: dict(zip(record.seeds, values.tolist(), strict=True))
            for name, values in accuracy.per_seed(record.array, record.settings.get("step_of")).items()
        }
        metrics |= {name: _gap(gap, record, reference(other)) for name, (gap, other) in GAPS.items()}
        metrics |= {name: _backward(record, measure) for name, measure in BACKWARD.items()}
        metrics |= {name: values for name, values in record.tally.items() if name in SHARES}
        metrics["acc_by_example"] = _by_example(record)
        back = _recovered(record, reference(NAIVE), reference(JOINT))
    costs = {name: record.cost(name) for name in COSTS}
    costs["growth"] = record.parameters[-1] / record.parameters[0] if record.parameters else None
    costs["moved"] = fmean(record.moved[1:]) if record.moved and len(record.moved) > 1 else None
    costs |= _of_probe(record, reference(JOINT), costs["flops"])
    costs["compute"] = _share(costs["flops"], reference(NAIVE))
    of_retraining = _share(costs["flops"], reference(JOINT))
    costs["retraining_saved"] = None if of_retraining is None else 1 - of_retraining
    decay = _decay(record, costs) if metrics and in_time(record) else {}
    return Entry(record, stale, metrics, back, costs, decay)


def _of_probe(record: Record, retrained: Record | None, flops: float | None) -> dict[str, float | None]:
    """Steps and GFLOPs that a probe has found; None where a seed has no such number."""
    recovery = list(record.tally.get("recovery_steps", {}).values())
    found = {"recovery_steps": fmean(recovery) if len(recovery) == len(record.seeds) > 0 else None}
    steps = _steps_to_target(record, retrained)
    whole = record.cost("steps")
    share = steps / whole if steps and whole else None
    return found | {
        "steps_to_target": steps,
        "gflops_to_target": share * flops / 1e9 if share and flops is not None else None,
    }


def _steps_to_target(record: Record, retrained: Record | None) -> float | None:
    if retrained is None or not record.probe_rows:
        return None
    targets = acc_by_seed(retrained)
    found = []
    for group in record.groups:
        assert group.probe is not None  # else there would be no rows
        task, step = np.array(group.probe.task), np.array(group.probe.step)
        for seed, seen in zip(group.seeds, group.probe.seen, strict=True):
            target = within.RECOVERED * targets.get(seed, np.nan)
            found.append(within.steps_to(target, np.array(seen, dtype=float), task, step))
    return fmean(found) if np.isfinite(found).all() else None


def _decay(record: Record, costs: dict[str, float | None]) -> dict[str, dict[int, float]]:
    """The gain of an update is per GFLOP of a task on average, and per example stored at the end."""
    step_of = record.settings.get("step_of")
    found = {
        name: {seed: metric.function(R, step_of) for seed, R in zip(record.seeds, record.array, strict=True)}
        for name, metric in DECAY.items()
        if metric.function is not None
    }
    per = {"update_gain_per_gflop": gflops_of_update(record), "update_gain_per_item": costs["memory_items"]}
    for name, amount in per.items():
        gains = found["update_gain"].items() if amount else ()
        found[name] = {seed: gain / amount for seed, gain in gains if amount}
    return found


def oldest(record: Record) -> int:
    """The largest age in slices that a model of this stream is tested at."""
    return len(terms(record.array[0], record.settings.get("step_of"))) - 1


def gflops_of_update(record: Record) -> float | None:
    """Of one seed, on average over all tasks, the first one too."""
    flops = record.cost("flops")
    return None if flops is None else flops / 1e9 / (record.array.shape[1] - 1)


def _by_example(record: Record) -> dict[int, float]:
    """Seed -> ACC by example, where a slice has half as many again as another: else it is ACC, or nearly."""
    sizes = record.slice_sizes
    if sizes is None or all(2 * max(own) < 3 * min(own) for own in sizes):
        return {}
    values = map(accuracy.acc_by_example, record.array, sizes)
    return dict(zip(record.seeds, values, strict=True))


def _gap(gap, record: Record, retrained: Record | None) -> dict[int, float]:
    """Seed -> gap, over the seeds that both rows have; a row has no gap to itself."""
    if retrained is None or retrained.strategy == record.strategy:
        return {}
    if record.array.shape[1:] != retrained.array.shape[1:]:
        return {}
    own, other = (dict(zip(one.seeds, one.array, strict=True)) for one in (record, retrained))
    return {seed: gap(own[seed], other[seed]) for seed in own if seed in other}


def _backward(record: Record, measure: str) -> dict[int, float]:
    array = record.array_of(measure)
    return {} if array is None else dict(zip(record.seeds, map(accuracy.stream_backward, array), strict=True))


def _recovered(record: Record, fine_tuned: Record | None, retrained: Record | None) -> Recovered | None:
    if fine_tuned is None or retrained is None or record.strategy in (NAIVE, JOINT):
        return None
    return recovered(*(acc_by_seed(one) for one in (record, fine_tuned, retrained)))


def acc_by_seed(record: Record) -> dict[int, float]:
    return dict(zip(record.seeds, map(accuracy.acc, record.array), strict=True))


def _share(flops: float | None, reference: Record | None) -> float | None:
    """FLOPs / FLOPs of a reference."""
    whole = reference.cost("flops") if reference else None
    return flops / whole if whole and flops is not None else None


def seen_accuracy(record: Record) -> np.ndarray:
    """[S, T]: after each task the mean accuracy on the tasks seen so far; empty where slices are not
    tasks."""
    array = record.array
    tasks = array.shape[1] - 1
    if array.shape[2] != tasks:
        return np.empty((len(array), 0))
    return np.stack([array[:, i, :i].mean(axis=1) for i in range(1, tasks + 1)], axis=1)
