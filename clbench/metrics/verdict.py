"""The regression rule of `clbench check`: what became of one pair, from what it was to what it is now.

In this order: (1) both sides there, ok, and set up alike; (2) the exact costs, what the untrained network
scores, the sizes of the slices, and what today's metrics say of the older accuracies; (3) arrays bit-equal;
(4) ACC, forgetting and, where both have it, the plasticity gap, each within its margin. Wall-clock is never
compared: noise is no regression.

A side is a dict:
    status      "ok", "failed", "diverged" or "unsupported"; `error`, if there, says why
    settings    nested dict as read from JSON; compared field by field
    seeds       list of int
    acc         [S][T+1][E], None where a cell does not exist
    costs       per seed: steps, samples_seen, flops, memory_items
    platform    dict; equal on both sides = the same platform; empty or absent = unknown
    slices      optional: [S][E] examples in each evaluation slice
    metrics     optional, of the older side: name -> [S], what its own code computed from its `acc`
    retrained   optional: {"seeds", "acc"} of the record `joint`, for the plasticity gap
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clbench.core.costs import EXACT
from clbench.core.differences import changed_settings
from clbench.metrics.accuracy import METRICS, acc, forgetting, per_seed, plasticity_gap
from clbench.metrics.statistics import equivalence, paired_difference, seeds_needed

Side = Mapping[str, Any]

# What is wrong whatever the accuracies say; all of it is shown beside the finding that decides.
SEEN_AT_ONCE = ("data or evaluation changed", "metric changed", "cost changed")
BAD = ("missing", "failed", "changed set-up", "regressed", *SEEN_AT_ONCE, "disagrees", "shifted")
PRECEDENCE = ("regressed", *SEEN_AT_ONCE, "undecided", "improved", "pass")
MARGIN = 0.02
ALPHA = 0.05
FLIPPED = 2  # examples of a slice whose answer rounding may turn in an untrained network, on another platform
SAME = 1e-9  # metrics of one array by one code, on any platform


@dataclass(frozen=True)
class Verdict:
    """What became of one pair: a status, and one line that says why."""

    status: str  # one of BAD or PRECEDENCE, "identical" or "new"
    detail: str
    changed: bool = False  # not bit-equal although the platform is the same: the code's arithmetic changed
    accepted: bool = False  # the committed baseline says that it shall be so

    @property
    def bad(self) -> bool:
        """Where only the code can have changed the numbers, nothing shows that an undecided change is
        harmless."""
        return not self.accepted and (self.status in BAD or (self.status == "undecided" and self.changed))


@dataclass(frozen=True)
class Finding:
    """One metric's or one cost's share of the verdict."""

    status: str
    text: str


def compare(
    baseline: Side | None,
    current: Side | None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    same_platform: bool | None = None,
) -> Verdict:
    """The verdict on one pair; None on a side means that there is no record.

    alpha: the risk that each decision on a metric may take; less where the same pair is looked at again.
    same_platform: None to find out from the sides.
    """
    if baseline is None or current is None:
        sides = [name for name, side in (("baseline", baseline), ("current", current)) if side is None]
        return Verdict("missing", f"no {' and no '.join(sides)} record")
    if same_platform is None:
        same_platform = bool(baseline.get("platform")) and baseline["platform"] == current.get("platform")
    refused = not_comparable(baseline, current)
    if refused is None:
        return _measured(baseline, current, margin, alpha, same_platform)
    if baseline["status"] == current["status"] == "ok":
        return replace(refused, detail="; ".join([refused.detail, *effect(baseline, current)]))
    return refused


def exit_status(verdicts: Iterable[Verdict], strict: bool = False) -> int:
    """1 if any pair is bad (or, when strict, improved and not accepted) or nothing was compared, else 3 if
    any is undecided, else 0."""
    verdicts = list(verdicts)
    open_ones = {verdict.status for verdict in verdicts if not verdict.accepted}
    if (
        all(verdict.status == "new" for verdict in verdicts)
        or any(verdict.bad for verdict in verdicts)
        or (strict and "improved" in open_ones)
    ):
        return 1
    return 3 if "undecided" in open_ones else 0


def agreement(native: Side, other: Side, margin: float = MARGIN) -> Verdict:
    """Whether two implementations of one method agree: the same untrained network, and accuracies that are
    equivalent; undecided is no agreement, since only rounding may differ. Their costs may: what a library
    counts is its own."""
    # Not on the same platform: two libraries may round an untrained network's scores otherwise.
    theirs = {**other, "settings": native["settings"], "costs": native["costs"], "platform": {}}
    verdict = compare(native, theirs, margin)
    agree = verdict.status in ("identical", "pass")
    return Verdict("pass", "they agree") if agree else Verdict("disagrees", verdict.detail)


def metric_differences(baseline: Side, current: Side) -> dict[str, dict[int, float]]:
    """metric -> seed -> current minus baseline, of ACC and forgetting, where they have values."""
    seeds = sorted(baseline["seeds"])
    return {
        name: dict(zip(seeds, (after - before).tolist(), strict=True))
        for name, (before, after) in _compared_metrics(baseline, current).items()
        if name != "plasticity_gap" and not np.isnan([before, after]).any()
    }


# ---- rule 1


def not_comparable(
    baseline: Side, current: Side, names: tuple[str, str] = ("baseline", "current")
) -> Verdict | None:
    """Rule 1; None when the arrays can be compared."""
    for name, side in zip(names, (baseline, current), strict=True):
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
    changes += changed_settings(baseline["settings"], current["settings"])
    if changes:
        return changes
    before, after = _array(baseline, seeds[0]), _array(current, seeds[0])
    if before.shape != after.shape:
        return [f"shape of acc {list(before.shape)} -> {list(after.shape)}"]
    if not np.array_equal(np.isnan(before), np.isnan(after)):
        return [f"missing cells of acc {np.isnan(before).sum()} -> {np.isnan(after).sum()}"]
    return []


def effect(baseline: Side, current: Side) -> list[str]:
    """What a change that is bad in itself does to ACC and forgetting: means and, on the seeds that both have,
    the paired difference. Nothing where a side has no values."""
    seeds = sorted(set(baseline["seeds"]) & set(current["seeds"]))
    said = []
    for name, function in (("acc", acc), ("forgetting", forgetting)):
        before, after = (
            np.array([function(R) for R in _array(side, seeds or side["seeds"])])
            for side in (baseline, current)
        )
        if before.size and after.size and not (np.isnan(before).any() or np.isnan(after).any()):
            said.append(_moved(name, before, after, paired=bool(seeds)))
    return said


# ---- rules 2 to 4


def _measured(baseline: Side, current: Side, margin: float, alpha: float, same_platform: bool) -> Verdict:
    """Rules 2 to 4 on two ok records of the same set-up."""
    at_once = seen_at_once(baseline, current, same_platform)
    if bit_equal(baseline, current):
        if not at_once:
            return Verdict("identical", f"bit-equal, seeds {sorted(baseline['seeds'])}")
        return _worst([*at_once, Finding("pass", "accuracies bit-equal")], False)
    metrics = [
        _finding(name, before, after, margin, alpha)
        for name, (before, after) in _compared_metrics(baseline, current).items()
        if not np.isnan([before, after]).any()
    ]
    if not metrics:
        metrics = [Finding("undecided", "arrays differ, and missing cells leave no metric to compare")]
    return _worst(at_once + metrics, same_platform)


def seen_at_once(baseline: Side, current: Side, same_platform: bool) -> list[Finding]:
    """Rule 2: what is wrong whatever the accuracies say, of two sides with the same seeds."""
    return [
        *_changed_costs(baseline, current),
        *_changed_untrained(baseline, current, same_platform),
        *_changed_metrics(baseline),
    ]


def bit_equal(baseline: Side, current: Side) -> bool:
    """Rule 3, of two sides with the same seeds."""
    seeds = sorted(baseline["seeds"])
    return np.array_equal(_array(baseline, seeds), _array(current, seeds), equal_nan=True)


def _changed_costs(baseline: Side, current: Side) -> list[Finding]:
    """Rule 2: exact, so without a tolerance."""
    return [
        Finding("cost changed", f"{name} {baseline['costs'][name]} -> {current['costs'][name]}")
        for name in EXACT
        if baseline["costs"][name] != current["costs"][name]
    ]


def _changed_untrained(baseline: Side, current: Side, same_platform: bool) -> list[Finding]:
    """Rule 2: an untrained network moves only when data, initial weights or evaluation do. On another
    platform rounding may turn a few answers."""
    status = "data or evaluation changed"
    sizes = [side.get("slices") for side in (baseline, current)]
    if sizes[0] and sizes[1] and sizes[0] != sizes[1]:
        return [Finding(status, f"examples in the slices {sizes[0][0]} -> {sizes[1][0]}")]
    seeds = sorted(baseline["seeds"])
    before, after = (_array(side, seeds)[:, 0] for side in (baseline, current))
    if np.array_equal(before, after, equal_nan=True):
        return []
    order = [list(baseline["seeds"]).index(seed) for seed in seeds]
    allowed = FLIPPED / np.array(sizes[0], dtype=float)[order] if sizes[0] else np.array(MARGIN)
    moved = np.nan_to_num(np.abs(after - before))
    if not same_platform and (moved <= allowed + SAME).all():
        return []
    return [
        Finding(
            status,
            f"the untrained network scores {points(np.nanmean(before))} -> {points(np.nanmean(after))}, "
            f"up to {points(moved.max())} apart on one slice",
        )
    ]


def _changed_metrics(baseline: Side) -> list[Finding]:
    """Rule 2: today's code on the older accuracies must say what the code of then said."""
    then = baseline.get("metrics")
    if not then:
        return []
    today = per_seed(np.array(baseline["acc"], dtype=np.float64))
    findings = []
    for name in then.keys() & today.keys():
        before = np.array(then[name], dtype=np.float64)
        if not np.allclose(before, today[name], rtol=0, atol=SAME, equal_nan=True):
            shown = f"{METRICS[name].title} {_mean(before)} -> {_mean(today[name])}"
            findings.append(Finding("metric changed", f"{shown} of the same accuracies"))
    return sorted(findings, key=lambda finding: finding.text)


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


