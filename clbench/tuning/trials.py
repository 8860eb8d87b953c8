"""The trials of all that is to be tuned, as a plan that the workers run and the results folder keeps."""

from pathlib import Path

from msgspec.structs import replace

from clbench.errors import InputError
from clbench.execution.execute import Finished
from clbench.execution.plan import Pair, Plan, make_plan, measured_seconds
from clbench.results import records
from clbench.results.record import BrokenRecord, Record
from clbench.tuning.asked import Asked, Tuning
from clbench.tuning.choice import Trial, trial


def plan_trials(
    asked: Asked, profile: str, seeds: list[int], tasks: int, out: Path, place: Path, device: str
) -> Plan:
    """place: the folder of the trials; out: that of the results, whose rows say how long a trial will take.

    Raises InputError for a row there that has one of the seeds: it would be measured on what it was chosen
    on."""
    plans = []
    for held_out in dict.fromkeys(one.held_out for one in asked.tunings):
        specs = [spec for one in asked.tunings if one.held_out == held_out for spec in one.specs]
        plans.append(make_plan([held_out], specs, profile, seeds, place, device=device, first_tasks=tasks))
    plan = Plan.joined(plans)
    for one in asked.tunings:
        row = _row(one, profile, out)
        if row and (shared := sorted(set(row.seeds) & set(seeds))):
            raise InputError(
                f"{one.strategy} on {one.benchmark} was run with seed {shared[0]}, see {out}; "
                "choose by others: --seed-list"
            )
        for pair in pairs_of(one, plan):
            if pair.stored is None and (seconds := measured_seconds(row)):
                pair.seconds = pair.share * seconds
    return plan


def _row(one: Tuning, profile: str, out: Path) -> Record | None:
    try:
        return records.find(out, profile, one.benchmark, one.strategy)
    except BrokenRecord:
        return None


def pairs_of(one: Tuning, plan: Plan) -> list[Pair]:
    return [
        pair
        for pair in plan.pairs
        if pair.blank.benchmark == one.held_out and pair.blank.strategy in one.specs
    ]


def why_not(one: Tuning, plan: Plan) -> str | None:
    """Why the method cannot learn the benchmark, or cannot be had here; None where it can be tuned."""
    names = [(one.held_out, spec) for spec in one.specs[:1]]  # the paper's; another may be refused and lose
    reasons = [
        *(f"unsupported: {plan.unsupported[name]}" for name in names if name in plan.unsupported),
        *(
            f"unavailable: {plan.unavailable[name]}"
            for name in [(one.held_out, None), *names]
            if name in plan.unavailable
        ),
        *(
            record.error.reason
            for record in plan.failed
            if record.benchmark == one.held_out and record.strategy in one.specs and record.error
        ),
    ]
    return next(iter(reasons), None)


def trials_of(one: Tuning, plan: Plan, finished: Finished, seeds: list[int]) -> list[Trial] | str | None:
    """The trials in the order of the candidates; a line where one failed; None where not all have ended."""
    trials = []
    for values, spec in zip(one.candidates, one.specs, strict=True):
        record = finished.records.get((one.held_out, spec))
        if (one.held_out, spec) in plan.unsupported:
            record = replace(pairs_of(one, plan)[0].blank, strategy=spec, status="unsupported")
        if record is not None and record.status == "failed":
            return f"{spec} failed: {record.error.reason if record.error else ''}; nothing is chosen"
        if record is None or (record.status == "ok" and not set(seeds) <= set(record.seeds)):
            return None
        trials.append(trial(values, record, seeds))
    return trials
