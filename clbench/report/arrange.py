"""Tables with ranks, best rows first."""

from dataclasses import replace

from clbench.metrics.statistics import Recovered
from clbench.report.ranking import Ranked, Ranking
from clbench.report.tables import Cell, Column, Table, interval

RANK = Column("rank", "rank", None, "1 + the number of better rows, with its 95 % interval")
TIES = Column("ties", "ties", None, "rows that share a letter cannot be told apart")
POOLED = Column("recovered", "recovered", True, "of all damage on the compared benchmarks together")


def with_ranks(table: Table, ranking: Ranking) -> Table:
    """The table of the rows that the ranking was made of: a column for ranks, on one benchmark one for ties,
    on several one for what is recovered; best first, then the rows without a rank, then those that train
    on all data."""
    ranked = {one.strategy: one for one in ranking.rows}
    several = table.benchmark is None
    columns = [RANK, POOLED] if several else [RANK, TIES]
    rows = [
        replace(row, cells=_cells(ranked.get(row.strategy), len(ranking.benchmarks), several) | row.cells)
        for row in table.rows
    ]
    places = {one.strategy: place for place, one in enumerate(ranking.rows)}
    rows.sort(key=lambda row: (row.strategy in ranking.yardsticks, places.get(row.strategy, len(places))))
    return replace(table, columns=[*columns, *table.columns], rows=rows, notes=[*table.notes, *said(ranking)])


def _cells(one: Ranked | None, benchmarks: int, several: bool) -> dict[str, Cell]:
    if one is None:
        empty = Cell(text="")
        return {"rank": empty} | ({"recovered": Cell()} if several else {"ties": empty})
    rank = Cell(one.rank.mean, None, one.rank.low, one.rank.high, None, 0, {}, rank_text(one, benchmarks))
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


def said(ranking: Ranking) -> list[str]:
    """What the ranks stand on."""
    if not ranking.rows:
        return ["no ranks: fewer than two rows compete, or they have no two seeds in common"]
    number = len(ranking.benchmarks)
    on = f"{number} benchmarks on which all ranked rows ran and " if number > 1 else ""
    notes = [
        f"ranks stand on {on}{len(ranking.seeds)} common seeds; "
        "95 % intervals by draws that vary as t intervals do"
    ]
    if number > 1:
        notes += [f"benchmarks compared: {', '.join(ranking.benchmarks)}"]
    return notes
