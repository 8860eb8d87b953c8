"""Tables of strategies: one benchmark with many metrics (`comparison`), or many benchmarks with one metric
each (`by_metric`).

A table is plain data, the same for every way of writing it (`clbench.report.formats`). Whatever depends on
other records is computed here, when shown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clbench.core.costs import COSTS, SECONDS
from clbench.metrics.accuracy import METRICS
from clbench.metrics.decay import DECAY
from clbench.metrics.references import NAIVE
from clbench.metrics.statistics import on_common_seeds, paired_difference, summarise
from clbench.profiles import PROFILES
from clbench.report.chosen import chosen_values
from clbench.report.stars import competes, seeds_due, star_and_ties
from clbench.report.values import (
    BUSY,
    Entry,
    data_of,
    entries,
    family_of,
    in_time,
    is_held_out,
    is_plain,
    kind_of,
    oldest,
    order_of,
    ranks_by,
    trains_on_all_data,
    waited,
)
from clbench.results.records import Record

Judged = Mapping[str, list[Entry]]  # benchmark -> its entries

NONE = "–"
# The columns of a table, in groups: what a row learns, what it lacks beside retraining, what it costs.
BESIDE_RETRAINING = ("plasticity_gap", "plasticity_gap_equal", "joint_gap")
COST_COLUMNS = (
    "seconds",
    "gpu_hours",
    "cpu_hours",
    "energy_wh",
    "gflops",
    "retraining_saved",
    "memory_items",
    "memory_mb",
    "peak_mb",
    "labels",
    "growth",
)
# What is kept, what the past is good for.
KEEPING = ("acc", "acc_by_example", "old", "new", "old_kept", "forgetting", "fwt")
DEFAULT = (*KEEPING, "aia", "bwt", *BESIDE_RETRAINING, "recovered", *COST_COLUMNS)
# Of streams in time, three questions, side by side, so that none is answered in place of another.
QUESTIONS = {
    "stream_next": "how good is it on what comes next?",
    "stream_backward": "how well does it keep what came before?",
    "acc": "how good is it on everything in the end?",
}
IN_TIME = (*QUESTIONS, *KEEPING[1:], "aia", "bwt", *BESIDE_RETRAINING, "recovered", *COST_COLUMNS)
PAIRS = (
    *QUESTIONS,
    "stream_id",
    "stream_forward",
    "forgetting",
    "old_kept",
    "new_share",
    *BESIDE_RETRAINING,
    "backward_left_right",
    "backward_right_left",
    "backward_five",
    *COST_COLUMNS,
)
KEPT = 0.8  # of what was learnt: the yardstick of those who fine-tune
WHERE_USED = ("acc_by_example", "gpu_hours", "cpu_hours", "energy_wh", "memory_mb", "labels", "growth")
TITLES = {
    "seconds": "s/seed",
    "gflops": "GFLOPs",
    "gpu_hours": "GPU h",
    "cpu_hours": "CPU h",
    "peak_mb": "peak MB",
    "memory_mb": "kept MB",
    "compute": "× naive",
}
DERIVED = ("seconds", "gflops", "memory_mb", "compute")  # what tables show of costs in other units
NAMES = (*METRICS, *COSTS, *DERIVED, *DECAY)  # of all that a row has a value of
TIMES = ("seconds", *SECONDS)  # by the clock
POINTS_PER = {"update_gain_per_gflop": 100, "update_gain_per_item": 1e5}  # GFLOP, 1,000 examples
DESCRIPTIONS = {
    "seconds": "wall-clock of training and evaluation",
    "gflops": "counted forward and backward FLOPs, in units of 10^9",
    "memory_mb": "stored examples and all else kept beyond the plain model, in 10^6 bytes",
    "compute": "FLOPs as a multiple of naive's on the same benchmark and data",
}
UNITS = "accuracies in points ± half-width of the 95 % t interval over seeds ([low, high]: Fieller's)"
SIGNS = {
    "best": "★",
    "tied": "≈",
    "unclear": "?",
    "stale": "†",
    "accepted": "‡",
    "imported": "§",
    "waited": "⚑",
}
LEGEND = {
    "best": "★ best mean among the rows that do not train on all data so far and have all seeds",
    "tied": "≈ not distinguishable from ★: "
    "the 95 % interval of the paired difference on common seeds contains 0",
    "unclear": "? too few seeds to tell from ★: "
    "that interval contains 0 and does not exclude a difference of 10 points, or the row lacks seeds",
    "stale": "† stale: made by source code that has changed since; run it again. "
    "Stale rows take no part in ★ and ≈",
    "accepted": "‡ on a copy of the data that differs from the published one and was taken knowingly",
    "waited": f"⚑ the machine was busy, so the seconds are too many: a seed group took more than {BUSY:g} "
    "times its CPU time; `clbench run --fresh-times` repeats such rows",
}


@dataclass(frozen=True)
class Cell:
    """One value: mean over n seeds, its 95 % interval and SD, what to print; `marks` are keys of SIGNS."""

    value: float | None = None
    half_width: float | None = None  # None where the interval is not symmetric
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    n: int = 0
    seeds: Mapping[int, float | None] = field(default_factory=dict)
    text: str = NONE
    marks: tuple[str, ...] = ()

    @property
    def signs(self) -> str:
        return "".join(f"{SIGNS[mark]} " for mark in self.marks)

    @property
    def shown(self) -> str:
        return self.signs + self.text


@dataclass(frozen=True)
class Column:
    name: str  # of a metric or cost, or of a benchmark
    title: str
    higher_is_better: bool | None = None
    description: str = ""
    metric: str | None = None  # of a benchmark's column: what its cells hold

    @property
    def heading(self) -> str:
        return self.title + {True: " ↑", False: " ↓", None: ""}[self.higher_is_better]


@dataclass(frozen=True)
class Origin:
    """Where a row's numbers on one benchmark come from."""

    status: str
    reason: str | None
    stale: bool
    seeds: list[int]
    data: str
    provenance: list[dict]  # one per seed group, with `concurrent` in it; none of what was imported
    notes: list[str]  # what was out of the ordinary in its groups
    source: str | None = None  # who says so, of what was imported


