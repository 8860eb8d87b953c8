"""What a reader has to know of a table: the lines below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from clbench.metrics.accuracy import METRICS
from clbench.metrics.references import NAIVE
from clbench.metrics.statistics import on_common_seeds, paired_difference
from clbench.report.chosen import chosen_values
from clbench.report.columns import QUESTIONS, heading, in_use
from clbench.report.stars import competes, seeds_due, star_and_ties
from clbench.report.values import BUSY, Entry, data_of, in_time, is_plain, ranks_by
from clbench.results.record import Record

if TYPE_CHECKING:
    from clbench.report.tables import Row  # which imports this module

KEPT = 0.8  # of what was learnt: the yardstick of those who fine-tune
UNITS = "accuracies in points ± half-width of the 95 % t interval over seeds ([low, high]: Fieller's)"
LEGEND = {
    "best": "★ best mean among the rows that do not train on all data so far and have all seeds",
    "tied": "≈ not distinguishable from ★: "
    "the 95 % interval of the paired difference on common seeds contains 0",
    "unclear": "? too few seeds to tell from ★: "
    "that interval contains 0 and does not exclude a difference of 10 points, or the row lacks seeds",
    "stale": "† stale: made by source code, or with tuned values, that have changed since; run it again. "
    "Stale rows take no part in ★ and ≈",
    "accepted": "‡ on a copy of the data that differs from the published one and was taken knowingly",
    "waited": f"⚑ the machine was busy, so the seconds are too many: a seed group took more than {BUSY:g} "
    "times its CPU time; `clbench run --fresh-times` repeats such rows",
}


def notes_of_comparison(found: list[Entry], rows: Sequence[Row], lead: str) -> list[str]:
    """Of the rows of one benchmark, which `lead` ranks."""
    return [
        *_question(found, lead),
        *_on_rows(rows, costs=True),
        *_seeds(found, lead),
        *chosen_values(found),
        *_yardstick(rows),
        *_no_effect(found),
        *_no_help(found, lead),
        *machines(rows),
    ]


def notes_of_benchmarks(
    judged: Mapping[str, list[Entry]], rows: Sequence[Row], metric: str | None, costs: bool
) -> list[str]:
    """Of the rows of several, shown by one metric (or cost: `costs`), or each by what ranks it."""
    seeds = [_seeds(found, metric or ranks_by(found[0].record)) for found in judged.values()]
    return [*_on_rows(rows, costs), *chain(*seeds), *(machines(rows) if costs else [])]


def _on_rows(rows: Sequence[Row], costs: bool) -> list[str]:
    """What a reader has to know: units, signs, reasons, data."""
    used = {mark for row in rows for one in row.cells.values() for mark in one.marks}
    return [
        UNITS + ("; costs are per seed" if costs else ""),
        *(LEGEND[mark] for mark in LEGEND if mark in used),
        *_reasons(rows),
        *data_notes(rows),
    ]


def _question(found: list[Entry], lead: str) -> list[str]:
    """Of streams in time: which question ranks, and who would be first by the others."""
    if not in_time(found[0].record):
        return []
    said = QUESTIONS.get(lead, heading(lead).description)
    others = [
        f"{heading(name).title} ({asked}): {best}"
        for name, asked in QUESTIONS.items()
        if name != lead and (best := star_and_ties(found, name).best)
    ]
    ranked = f"ranked by {heading(lead).title}: {said}"
    return [f"{ranked} Best by {'; by '.join(others)}" if others else ranked]


def _seeds(found: list[Entry], metric: str) -> list[str]:
    """Why rows take no ★: they have fewer seeds than the profile asks for."""
    due, benchmark = seeds_due(found), found[0].record.benchmark
    competing = [entry for entry in found if metric in METRICS and competes(entry, metric)]
    short = [entry.record.strategy for entry in competing if len(entry.record.seeds) < max(2, due)]
    if not short:
        return []
    if len(short) == len(competing):
        return [f"{benchmark}: no ★, since no row that competes has the {max(2, due)} seeds it takes"]
    return [f"{benchmark}: fewer seeds than the {due} of the profile, so neither ★ nor ≈: {', '.join(short)}"]


def _yardstick(rows: Sequence[Row]) -> list[str]:
    """Who keeps enough of the old, and how much of full retraining each of these reaches on the new."""
    if not in_use(rows, "old_kept"):
        return []
    others = {name for benchmark in _benchmarks(rows) for name in _on_other_data(rows, benchmark)}
    kept = [
        (row.strategy, row.cells["new_share"].value)
        for row in rows
        if (row.cells["old_kept"].value or 0) >= KEPT and row.strategy not in others
    ]
    told = ", ".join(name if share is None else f"{name} ({share:.0%})" for name, share in kept) or "none"
    yardstick = (
        f"keep at least {KEPT:.0%} of what was learnt (and on the last slice reach this share of joint)"
    )
    return [f"{yardstick}: {told}"]


def _no_effect(found: list[Entry]) -> list[str]:
    """The rows whose weights and scores are plain training's, bit for bit, on all seeds that both have."""
    trained = [entry.record for entry in found if entry.ok and not entry.stale]
    plain = [record for record in trained if is_plain(record)]
    told = [
        record.strategy
        for record in trained
        if not is_plain(record) and any(_same(record, one) for one in plain)
    ]
    return [f"no effect, the weights and scores of {NAIVE} bit for bit: {', '.join(told)}"] if told else []


