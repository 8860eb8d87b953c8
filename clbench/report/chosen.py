"""Which rows of a benchmark have values that `clbench tune` has chosen, and what the choice has cost."""

from typing import Any

from clbench import registry
from clbench.core.tuned import are_of, arguments, trials_of
from clbench.report.values import Entry
from clbench.spec import PAPER, VALUES, written


def chosen_values(found: list[Entry]) -> list[str]:
    """A line on the rows of one benchmark; none where nothing was chosen for them."""
    first = found[0].record
    tables = registry.tuned_tables(first.benchmark, first.settings.get("scenario", ""), first.profile)
    chosen = {
        name: table
        for name, table in tables.items()
        if any(are_of(table, entry.record.settings.get("strategy", {}).get(name)) for entry in found)
    }
    if not chosen:
        return []
    told = "; ".join(
        f"{_called(name, table)} ({len(trials_of(table))} trials, {_seconds(table):.0f} s)"
        for name, table in chosen.items()
    )
    lines = [
        "values chosen by `clbench tune` on held-out training data of the first tasks, with the trials and "
        f"CPU seconds that it took, bare where the paper's were the best tried: {told}"
    ]
    rows = {entry.record.strategy for entry in found}
    if beside := [name for name in chosen if written(name, {VALUES: PAPER}) in rows]:
        lines.append(f"a row of the paper's values, {VALUES}={PAPER!r}, stands beside: {', '.join(beside)}")
    return lines


def _called(name: str, table: dict[str, Any]) -> str:
    """'ewc lam=100.0', with the values that are not the paper's."""
    return " ".join([name, *(f"{argument}={value}" for argument, value in arguments(table).items())])


def _seconds(table: dict[str, Any]) -> float:
    seconds = table["evidence"].get("cpu_s")
    return seconds if isinstance(seconds, int | float) else 0.0