@dataclass(frozen=True)
class Row:
    strategy: str
    family: str
    kind: str  # one of KINDS, or imported
    origins: dict[str, Origin]  # by benchmark
    cells: dict[str, Cell]  # by metric and cost (comparison) or by benchmark (by_metric)
    yardstick: bool = False  # trains on all data so far, so it competes for nothing


@dataclass(frozen=True)
class Table:
    profile: str
    benchmark: str | None  # None: by_metric, and the columns are benchmarks
    metric: str | None  # of all columns where they are benchmarks; None: each has its own
    columns: list[Column]  # what is shown by default; a row's cells may hold more
    rows: list[Row]
    notes: list[str]

    ranks_by: str | None = None  # comparison: the metric of ★ and ≈
    held_out: bool = False  # evaluated on held-out training data, not on test data
    seeds: int | None = None  # comparison: how many a row should have

    @property
    def title(self) -> str:
        if self.benchmark:
            shown = f"{self.benchmark}, profile {self.profile}"
            shown += f", ranked by {heading(self.ranks_by).title}" if self.ranks_by else ""
        else:
            title = heading(self.metric).title if self.metric else "what each benchmark ranks by"
            shown = f"{title}, profile {self.profile}"
        return shown + (", on held-out training data" if self.held_out else "")

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from clbench.report.formats import to_html  # which imports this module

        return to_html(self)


def heading(name: str) -> Column:
    """The column of a metric or cost."""
    if name in METRICS:
        metric = METRICS[name]
        return Column(name, metric.title, metric.higher_is_better, metric.description)
    if name in DECAY:  # of the stream as much as of the row: no arrow
        return Column(name, DECAY[name].title, None, DECAY[name].description)
    cost = COSTS.get(name)
    title = TITLES.get(name) or (f"{cost.title} {cost.unit}".strip() if cost else name)
    return Column(name, title, None, DESCRIPTIONS.get(name) or (cost.description if cost else ""))


def show(records: list[Record], metric: str | None = None, beside: Sequence[Record] = ()) -> list[Table]:
    """The tables of any records: by profile and benchmark, or with a metric by profile.

    `beside`: records that get no row but may serve as references, where only some rows are asked for. Rows
    on held-out training data never stand beside rows on test data.
    """
    return [table_of(judged, metric) for judged in groups(records, beside, together=metric is not None)]