def _finding(name: str, before: np.ndarray, after: np.ndarray, margin: float, alpha: float) -> Finding:
    """Rule 4 for one metric."""
    text = _moved(name, before, after, paired=True, level=1 - alpha)
    decision = equivalence(after, before, margin, alpha)
    if decision == "equivalent":
        return Finding("pass", text)
    if decision == "undecided":
        needed = seeds_needed(after - before, margin)
        return Finding("undecided", f"{text} ({how_to_decide(needed, len(after), margin)})")
    better = (after.mean() > before.mean()) == METRICS[name].higher_is_better
    return Finding("improved" if better else "regressed", text)


def _moved(name: str, before: np.ndarray, after: np.ndarray, paired: bool, level: float = 0.95) -> str:
    """'ACC 70.0 -> 65.0, difference -5.0 [-5.2, -4.8]'."""
    text = f"{METRICS[name].title} {points(before.mean())} -> {points(after.mean())}"
    difference = paired_difference(after, before, level) if paired else None
    if difference is None or difference.low is None or difference.high is None:
        return text
    interval = f"[{points(difference.low)}, {points(difference.high)}]"
    return f"{text}, difference {points(after.mean() - before.mean())} {interval}"


def how_to_decide(needed: int | None, now: int, margin: float) -> str:
    """What would decide: needed and now are numbers of seeds, of each side."""
    if needed is None:
        return "one seed decides nothing" if now == 1 else "with a margin of 0 only equal values pass"
    if needed > now:
        return f"about {needed} seeds would probably decide, now {now}"
    return f"close to the margin of {points(margin)}: more than {now} seeds"


