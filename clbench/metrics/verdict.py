"""The regression rule of `clbench check`: one pair's baseline against its current record.

In this order: (1) both sides there, ok, and set up alike; (2) the exact costs; (3) arrays bit-equal; (4) ACC,
forgetting and, where both have it, the plasticity gap, each within its margin. Wall-clock is never compared:
noise is no regression.

A side is a dict:
    status      "ok", "failed", "diverged" or "unsupported"; `error`, if there, says why
    settings    nested dict as read from JSON; compared field by field
    seeds       list of int
    acc         [S][T+1][E], None where a cell does not exist
    costs       per seed: steps, samples_seen, flops, memory_items
    platform    dict; equal on both sides = the same platform; empty or absent = unknown
    retrained   optional: {"seeds", "acc"} of the record `joint`, for the plasticity gap
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clbench.core.costs import EXACT
from clbench.core.differences import changed_fields
from clbench.metrics.accuracy import METRICS, acc, forgetting, plasticity_gap
from clbench.metrics.statistics import equivalence, paired_difference, seeds_needed

Side = Mapping[str, Any]

BAD = ("missing", "failed", "changed set-up", "regressed", "cost changed")
PRECEDENCE = ("regressed", "cost changed", "undecided", "improved", "pass")


@dataclass(frozen=True)
class Verdict:
    """What became of one pair: a status of BAD or PRECEDENCE or "identical", and one line that says why."""

    status: str
    detail: str
    drift: bool = False  # not bit-equal although the platform is the same: the code's arithmetic changed

    @property
    def bad(self) -> bool:
        return self.status in BAD


@dataclass(frozen=True)
class Finding:
    """One metric's or one cost's share of the verdict."""

    status: str
    text: str


def compare(baseline: Side | None, current: Side | None, margin: float = 0.02) -> Verdict:
    """The verdict on one pair; None on a side means that there is no record."""
    if baseline is None or current is None:
        sides = [name for name, side in (("baseline", baseline), ("current", current)) if side is None]
        return Verdict("missing", f"no {' and no '.join(sides)} record")
    return _not_comparable(baseline, current) or _measured(baseline, current, margin)


def exit_status(verdicts: Iterable[Verdict], strict: bool = False) -> int:
    """1 if any pair is bad (or, when strict, improved) or there is none, else 3 if any is undecided, else
    0."""
    verdicts = list(verdicts)
    statuses = {verdict.status for verdict in verdicts}
    if not verdicts or any(verdict.bad for verdict in verdicts) or (strict and "improved" in statuses):
        return 1
    return 3 if "undecided" in statuses else 0


def _not_comparable(baseline: Side, current: Side) -> Verdict | None:
    """Rule 1; None when the arrays can be compared."""
    for name, side in (("baseline", baseline), ("current", current)):
        if side["status"] in ("failed", "diverged"):
            return Verdict("failed", f"{name} {_status(side)}")
    if _status(baseline) != _status(current):
        return Verdict("changed set-up", f"status {_status(baseline)} -> {_status(current)}")
    if baseline["status"] == "unsupported":
        return Verdict("identical", _status(current))
    changes = _changed_set_up(baseline, current)
    return Verdict("changed set-up", ", ".join(changes)) if changes else None


def _changed_set_up(baseline: Side, current: Side) -> list[str]:
    """Each changed field with both values: seeds, settings, and what can be seen from the array itself."""
    seeds = [sorted(side["seeds"]) for side in (baseline, current)]
    changes = [] if seeds[0] == seeds[1] else [f"seeds {seeds[0]} -> {seeds[1]}"]
    changes += changed_fields(baseline["settings"], current["settings"])
    if changes:
        return changes
    before, after = _array(baseline, seeds[0]), _array(current, seeds[0])
    if before.shape != after.shape:
        return [f"shape of acc {list(before.shape)} -> {list(after.shape)}"]
    if not np.array_equal(np.isnan(before), np.isnan(after)):
        return [f"missing cells of acc {np.isnan(before).sum()} -> {np.isnan(after).sum()}"]
    return []


def _measured(baseline: Side, current: Side, margin: float) -> Verdict:
    """Rules 2 to 4 on two ok records of the same set-up."""
    costs = [
        Finding("cost changed", f"{name} {baseline['costs'][name]} -> {current['costs'][name]}")
        for name in EXACT
        if baseline["costs"][name] != current["costs"][name]
    ]
    seeds = sorted(baseline["seeds"])
    if np.array_equal(_array(baseline, seeds), _array(current, seeds), equal_nan=True):
        return _worst(costs, drift=False) if costs else Verdict("identical", f"bit-equal, seeds {seeds}")
    drift = bool(baseline.get("platform")) and baseline["platform"] == current.get("platform")
    metrics = [
        _finding(name, before, after, margin)
        for name, (before, after) in _compared_metrics(baseline, current).items()
        if not np.isnan([before, after]).any()
    ]
    if not metrics:
        metrics = [Finding("undecided", "arrays differ, and missing cells leave no metric to compare")]
    return _worst(metrics + costs, drift)


def _compared_metrics(baseline: Side, current: Side) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """name -> (baseline, current), one value per seed, the same seeds on both sides; NaN where a run has
    none."""
    seeds = sorted(baseline["seeds"])
    before, after = _array(baseline, seeds), _array(current, seeds)
    values = {
        name: (np.array([function(R) for R in before]), np.array([function(R) for R in after]))
        for name, function in (("acc", acc), ("forgetting", forgetting))
    }
    if baseline.get("retrained") and current.get("retrained"):
        seeds = sorted(set(seeds) & set(baseline["retrained"]["seeds"]) & set(current["retrained"]["seeds"]))
        if seeds:
            values["plasticity_gap"] = (_plasticity_gaps(baseline, seeds), _plasticity_gaps(current, seeds))
    return values


def _plasticity_gaps(side: Side, seeds: list[int]) -> np.ndarray:
    pairs = zip(_array(side, seeds), _array(side["retrained"], seeds), strict=True)
    return np.array([plasticity_gap(R, R_joint) for R, R_joint in pairs])


def _finding(name: str, before: np.ndarray, after: np.ndarray, margin: float) -> Finding:
    """Rule 4 for one metric."""
    metric, difference = METRICS[name], paired_difference(after, before)
    text = f"{metric.title} {_points(before.mean())} -> {_points(after.mean())}"
    if difference.mean is not None and difference.low is not None and difference.high is not None:
        text += (
            f", difference {_points(difference.mean)} [{_points(difference.low)}, {_points(difference.high)}]"
        )
    decision = equivalence(after, before, margin)
    if decision == "equivalent":
        return Finding("pass", text)
    if decision == "undecided":
        return Finding("undecided", f"{text} ({_how_to_decide(after - before, margin)})")
    assert difference.mean is not None  # there are at least two seeds, or nothing would be decided
    better = (difference.mean > 0) == metric.higher_is_better
    return Finding("improved" if better else "regressed", text)


def _how_to_decide(differences: np.ndarray, margin: float) -> str:
    needed, now = seeds_needed(differences, margin), len(differences)
    if needed is None:
        return "one seed decides nothing" if now == 1 else "with a margin of 0 only equal values pass"
    if needed > now:
        return f"about {needed} seeds would probably decide, now {now}"
    return f"close to the margin of {_points(margin)}: more than {now} seeds"


def _worst(findings: list[Finding], drift: bool) -> Verdict:
    """The finding that takes precedence decides; the line shows it, and cost changes in any case."""
    status = min((finding.status for finding in findings), key=PRECEDENCE.index)
    shown = [finding for finding in findings if finding.status in (status, "cost changed")]
    return Verdict(status, "; ".join(finding.text for finding in shown), drift)


def _array(side: Side, seeds: list[int]) -> np.ndarray:
    """The accuracies of these seeds, [len(seeds), T+1, E]; None becomes NaN."""
    array = np.array(side["acc"], dtype=np.float64)
    if len(array) != len(side["seeds"]):
        raise ValueError(f"acc holds {len(array)} seeds but the list of seeds has {len(side['seeds'])}")
    return array[[list(side["seeds"]).index(seed) for seed in seeds]]


def _status(side: Side) -> str:
    """'ok', or for example 'unsupported: needs task labels'."""
    return f"{side['status']}: {side['error']}" if side.get("error") else side["status"]


def _points(fraction: float) -> str:
    return f"{100 * fraction:z.1f}"