def _same(one: Record, other: Record) -> bool:
    ours, theirs = (dict(zip(record.seeds, record.acc, strict=True)) for record in (one, other))
    seeds = ours.keys() & theirs.keys()
    return bool(seeds) and all(
        ours[seed] == theirs[seed] and seed in one.weights and one.weights[seed] == other.weights.get(seed)
        for seed in seeds
    )


def _no_help(found: list[Entry], lead: str) -> list[str]:
    """The methods that no paired interval shows to be better than plain training."""
    fine_tuned = [entry for entry in found if entry.record.strategy == NAIVE and entry.ok and not entry.stale]
    if not fine_tuned or lead not in METRICS:
        return []
    sign = 1 if METRICS[lead].higher_is_better else -1
    told = []
    for entry in found:
        if entry is not fine_tuned[0] and competes(entry, lead) and _on_same_data(entry, fine_tuned[0]):
            own, plain = on_common_seeds(entry.metrics[lead], fine_tuned[0].metrics[lead])
            difference = paired_difference(sign * own, sign * plain)
            if difference.low is not None and difference.low <= 0:
                told.append(entry.record.strategy)
    if not told:
        return []
    return [f"not shown to be better than {NAIVE} (paired, 95 %): {', '.join(told)}"]


def _on_same_data(one: Entry, other: Entry) -> bool:
    return data_of(one.record) == data_of(other.record)


def _reasons(rows: Sequence[Row]) -> list[str]:
    """What befell rows: a line for each thing, naming all strategies and benchmarks of which it is true."""
    told: dict[tuple[str, str], list[str]] = {}  # (strategy, what) -> benchmarks
    for row in rows:
        for benchmark, origin in row.origins.items():
            said = [f"{origin.status}, {origin.reason or 'no reason given'}"] if origin.status != "ok" else []
            for what in said + origin.notes:
                told.setdefault((row.strategy, what), []).append(benchmark)
    lines: dict[tuple[str, str], list[str]] = {}  # (benchmarks, what) -> strategies
    for (strategy, what), benchmarks in told.items():
        lines.setdefault((", ".join(benchmarks), what), []).append(strategy)
    return [
        f"{', '.join(strategies)} on {benchmarks}: {what}" for (benchmarks, what), strategies in lines.items()
    ]


def data_notes(rows: Sequence[Row]) -> list[str]:
    """Which rows are of other data than the latest, as after examples have been added."""
    lines = []
    for benchmark in _benchmarks(rows):
        if others := _on_other_data(rows, benchmark):
            kinds = {data for row in rows if (data := _data_where_it_competes(row, benchmark))}
            none = ", so none is called best" if len(kinds) > 1 else ""
            names = ", ".join(others)
            lines.append(f"{benchmark}: made on different data than the latest row{none}; run again: {names}")
    return lines


def _benchmarks(rows: Sequence[Row]) -> list[str]:
    return sorted({benchmark for row in rows for benchmark in row.origins})


def _on_other_data(rows: Sequence[Row], benchmark: str) -> list[str]:
    """The rows that were made on other data than the one that was made last."""
    made = {row.strategy: row.origins[benchmark] for row in rows if benchmark in row.origins}
    made = {name: origin for name, origin in made.items() if origin.data and origin.provenance}
    if not made:
        return []
    latest = max(made.values(), key=lambda origin: max(str(one.get("started")) for one in origin.provenance))
    return [name for name, origin in made.items() if origin.data != latest.data]


def _data_where_it_competes(row: Row, benchmark: str) -> str | None:
    """None where the row does not compete there."""
    origin = row.origins.get(benchmark)
    competes = origin and origin.status == "ok" and not origin.stale and not row.yardstick
    return origin.data if origin and competes else None


def machines(rows: Sequence[Row]) -> list[str]:
    """The machine line, or one line per machine when there are several."""
    made: dict[str, set[str]] = {}
    together: dict[str, set[int]] = {}
    for row in rows:
        for one in (one for origin in row.origins.values() for one in origin.provenance):
            made.setdefault(machine(one), set()).add(row.strategy)
            together.setdefault(machine(one), set()).add(one["concurrent"])
    lines = [f"{name}, {_concurrent(together[name])}" for name in sorted(made)]
    if len(made) < 2:
        return [f"made on {line}: times are comparable only inside this table" for line in lines]
    rows_of = [", ".join(row.strategy for row in rows if row.strategy in made[name]) for name in sorted(made)]
    return [
        "made on different machines: times are not comparable between them",
        *(f"{line}: {names}" for line, names in zip(lines, rows_of, strict=True)),
    ]


def machine(provenance: dict) -> str:
    """Device, processor and threads of a seed group."""
    device, processor, threads = (provenance.get(key) for key in ("device", "processor", "threads"))
    return f"{device} ({processor}, {threads} thread{'' if threads == 1 else 's'})"


def _concurrent(counts: set[int]) -> str:
    if counts == {1}:
        return "one seed group at a time"
    return f"{' or '.join(map(str, sorted(counts)))} seed groups at the same time"
