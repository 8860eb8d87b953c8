"""Which row of a benchmark's table gets the ★, and which rows cannot be told from it (≈)."""

from clbench.metrics.accuracy import METRICS
from clbench.metrics.statistics import best_and_ties
from clbench.report.values import Entry, trains_on_all_data


def star_and_ties(entries: list[Entry], metric: str) -> tuple[str | None, set[str]]:
    """(the strategy with the best mean, those not distinguishable from it) among the rows of one benchmark.

    Rows that are stale or that train on all data so far do not compete. There is no star for a cost, nor
    among rows that were made on different data.
    """
    if metric not in METRICS or len({entry.record.data for entry in entries}) != 1:
        return None, set()
    competing = {
        entry.record.strategy: entry.metrics[metric] for entry in entries if _competes(entry, metric)
    }
    return best_and_ties(competing, METRICS[metric].higher_is_better)


def _competes(entry: Entry, metric: str) -> bool:
    has_values = entry.ok and not entry.stale and bool(entry.metrics.get(metric))
    return has_values and not trains_on_all_data(entry.record)
