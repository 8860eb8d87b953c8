"""Which row of a benchmark's table gets the ★, and which rows cannot be told from it."""

from clbench.metrics.accuracy import METRICS
from clbench.metrics.statistics import Standing, standing
from clbench.report.values import Entry, data_of, seeds_asked, trains_on_all_data


def star_and_ties(entries: list[Entry], metric: str) -> Standing:
    """The strategy with the best mean among the rows of one benchmark, and how the others compare with it.

    Rows that are stale or that train on all data so far do not compete. There is no star for a cost, nor
    where rows that compete were made on different data, nor for a row with fewer seeds than it should have.
    """
    competing = [entry for entry in entries if competes(entry, metric)]
    if metric not in METRICS or len({data_of(entry.record) for entry in competing}) != 1:
        return Standing()
    values = {entry.record.strategy: entry.metrics[metric] for entry in competing}
    return standing(values, METRICS[metric].higher_is_better, seeds_due(entries))


def competes(entry: Entry, metric: str) -> bool:
    has_values = entry.ok and not entry.stale and bool(entry.metrics.get(metric))
    return has_values and not trains_on_all_data(entry.record)


def seeds_due(entries: list[Entry]) -> int:
    """How many seeds a row of this benchmark should have: as the profile says, or as many as any has."""
    asked = seeds_asked(entries[0].record)
    return max(len(entry.record.seeds) for entry in entries) if asked is None else asked
