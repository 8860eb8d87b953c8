"""Which rows of a benchmark have values that `clbench tune` has chosen, and what the choice has cost."""

from typing import Any

from clbench import registry
from clbench.core.tuned import arguments, trials_of
from clbench.report.values import Entry
from clbench.results.records import Record
from clbench.spec import PAPER, VALUES, written


def chosen_values(found: list[Entry]) -> list[str]:
    """A line on the rows of one benchmark; none where nothing was chosen for them."""
    first = found[0].record
    tables = registry.tuned_tables(first.benchmark, first.settings.get("scenario", ""), first.profile)
    chosen = {
        name: table
        for name, table in tables.items()
        if trials_of(table) and any(_has(entry.record, name, table) for entry in found)
    }
    if not chosen:
        return []
    told = ", ".join(
        f"{name} ({len(trials_of(table))} trials, {table['evidence'].get('cpu_s', 0):.0f} s)"
        for name, table in chosen.items()
    )
    lines = [
        "values chosen by `clbench tune` on held-out training data of the first tasks, with the trials and "
        f"CPU seconds that it took: {told}"
    ]
    papers = [name for name, table in chosen.items() if not arguments(table)]
    if papers:
        lines.append(f"the paper's values were the best tried, so they are the row: {', '.join(papers)}")
    rows = {entry.record.strategy for entry in found}
    if beside := [name for name in chosen if written(name, {VALUES: PAPER}) in rows]:
        lines.append(f"a row of the paper's values, {VALUES}={PAPER!r}, stands beside: {', '.join(beside)}")
    return lines


def _has(record: Record, name: str, table: dict[str, Any]) -> bool:
    """Whether a row was made with the values of the table."""
    own = record.settings.get("strategy", {}).get(name)
    if own is None:
        return False
    values = {key: value for key, value in trials_of(table)[0].items() if key in own} | arguments(table)
    return all(own.get(key) == value for key, value in values.items())
