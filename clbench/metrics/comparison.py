"""The rule of `clbench compare` and `clbench history`: that of `clbench check`, for two sides that may have
been made on other machines or from other seeds; and what is said of two methods.

Seed by seed where the seeds that both sides have were made on the same machines; else the sides are two
independent samples, compared after Welch. An older side is A, a newer one B.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clbench.metrics.accuracy import METRICS
from clbench.metrics.statistics import (
    PairedDifference,
    Summary,
    equivalence,
    paired_difference,
    seeds_needed,
    seeds_needed_unpaired,
    summarise,
    welch_difference,
)
from clbench.metrics.verdict import (
    MARGIN,
    PRECEDENCE,
    Finding,
    Side,
    Verdict,
    bit_equal,
    how_to_decide,
    not_comparable,
    seen_at_once,
)

COMPARED = ("acc", "forgetting", "plasticity_gap")
# What the rule calls "pass" is "equivalent" here, where nothing has to pass. Two methods are "different",
# "other set-up" where their numbers are of different questions, and of "no numbers" where one has failed.
ORDER = (*PRECEDENCE[:-1], "different", "equivalent", "identical")
NOT_COMPARED = ("missing", "new", "failed", "changed set-up", "no numbers", "other set-up")
OF_A_QUESTION = ("data", "scenario", "network", "budget", "benchmark", "precision")  # settings of two methods

BySeed = Mapping[int, float]
Values = Mapping[str, tuple[BySeed, BySeed]]  # metric -> of A, of B; NaN where a seed has none


@dataclass(frozen=True)
class Compared:
    """One metric on two sides: what each has on its own seeds, the difference B - A, and what that says."""

    metric: str
    a: Summary
    b: Summary
    difference: PairedDifference
    paired: bool  # else after Welch
    status: str  # of ORDER, or of NOT_COMPARED where the numbers are only shown
    how: str = ""  # it would be decided

    @property
    def b_is_better(self) -> bool:
        sign = 1 if METRICS[self.metric].higher_is_better else -1
        return sign * (self.difference.mean or 0.0) > 0


@dataclass(frozen=True)
class Comparison:
    """What became of a pair, or of two methods on a benchmark: findings that are no difference of a metric,
    and the metrics."""

    status: str  # of ORDER or NOT_COMPARED
    findings: tuple[Finding, ...] = ()
    metrics: tuple[Compared, ...] = ()


def compare_pair(a: Side | None, b: Side | None, values: Values, margin: float = MARGIN) -> Comparison:
    """What became of one pair; None on a side means that there is no record.

    Sides are those of `clbench.metrics.verdict`, with `machines`: seed -> where it was made, None if unknown.
    The exact costs are compared where the seeds are the same: some methods' depend on the seed.
    """
    if a is None or b is None:
        found = Finding("missing", "only in A") if b is None else Finding("new", "only in B")
        return Comparison(found.status, (found,))
    first, second, paired = _common(a, b)
    metrics = _compared(values, paired, margin, methods=False)
    if refused := not_comparable(first, second, ("A", "B")):
        return _only_shown(refused, metrics)
    if sorted(a["seeds"]) != sorted(b["seeds"]):
        second = {**second, "costs": first["costs"]}
    same_platform = bool(a.get("platform")) and a["platform"] == b.get("platform")
    return _judged(first, second, seen_at_once(first, second, same_platform), metrics)


def compare_methods(a: Side, b: Side, values: Values, margin: float = MARGIN) -> Comparison:
    """What is said of two methods, A and B, on one benchmark.

    They are different where the 95 % interval of a metric's difference excludes 0, as ties of a table are
    decided; else equivalent, where the margin allows, or undecided.
    """
    for name, side in (("A", a), ("B", b)):
        if side["status"] != "ok":
            why = f": {side['error']}" if side.get("error") else ""
            return Comparison("no numbers", (Finding("no numbers", f"{name} {side['status']}{why}"),))
    first, second, paired = _common(*({**side, "settings": _question(side["settings"])} for side in (a, b)))
    metrics = _compared(values, paired, margin, methods=True)
    if refused := not_comparable(first, second):
        return _only_shown(replace(refused, status="other set-up"), metrics)
    return _judged(first, second, [], metrics)


def _compared(values: Values, paired: bool, margin: float, methods: bool) -> tuple[Compared, ...]:
    """The metrics of which both sides have a value for each of their seeds."""
    return tuple(
        _metric(name, a, b, paired, margin, methods)
        for name, (a, b) in values.items()
        if summarise(list(a.values())).mean is not None and summarise(list(b.values())).mean is not None
    )


def _metric(name: str, a: BySeed, b: BySeed, paired: bool, margin: float, methods: bool) -> Compared:
    common = sorted(a.keys() & b.keys())
    paired = paired and bool(common)
    before, after = (
        np.array([side[seed] for seed in (common if paired else sorted(side))]) for side in (a, b)
    )
    interval = paired_difference if paired else welch_difference
    found = Compared(
        name,
        summarise(list(a.values())),
        summarise(list(b.values())),
        interval(after, before),
        paired,
        "equivalent",
    )
    if methods and found.difference.low is not None and not found.difference.contains_zero:
        return replace(found, status="different")
    decision = equivalence(after, before, margin, interval=interval)
    if decision == "equivalent":
        return found
    if decision == "different":
        return replace(found, status="improved" if found.b_is_better else "regressed")
    needed = seeds_needed(after - before, margin) if paired else seeds_needed_unpaired(before, after, margin)
    return replace(found, status="undecided", how=how_to_decide(needed, found.difference.n, margin))


def _only_shown(refused: Verdict, metrics: tuple[Compared, ...]) -> Comparison:
    """Of other set-ups the numbers are shown, and nothing is said of them."""
    shown = tuple(replace(one, status=refused.status, how="") for one in metrics)
    return Comparison(refused.status, (Finding(refused.status, refused.detail),), shown)


def _judged(first: Side, second: Side, found: list[Finding], metrics: tuple[Compared, ...]) -> Comparison:
    """What is found beside the metrics, and the worst of all; of two sides on their common seeds."""
    if first["seeds"] and bit_equal(first, second):
        which = first["said"] or second["said"]
        found = [*found, Finding("identical", f"bit-equal, {which}seeds {first['seeds']}")]
        # A gap to `joint` may move though the pair's own accuracies do not.
        metrics = tuple(one if one.difference.mean else replace(one, status="identical") for one in metrics)
    elif not metrics:
        found = [*found, Finding("undecided", "arrays differ, and missing cells leave no metric to compare")]
    statuses = [one.status for one in found] + [one.status for one in metrics]
    return Comparison(min(statuses, key=ORDER.index), tuple(found), metrics)


def _common(a: Side, b: Side) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """Both sides on the seeds that both have, and whether these pair: several, each made on one machine, or
    all bit-equal wherever they were made."""
    seeds = sorted(set(a["seeds"]) & set(b["seeds"]))
    first, second = _on_seeds(a, seeds), _on_seeds(b, seeds)
    there, here = a["machines"], b["machines"]
    one_machine = all(there[seed] is not None and there[seed] == here[seed] for seed in seeds)
    return first, second, len(seeds) > 1 and one_machine or bool(seeds) and bit_equal(first, second)


def _on_seeds(side: Side, seeds: list[int]) -> dict[str, Any]:
    """The side as if it had these seeds only."""
    places = [list(side["seeds"]).index(seed) for seed in seeds]
    sizes = side.get("slices")
    return {
        **side,
        "seeds": seeds,
        "said": "" if len(seeds) == len(side["seeds"]) else "common ",
        "acc": np.array(side["acc"], dtype=np.float64)[places],
        "slices": sizes and [sizes[place] for place in places],
        "metrics": None,
    }


def _question(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What two methods have to have in common to be asked the same."""
    return {name: settings.get(name) for name in OF_A_QUESTION}