def _worst(findings: list[Finding], changed: bool) -> Verdict:
    """The finding that takes precedence decides; the line shows it, what is seen at once in any case, and
    then what the metrics did."""
    status = min((finding.status for finding in findings), key=PRECEDENCE.index)
    shown = [finding for finding in findings if finding.status in (status, *SEEN_AT_ONCE)]
    if status in SEEN_AT_ONCE:
        shown = findings
    shown = sorted(shown, key=lambda finding: PRECEDENCE.index(finding.status))
    return Verdict(status, "; ".join(finding.text for finding in shown), changed)


def _array(side: Side, seeds: list[int]) -> np.ndarray:
    """The accuracies of these seeds, [len(seeds), T+1, E]; None becomes NaN."""
    array = np.array(side["acc"], dtype=np.float64)
    if len(array) != len(side["seeds"]):
        raise ValueError(f"acc holds {len(array)} seeds but the list of seeds has {len(side['seeds'])}")
    return array[[list(side["seeds"]).index(seed) for seed in seeds]]


def _status(side: Side) -> str:
    """'ok', or for example 'unsupported: needs task labels'."""
    return f"{side['status']}: {side['error']}" if side.get("error") else side["status"]


def _mean(values: np.ndarray) -> str:
    return "–" if np.isnan(values).all() else points(np.nanmean(values))


def points(fraction: float) -> str:
    """'70.0' of 0.7."""
    return f"{100 * fraction:z.1f}"
