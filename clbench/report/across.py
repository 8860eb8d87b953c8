"""Rows across the benchmarks of a profile: mean ranks, and the share of all damage that is recovered.

A row is compared only where all rows of its table ran. So there is a table for each set of benchmarks on
which several rows ran, the largest first; the rows that ran on fewer stand beside it, and in a table of their
own set.
"""

from dataclasses import dataclass

import numpy as np

from clbench.metrics.accuracy import METRICS
from clbench.metrics.references import JOINT, NAIVE
from clbench.metrics.statistics import (
    MeanRank,
    Recovered,
    mean_ranks,
    pooled_recovered,
    recovered,
)
from clbench.report.stars import seeds_due
from clbench.report.values import (
    Entry,
    data_of,
    family_of,
    kind_of,
    order_of,
    ranks_by,
    trains_on_all_data,
)
from clbench.results.records import Record

MOST = 4  # tables

Rows = dict[str, dict[str, Entry]]  # benchmark -> strategy -> what may be compared


@dataclass(frozen=True)
class Row:
    strategy: str
    family: str
    kind: str  # reference | native | avalanche
    rank: MeanRank | None  # None: it trains on all data, or there are too few common seeds
    recovered: Recovered | None  # of all damage
    of_each: tuple[Recovered | None, ...]  # on each benchmark


@dataclass(frozen=True)
class Across:
    """Rows that all ran on these benchmarks."""

    benchmarks: tuple[str, ...]
    ranked_by: tuple[str, ...]  # the metric of each benchmark
    seeds: int  # that all have in common
    rows: list[Row]  # by mean rank; those without one last
    fewer: dict[str, int]  # strategy -> on how many of these benchmarks it ran, where not on all


def across(by_benchmark: dict[str, list[Entry]]) -> list[Across]:
    """Of one profile, and either on test data or on held-out data. What counts are rows that are ok, current,
    on the same data as the references, and with all seeds."""
    usable = {name: found for name, several in by_benchmark.items() if (found := _usable(several))}
    ran: dict[str, frozenset[str]] = {}
    for benchmark, rows in usable.items():
        for strategy in rows:
            ran[strategy] = ran.get(strategy, frozenset()) | {benchmark}
    several = {names for names in ran.values() if len(names) > 1}
    sets = sorted(several, key=lambda names: (-len(names), sorted(names)))
    made = [_across(usable, sorted(names), ran) for names in sets]
    return [one for one in made if len(one.rows) > 2][:MOST]


def _usable(found: list[Entry]) -> dict[str, Entry]:
    """The rows of a benchmark that may be compared; none where one of the references is missing."""
    due = max(2, seeds_due(found))
    metric = ranks_by(found[0].record)
    whole = {
        entry.record.strategy: entry
        for entry in found
        if entry.ok
        and not entry.stale
        and len(entry.record.seeds) >= due
        and np.isfinite([*entry.metrics["acc"].values(), *entry.metrics[metric].values()]).all()
    }
    if NAIVE not in whole:
        return {}
    data = data_of(whole[NAIVE].record)
    same = {name: entry for name, entry in whole.items() if data_of(entry.record) == data}
    return same if JOINT in same else {}


def _across(usable: Rows, benchmarks: list[str], ran: dict[str, frozenset[str]]) -> Across:
    names = [name for name in ran if ran[name] >= set(benchmarks)]
    records = {name: usable[benchmarks[0]][name].record for name in names}
    names.sort(key=lambda name: order_of(records[name]))
    metrics = [ranks_by(next(iter(usable[benchmark].values())).record) for benchmark in benchmarks]
    ranked = [name for name in names if not trains_on_all_data(records[name])]
    seeds = _common_seeds(usable, benchmarks, names)
    ranks: dict[str, MeanRank] = {}
    if len(seeds) > 1 and ranked:
        found = mean_ranks(
            [
                _oriented(usable[one], ranked, metric, seeds)
                for one, metric in zip(benchmarks, metrics, strict=True)
            ]
        )
        ranks = dict(zip(ranked, found, strict=True))
    rows = [_row(name, records[name], ranks.get(name), usable, benchmarks) for name in names]
    rows.sort(key=lambda row: (row.rank is None, row.rank.mean if row.rank else 0))
    fewer = {
        name: len(own & set(benchmarks))
        for name, own in ran.items()
        if name not in names and own & set(benchmarks)
    }
    return Across(tuple(benchmarks), tuple(metrics), len(seeds), rows, fewer)


def _common_seeds(usable: Rows, benchmarks: list[str], names: list[str]) -> list[int]:
    sets = [set(usable[benchmark][name].record.seeds) for benchmark in benchmarks for name in names]
    return sorted(set.intersection(*sets))


def _oriented(found: dict[str, Entry], names: list[str], metric: str, seeds: list[int]) -> np.ndarray:
    """[rows, seeds] of a metric, turned so that higher is better."""
    sign = 1 if METRICS[metric].higher_is_better else -1
    return np.array([[sign * found[name].metrics[metric][seed] for seed in seeds] for name in names])


def _row(name: str, record: Record, rank: MeanRank | None, usable: Rows, benchmarks: list[str]) -> Row:
    triples = [
        tuple(usable[benchmark][one].metrics["acc"] for one in (name, NAIVE, JOINT))
        for benchmark in benchmarks
    ]
    if name in (NAIVE, JOINT):
        return Row(name, family_of(record), kind_of(record), rank, None, (None,) * len(benchmarks))
    of_each = tuple(recovered(*triple) for triple in triples)
    return Row(name, family_of(record), kind_of(record), rank, pooled_recovered(triples), of_each)
