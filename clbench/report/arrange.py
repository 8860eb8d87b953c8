"""Tables as somebody wants them: of the rows that filters leave, with ranks, in another order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, geometric_mean

from clbench.errors import InputError
from clbench.facts import FAMILIES, OWN
from clbench.metrics.accuracy import METRICS
from clbench.metrics.decay import DECAY
from clbench.metrics.references import REFERENCES
from clbench.metrics.statistics import Recovered
from clbench.report import filters, tables
from clbench.report.cells import Cell, cell, interval
from clbench.report.columns import NAMES, Column, heading
from clbench.report.imported import with_imported
from clbench.report.ranking import Ranked, Ranking, rank
from clbench.report.tables import Judged, Row, Table
from clbench.report.values import Entry, entries
from clbench.results.imported import Imported
from clbench.results.record import Record
from clbench.spec import suggestion

RANK = Column("rank", "rank", None, "1 + the number of better rows, with its 95 % interval")
TIES = Column("ties", "ties", None, "rows that share a letter cannot be told apart")
POOLED = Column("recovered", "recovered", True, "of all damage on the compared benchmarks together")
RANKS_OF_STALE = {
    False: "stale rows take no rank; --stale ranks them too",
    True: "stale rows are ranked too, as asked",
}
KEYS = (*NAMES, "rank", "strategy", "family")  # by which rows are sorted
HIGHER = ("retraining_saved", *(name for name, one in (METRICS | DECAY).items() if one.higher_is_better))


@dataclass(frozen=True)
class Wanted:
    """How records are to be shown; InputError for what cannot be."""

    metric: str | None = None  # or cost: strategies against benchmarks
    families: Sequence[str] = ()  # none: all
    where: Sequence[str] = ()  # conditions that all hold, see `filters`
    ranks: bool = False  # without a metric: all benchmarks in one table, each by what it ranks by
    holm: bool = False  # ties after Holm's correction
    stale: bool = False  # stale rows take ranks too
    sort: str | None = None  # one of KEYS; the best rows first
    reverse: bool = False

    def __post_init__(self) -> None:
        _check_known("metric", self.metric, NAMES)
        _check_known("key to sort by", self.sort, KEYS)
        if self.ranks and self.metric and self.metric not in METRICS:
            kind = "no metric that ranks" if self.metric in DECAY else "a cost"
            raise InputError(f"--ranks are by a metric, and {self.metric} is {kind}; --sort sorts by it")
        needing = {"--holm": self.holm, "--stale": self.stale, "--sort rank": self.sort == "rank"}
        for needed, wants in needing.items():
            if wants and not self.ranks:
                raise InputError(f"{needed} needs --ranks")
        if self.reverse and not self.sort:
            raise InputError("--reverse needs --sort")


def _check_known(what: str, name: str | None, known: Sequence[str]) -> None:
    if name and name not in known:
        raise InputError(f'unknown {what} "{name}"{suggestion(name, known)}; there are {", ".join(known)}')


def arranged(
    records: list[Record], beside: Sequence[Record], wanted: Wanted, others: Sequence[Imported] = ()
) -> list[Table]:
    """The tables of the records that pass the filters. beside: records that may serve as references. others:
    imported rows, shown as they are; not beside ranks over several benchmarks, in which they have no part."""
    conditions = [filters.read(text) for text in wanted.where]
    made = []
    for judged in tables.groups(records, beside, together=wanted.ranks or wanted.metric is not None):
        passing = {name: filters.passing(own, wanted.families, conditions) for name, own in judged.items()}
        left = {name: own for name, own in passing.items() if own}
        if left:
            made.append(_table(left, beside, wanted))
    if wanted.ranks and not wanted.metric:
        compared = {(table.profile, table.benchmark) for table in made}
        others = [row for row in others if (row.profile, row.benchmark) in compared]
    if not made and not others:
        if records:
            raise InputError(f"none of {len(records)} rows passes the filter")
        raise InputError("imported rows take no ranks, and there are no others")
    return with_imported(made, list(others), wanted.metric)


def _table(left: Judged, beside: Sequence[Record], wanted: Wanted) -> Table:
    table = tables.table_of(left, wanted.metric)
    if wanted.ranks:
        found = {name: [*own, *_references(own, beside)] for name, own in left.items()}
        kept = {name: {one.record.strategy for one in own} for name, own in left.items()}
        table = with_ranks(table, rank(found, wanted.metric, kept, wanted.stale, wanted.holm))
        if any(one.ok and one.stale for own in left.values() for one in own):
            table = replace(table, notes=[*table.notes, RANKS_OF_STALE[wanted.stale]])
    return sorted_by(table, wanted.sort, left, wanted.reverse) if wanted.sort else table


def _references(found: Sequence[Entry], beside: Sequence[Record]) -> list[Entry]:
    """Of a benchmark, those that have no row."""
    place = found[0].record.profile, found[0].record.benchmark
    missing = {*REFERENCES} - {one.record.strategy for one in found}
    return entries(
        [one for one in beside if one.strategy in missing and (one.profile, one.benchmark) == place]
    )


# ---- order


def sorted_by(table: Table, key: str, found: Judged, reverse: bool = False) -> Table:
    """Best rows first (`reverse`: last) by one of KEYS; those without a value stand behind. The table gets
    the column that it is sorted by. found: the entries of its rows.

    Where columns are benchmarks: by the mean over these (the geometric one of FLOPs as multiples), first the
    rows that have a value on most of them.
    """
    if key in ("strategy", "family"):
        of_row = (*FAMILIES, OWN).index if key == "family" else str
        rows = sorted(table.rows, key=lambda row: of_row(getattr(row, key)), reverse=reverse)
        return replace(table, rows=rows)
    sign = -1 if (key in HIGHER) != reverse else 1

    def place(row: Row) -> tuple[int, float]:
        values = _values(row, key, found)
        return (-len(values), sign * _mean(values, key)) if values else (0, 0)

    rows = sorted(table.rows, key=place)
    if any(key in row.cells for row in rows):
        missing = [] if key in [column.name for column in table.columns] else [heading(key)]
        return replace(table, rows=rows, columns=[*table.columns, *missing])
    said = (
        f"sorted by the mean {heading(key).title} over the benchmarks that a row has it on, rows on fewer of "
        "them behind; rows on other benchmarks are not comparable"
    )
    return replace(table, rows=rows, notes=[*table.notes, said])


def _values(row: Row, key: str, found: Judged) -> list[float]:
    """One, or one for each benchmark that the row has it on."""
    own = [one for several in found.values() for one in several if one.record.strategy == row.strategy]
    cells = [row.cells[key]] if key in row.cells else [cell(one, key) for one in own]
    values = [math.inf if one.text.startswith("> ") else one.value for one in cells]  # > 3: a half-life
    return [value for value in values if value is not None]


def _mean(values: Sequence[float], key: str) -> float:
    return geometric_mean(values) if key == "compute" and min(values) > 0 else fmean(values)


# ---- ranks


def with_ranks(table: Table, ranking: Ranking) -> Table:
    """The table of the rows that the ranking was made of: a column for ranks, on one benchmark one for ties,
    on several one for what is recovered; best first, then the rows without a rank, then those that train on
    all data."""
    ranked = {one.strategy: one for one in ranking.rows}
    columns = [RANK, POOLED] if len(ranking.benchmarks) > 1 else [RANK, TIES]
    rows = [
        replace(row, cells=_cells(row.strategy, ranked.get(row.strategy), ranking) | row.cells)
        for row in table.rows
    ]
    places = {one.strategy: place for place, one in enumerate(ranking.rows)}

    def place(row: Row) -> tuple[bool, int, int]:
        name = row.strategy
        return name in ranking.yardsticks, places.get(name, len(places)), -ranking.fewer.get(name, 0)

    rows.sort(key=place)
    notes = [*table.notes, *said(ranking, several=table.benchmark is None)]
    return replace(table, columns=[*columns, *table.columns], rows=rows, notes=notes)


def _cells(strategy: str, one: Ranked | None, ranking: Ranking) -> dict[str, Cell]:
    several = len(ranking.benchmarks) > 1
    if one is None:
        ran = ranking.fewer.get(strategy)
        none = Cell(text=f"on {ran} of {len(ranking.benchmarks)}" if ran else "")
        return {"rank": none} | ({"recovered": Cell()} if several else {"ties": Cell(text="")})
    n, text = len(ranking.seeds), rank_text(one, len(ranking.benchmarks))
    rank = Cell(one.rank.mean, None, one.rank.low, one.rank.high, None, n, {}, text)
    if several:
        return {"rank": rank, "recovered": _recovered(one.recovered)}
    return {"rank": rank, "ties": Cell(text=one.ties)}


def _recovered(back: Recovered | None) -> Cell:
    if back is None:
        return Cell()
    text = interval(back.value, back.low, back.high)
    return Cell(back.value, None, back.low, back.high, None, back.n, {}, text)


def rank_text(one: Ranked, benchmarks: int) -> str:
    """Like "2.4 [1.8, 3.0]"; whole numbers on one benchmark; without an interval that is a point."""
    digits = 1 if benchmarks > 1 else 0
    mean, low, high = (f"{value:.{digits}f}" for value in (one.rank.mean, one.rank.low, one.rank.high))
    return mean if one.rank.low == one.rank.high else f"{mean} [{low}, {high}]"


def said(ranking: Ranking, several: bool) -> list[str]:
    """What the ranks stand on; several: the table has columns for benchmarks."""
    if not ranking.rows:
        return ["no ranks: no row competes, or those that do have no two seeds in common"]
    number = len(ranking.benchmarks)
    on = f"{number} benchmarks on which all ranked rows ran and " if number > 1 else ""
    notes = [
        f"ranks stand on {on}{len(ranking.seeds)} common seeds; "
        "95 % intervals by draws that vary as t intervals do"
    ]
    if several:
        notes += [f"benchmarks compared: {', '.join(ranking.benchmarks)}"]
    if ranking.fewer:
        notes += ["on n of m: no rank, since the row counts on only n of the compared benchmarks"]
    return notes