def groups(records: list[Record], beside: Sequence[Record], together: bool) -> list[Judged]:
    """What each table is made of: rows of one profile, on test data or on held-out training data; together:
    all their benchmarks, else one."""
    made: list[Judged] = []
    for part in (part for mixed in by_profile(records).values() for part in by_data(mixed)):
        judged = {benchmark: entries(own, beside) for benchmark, own in by_benchmark(part).items()}
        made += [judged] if together else [{benchmark: own} for benchmark, own in judged.items()]
    return made


def table_of(judged: Judged, metric: str | None = None) -> Table:
    """All metrics where there is one benchmark and none is asked for."""
    if metric is None and len(judged) == 1:
        return comparison_of(*judged.values())
    return by_metric_of(judged, metric)


def by_data(records: list[Record]) -> list[list[Record]]:
    """Those evaluated on test data, and those on held-out training data; only what there is."""
    parts = [[record for record in records if is_held_out(record) == held] for held in (False, True)]
    return [part for part in parts if part]


def by_profile(records: list[Record]) -> dict[str, list[Record]]:
    """Records by profile, in the order of the profiles."""
    known = list(PROFILES)
    names = sorted(
        {record.profile for record in records},
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
    return {name: [record for record in records if record.profile == name] for name in names}


def by_benchmark(records: list[Record]) -> dict[str, list[Record]]:
    names = sorted({record.benchmark for record in records})
    return {name: [record for record in records if record.benchmark == name] for name in names}


def comparison(records: list[Record], beside: Sequence[Record] = ()) -> Table:
    """All strategies on one benchmark under one profile, with every metric and cost in the cells."""
    return comparison_of(entries(records, beside))


def comparison_of(found: list[Entry]) -> Table:
    """The same of entries."""
    first = found[0].record
    lead = ranks_by(first)
    names = [name for name in NAMES if in_time(first) or name not in DECAY]
    rows = [
        row_of(entry, {name: cell(entry, name) for name in names} | {lead: one})
        for entry, one in zip(found, cells_with_marks(found, lead), strict=True)
    ]
    chosen = _columns(first, lead)
    columns = [_heading(name, chosen) for name in chosen if name not in WHERE_USED or _in_use(rows, name)]
    notes = [
        *_question(found, lead),
        *_notes(rows, costs=True),
        *_seeds(found, lead),
        *chosen_values(found),
        *_yardstick(rows),
        *_no_effect(found),
        *_no_help(found, lead),
        *machines(rows),
    ]
    held_out = is_held_out(first)
    return Table(first.profile, first.benchmark, None, columns, rows, notes, lead, held_out, seeds_due(found))


def _columns(record: Record, lead: str) -> tuple[str, ...]:
    """Of a benchmark's table; the metric that ranks is among them."""
    pairs = record.settings.get("scenario") == "pairs"
    chosen = PAIRS if pairs else IN_TIME if in_time(record) else DEFAULT
    return chosen if lead in chosen else (lead, *chosen)


def _heading(name: str, chosen: tuple[str, ...]) -> Column:
    """ACC answers one of three questions where those stand beside it."""
    column = heading(name)
    return (
        replace(column, title=f"all ({column.title})")
        if name == "acc" and "stream_next" in chosen
        else column
    )


def by_metric(records: list[Record], metric: str | None = None, beside: Sequence[Record] = ()) -> Table:
    """All strategies on all benchmarks under one profile: one metric (or cost); without one, on each
    benchmark what it ranks by."""
    judged = {benchmark: entries(own, beside) for benchmark, own in by_benchmark(records).items()}
    return by_metric_of(judged, metric)


def by_metric_of(judged: Judged, metric: str | None = None) -> Table:
    """The same of the entries of each benchmark."""
    rows: dict[str, Row] = {}
    columns, notes = [], []
    for benchmark, found in judged.items():
        shown = metric or ranks_by(found[0].record)
        columns.append(_of_benchmark(benchmark, shown, metric is None))
        notes += _seeds(found, shown)
        for entry, one in zip(found, cells_with_marks(found, shown, seeds_due(found)), strict=True):
            row = row_of(entry, {benchmark: one})
            old = rows.get(entry.record.strategy, row)
            rows[row.strategy] = replace(row, origins=old.origins | row.origins, cells=old.cells | row.cells)
    records = [entry.record for found in judged.values() for entry in found]
    order = {record.strategy: order_of(record) for record in records}
    ordered = [
        replace(row, cells={column.name: row.cells.get(column.name, Cell()) for column in columns})
        for row in sorted(rows.values(), key=lambda row: order[row.strategy])
    ]
    costs = metric in (*COSTS, *DERIVED)
    notes = [*_notes(ordered, costs), *notes, *(machines(ordered) if costs else [])]
    return Table(records[0].profile, None, metric, columns, ordered, notes, held_out=is_held_out(records[0]))


def _of_benchmark(benchmark: str, metric: str, named: bool) -> Column:
    """A benchmark's column; `named`: its metric is said where it is not ACC."""
    title = f"{benchmark} ({heading(metric).title})" if named and metric != "acc" else benchmark
    return Column(benchmark, title, description=heading(metric).description, metric=metric)


def row_of(entry: Entry, cells: dict[str, Cell]) -> Row:
    """The row with these cells."""
    record = entry.record
    origin = Origin(
        record.status,
        record.error.reason if record.error else None,
        entry.stale,
        record.seeds,
        data_of(record),
        [group.provenance | {"concurrent": group.concurrent} for group in record.groups if group.provenance],
        list(dict.fromkeys(note for group in record.groups for note in group.notes)),
    )
    return Row(
        record.strategy,
        family_of(record),
        kind_of(record),
        {record.benchmark: origin},
        cells,
        trains_on_all_data(record),
    )


def _in_use(rows: list[Row], name: str) -> bool:
    """GPU hours stand where a GPU was used, CPU hours where none was."""
    if name == "cpu_hours":
        return any(row.cells["gpu_hours"].value is None for row in rows)
    return any(row.cells[name].value is not None for row in rows)


# ---- cells


def cells_with_marks(found: list[Entry], metric: str, expected: int | None = None) -> list[Cell]:
    """One cell for each row of a benchmark, with best, tied, unclear, stale, and the status of rows that are
    not ok. expected: see `cell`."""
    judged = star_and_ties(found, metric)
    cells = []
    for entry in found:
        name = entry.record.strategy
        marks = {
            "best": name == judged.best,
            "tied": name in judged.tied,
            "unclear": name in judged.unclear,
            "stale": entry.stale,
            "accepted": "accepted_data" in entry.record.settings,
        }
        one = cell(entry, metric, expected) if entry.ok else Cell(text=entry.record.status)
        held = tuple(mark for mark, holds in marks.items() if holds)
        cells.append(replace(one, marks=(*held, *one.marks)))
    return cells


def cell(entry: Entry, name: str, expected: int | None = None) -> Cell:
    """The cell of a metric or cost, without marks but for times of a busy machine. It says its n where that
    is not the expected one: by default that of its row, which stands in the table."""
    one = _cell(entry, name)
    if name in TIMES and one.value is not None and waited(entry.record):
        one = replace(one, marks=("waited",))
    due = len(entry.record.seeds) if expected is None else expected
    return one if one.value is None or one.n == due else replace(one, text=f"{one.text} (n {one.n})")


def _cell(entry: Entry, name: str) -> Cell:
    if name == "recovered":
        return _recovered(entry)
    if name in METRICS:
        return cell_of_seeds(entry.metrics.get(name, {}))
    if name in DECAY:
        return _of_decay(entry, name)
    return cell_of_cost(entry, cost_of(entry.costs, name))


def cell_of_cost(entry: Entry, value: float | None) -> Cell:
    """What a seed of the row costs."""
    return Cell() if value is None else Cell(value=value, n=len(entry.record.seeds), text=number(value))


def cell_of_seeds(seeds: Mapping[int, float]) -> Cell:
    """A metric's cell: the mean of these values, in points."""
    summary = summarise(list(seeds.values()))
    mean, half = summary.mean, summary.half_width
    if mean is None:
        return Cell()
    return cell_of_mean(mean, half, summary.sd, summary.n, seeds)


def cell_of_mean(
    mean: float, half: float | None, sd: float | None, n: int, seeds: Mapping[int, float | None]
) -> Cell:
    """A metric's cell, in points."""
    text = f"{100 * mean:z.1f}" if half is None else f"{100 * mean:z.1f} ± {100 * half:.1f}"
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Cell(mean, half, low, high, sd, n, seeds, text)


def _of_decay(entry: Entry, name: str) -> Cell:
    """In slices, in points, or in points for each GFLOP or 1,000 examples. Of a half-life that some seeds do
    not reach, after how many slices they have not."""
    seeds = entry.decay.get(name, {})
    lasting = sum(value == math.inf for value in seeds.values())
    if lasting:
        some = "" if lasting == len(seeds) else f" ({lasting} of {len(seeds)} seeds)"
        return Cell(n=len(seeds), text=f"> {oldest(entry.record)}{some}")
    one = cell_of_seeds(seeds)
    if one.value is None or (name != "half_life" and name not in POINTS_PER):
        return one
    values = [one.value] if one.half_width is None else [one.value, one.half_width]
    texts = [f"{v:.2f}" if name == "half_life" else number(POINTS_PER[name] * v) for v in values]
    return replace(one, text=" ± ".join(texts))


def _recovered(entry: Entry) -> Cell:
    back = entry.recovered
    if back is None:
        return Cell()
    return Cell(
        back.value, None, back.low, back.high, None, back.n, {}, interval(back.value, back.low, back.high)
    )


def interval(value: float, low: float, high: float) -> str:
    """In points, where the interval is not symmetric."""
    return f"{100 * value:z.1f} [{100 * low:z.1f}, {100 * high:z.1f}]"


def cost_of(costs: Mapping[str, float | None], name: str) -> float | None:
    """A cost, or one of DERIVED, from the cost sheet."""
    if name == "seconds":
        training, evaluation = costs["train_s"], costs["eval_s"]
        return None if training is None or evaluation is None else training + evaluation
    if name == "gflops":
        return None if costs["flops"] is None else costs["flops"] / 1e9
    if name == "memory_mb":
        return None if costs["memory_bytes"] is None else costs["memory_bytes"] / 1e6
    return costs.get(name)


def number(value: float) -> str:
    """Three significant digits, whole numbers from 100 on, never an exponent.

    >>> [number(value) for value in (0, 0.0000512, 0.00123, 0.25, 12.34, 200.0, 123456.7)]
    ['0', '0.000051', '0.00123', '0.25', '12.3', '200', '123,457']
    """
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}"


