"""What a table comes to, in a sentence."""

from clbench.metrics.references import JOINT, NAIVE
from clbench.report.tables import Row, Table


def headline(table: Table) -> str:
    """Who is best, how much of the damage that wins back, and who cannot be told from it.

    table: of one benchmark, as `comparison` makes it.
    """
    start = f"{table.benchmark} ({table.profile}): "
    starred = [
        (row, column)
        for column in table.columns
        for row in table.rows
        if "best" in row.cells[column.name].marks
    ]
    if not starred:
        return f"{start}no row can be called best{_why_none(table)}"
    best, column = starred[0]
    tied = [row.strategy for row in table.rows if "tied" in row.cells[column.name].marks]
    return (
        f"{start}{best.strategy} is best by {column.title} ({best.cells[column.name].text})"
        f"{_won_back(best, table)}" + (f"; not distinguishable from it: {', '.join(tied)}" if tied else "")
    )


def _won_back(best: Row, table: Table) -> str:
    share = best.cells["recovered"].value
    if best.strategy == NAIVE:
        return ": plain fine-tuning"
    if share is not None:
        return f" and wins back {100 * share:.0f} % of what plain fine-tuning loses against retraining"
    usable = {
        row.strategy
        for row in table.rows
        if all(origin.status == "ok" and not origin.stale for origin in row.origins.values())
    }
    if missing := [name for name in (NAIVE, JOINT) if name not in usable]:
        return f" (how much of the damage that wins back takes {' and '.join(missing)} beside it)"
    return " (fine-tuning loses nothing against retraining that these seeds would show)"


def _why_none(table: Table) -> str:
    stale = any(origin.stale for row in table.rows for origin in row.origins.values())
    return ": rows are stale, run them again" if stale else ""
