"""Rows of what others say, beside ours: shown as they are, never compared with them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from clbench.core.costs import COSTS
from clbench.metrics.accuracy import METRICS
from clbench.metrics.statistics import half_width
from clbench.report.cells import SIGNS, Cell, cell_of_mean, cost_of, number
from clbench.report.columns import DERIVED, NAMES, Column, heading
from clbench.report.tables import Origin, Row, Table
from clbench.results.imported import Imported

KIND = "imported"  # in place of a family, too: a name does not tell what is meant by it
IN_OTHER_UNITS = {"flops": "gflops", "memory_bytes": "memory_mb"}


def with_imported(tables: list[Table], rows: list[Imported], metric: str | None = None) -> list[Table]:
    """The tables, of this metric, with the imported rows at their ends; tables of their own where there is
    none. They have no part in ★, ≈ and ranks, and stand beside rows on test data only."""
    rows = [row for row in rows if metric in (None, row.metric)]

    def place(row: Imported) -> tuple[str, str | None]:
        return row.profile, None if metric else row.benchmark

    there = {(table.profile, table.benchmark) for table in tables if not table.held_out}
    alone = [one for one in dict.fromkeys(map(place, rows)) if one not in there]
    tables = [*tables, *(Table(profile, benchmark, metric, [], [], []) for profile, benchmark in alone)]
    return [
        table
        if table.held_out
        else _extended(table, [row for row in rows if place(row) == (table.profile, table.benchmark)])
        for table in tables
    ]


def _extended(table: Table, rows: list[Imported]) -> Table:
    if not rows:
        return table
    compared = table.benchmark is not None
    columns = [*table.columns, *(_metrics_to_add if compared else _benchmarks_to_add)(table, rows)]
    names = NAMES if compared else ()
    blank = dict.fromkeys((*names, *(column.name for column in columns)), Cell())
    made = [
        _row(own, blank | (_by_metric(own) if compared else {row.benchmark: _cell(row) for row in own}))
        for own in grouped(rows, lambda row: (row.strategy, row.source))
    ]
    ours = [replace(row, cells=blank | row.cells) for row in table.rows]
    told = ", ".join(f"{row.strategy} ({_source(row) or 'no source given'})" for row in made)
    note = f"{SIGNS[KIND]} imported, not measured here, so without rank; ± from their SD and n: {told}"
    return replace(table, columns=columns, rows=[*ours, *made], notes=[*table.notes, note])


def grouped(rows: Iterable[Imported], key: Callable[[Imported], tuple]) -> list[list[Imported]]:
    """Those of one key together, in the order of keys."""
    found: dict[tuple, list[Imported]] = {}
    for row in sorted(rows, key=key):
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _row(own: list[Imported], cells: dict[str, Cell]) -> Row:
    origins = {
        row.benchmark: Origin("ok", None, False, [], "", [], [], source=row.source or None) for row in own
    }
    return Row(own[0].strategy, KIND, KIND, origins, cells)


def _source(row: Row) -> str | None:
    return next(iter(row.origins.values())).source


def _metrics_to_add(table: Table, rows: list[Imported]) -> list[Column]:
    """What the rows tell and the table does not show, in no other unit either."""
    shown = {column.name for column in table.columns}
    told = {row.metric for row in rows}
    return [
        heading(name)
        for name in (*METRICS, *COSTS)
        if name in told and not {name, IN_OTHER_UNITS.get(name)} & shown
    ]


def _benchmarks_to_add(table: Table, rows: list[Imported]) -> list[Column]:
    names = sorted({row.benchmark for row in rows} - {column.name for column in table.columns})
    return [
        Column(name, name, description=heading(rows[0].metric).description, metric=rows[0].metric)
        for name in names
    ]


def _by_metric(own: list[Imported]) -> dict[str, Cell]:
    """Cells by metric and cost; a cell says its n where that is not the one beside the strategy."""
    due = max(row.n or 0 for row in own)
    costs = dict.fromkeys(COSTS) | {row.metric: row.mean for row in own if row.metric in COSTS}
    derived = {name: cost_of(costs, name) for name in DERIVED}
    cells = {
        name: Cell(value, text=number(value), marks=(KIND,))
        for name, value in derived.items()
        if value is not None
    }
    return cells | {row.metric: _cell(row, due) for row in own}


def half_of(row: Imported) -> float | None:
    """Of the 95 % t interval of a metric; None where SD or n is not told."""
    if row.metric not in METRICS or row.sd is None or not row.n or row.n < 2:
        return None
    return half_width(row.sd, row.n)


def _cell(row: Imported, due: int = 0) -> Cell:
    if row.metric in METRICS:
        cell = cell_of_mean(row.mean, half_of(row), row.sd, row.n or 0, {})
    else:  # as of ours, without an interval
        cell = Cell(row.mean, sd=row.sd, n=row.n or 0, text=number(row.mean))
    text = cell.text if row.n in (None, due) else f"{cell.text} (n {row.n})"
    return replace(cell, text=text, marks=(KIND,))