# ---- notes


def _notes(rows: list[Row], costs: bool) -> list[str]:
    """What a reader has to know: units, signs, reasons, data."""
    used = {mark for row in rows for one in row.cells.values() for mark in one.marks}
    return [
        UNITS + ("; costs are per seed" if costs else ""),
        *(LEGEND[mark] for mark in LEGEND if mark in used),
        *_reasons(rows),
        *_data(rows),
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


def _yardstick(rows: list[Row]) -> list[str]:
    """Who keeps enough of the old, and how much of full retraining each of these reaches on the new."""
    if not _in_use(rows, "old_kept"):
        return []
    kept = [
        (row.strategy, row.cells["new_share"].value)
        for row in rows
        if (row.cells["old_kept"].value or 0) >= KEPT
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
        if entry is not fine_tuned[0] and competes(entry, lead):
            own, plain = on_common_seeds(entry.metrics[lead], fine_tuned[0].metrics[lead])
            difference = paired_difference(sign * own, sign * plain)
            if difference.low is not None and difference.low <= 0:
                told.append(entry.record.strategy)
    if not told:
        return []
    return [f"not shown to be better than {NAIVE} (paired, 95 %): {', '.join(told)}"]


def _reasons(rows: list[Row]) -> list[str]:
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


def _data(rows: list[Row]) -> list[str]:
    benchmarks = sorted({benchmark for row in rows for benchmark in row.origins})
    several = [
        benchmark
        for benchmark in benchmarks
        if len({row.origins[benchmark].data for row in rows if benchmark in row.origins}) > 1
    ]
    return [
        f"{benchmark}: the rows were made on different data, so none is called best" for benchmark in several
    ]


def machines(rows: list[Row]) -> list[str]:
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
