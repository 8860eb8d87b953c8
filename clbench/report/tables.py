"""Tables of strategies: one benchmark with many metrics (`comparison`), or many benchmarks with one metric
each (`by_metric`).

A table is plain data, the same for every way of writing it (`clbench.report.formats`). Whatever depends on
other records is computed here, when shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clbench.core.costs import COSTS
from clbench.metrics.decay import DECAY
from clbench.profiles import PROFILES
from clbench.report.cells import Cell, cell, cells_with_marks
from clbench.report.columns import (
    DERIVED,
    NAMES,
    WHERE_USED,
    Column,
    columns_of,
    heading,
    heading_among,
    in_use,
)
from clbench.report.notes import notes_of_benchmarks, notes_of_comparison
from clbench.report.stars import seeds_due
from clbench.report.values import (
    Entry,
    data_of,
    entries,
    family_of,
    in_time,
    is_held_out,
    kind_of,
    order_of,
    ranks_by,
    trains_on_all_data,
)
from clbench.results.record import Record

Judged = Mapping[str, list[Entry]]  # benchmark -> its entries


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


def judged_of(records: list[Record]) -> dict[str, dict[str, list[Entry]]]:
    """profile -> benchmark -> the entries of its records"""
    return {
        profile: {benchmark: entries(several) for benchmark, several in by_benchmark(own).items()}
        for profile, own in by_profile(records).items()
    }


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
    chosen = columns_of(first, lead)
    columns = [heading_among(name, chosen) for name in chosen if name not in WHERE_USED or in_use(rows, name)]
    notes = notes_of_comparison(found, rows, lead)
    held_out = is_held_out(first)
    return Table(first.profile, first.benchmark, None, columns, rows, notes, lead, held_out, seeds_due(found))


def by_metric(records: list[Record], metric: str | None = None, beside: Sequence[Record] = ()) -> Table:
    """All strategies on all benchmarks under one profile: one metric (or cost); without one, on each
    benchmark what it ranks by."""
    judged = {benchmark: entries(own, beside) for benchmark, own in by_benchmark(records).items()}
    return by_metric_of(judged, metric)


def by_metric_of(judged: Judged, metric: str | None = None) -> Table:
    """The same of the entries of each benchmark."""
    rows: dict[str, Row] = {}
    columns = []
    for benchmark, found in judged.items():
        shown = metric or ranks_by(found[0].record)
        columns.append(_of_benchmark(benchmark, shown, metric is None))
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
    notes = notes_of_benchmarks(judged, ordered, metric, costs)
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
