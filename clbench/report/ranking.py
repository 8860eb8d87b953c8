"""Who ranks where: on one benchmark, or on several by the mean of ranks.

The page of results recomputes this on whatever a filter leaves (`templates/board/ranking.js`), by the same
rules and with the same draws, so `clbench show --ranks` prints the same numbers for the same rows.

A row takes a rank on a benchmark if it is ok, does not train on all data so far, is not stale, has a value
for each of its seeds, was made on the data that most rows were made on, and has as many seeds as it should:
what the profile asks for, or, where hardly any row has so many, as many as two rows have; two at least. Ranks
stand on the seeds that all ranked rows have.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from clbench.metrics.accuracy import METRICS
from clbench.metrics.ranks import MeanRank, mean_ranks, tie_letters, told_apart
from clbench.metrics.references import JOINT, NAIVE
from clbench.metrics.statistics import Recovered, pooled_recovered
from clbench.report.values import Entry, data_of, ranks_by, seeds_asked, trains_on_all_data

ENOUGH = 5  # rows for a comparison over several benchmarks
MOST = 1000  # sets of benchmarks that are tried for it
Found = Mapping[str, Sequence[Entry]]  # benchmark -> its entries
Kept = AbstractSet[str] | Mapping[str, AbstractSet[str]]  # strategies, of all benchmarks or of each
Rows = dict[str, dict[str, Entry]]  # benchmark -> strategy -> what takes a rank there


@dataclass(frozen=True)
class Ranked:
    """A row with its rank."""

    strategy: str
    rank: MeanRank
    ties: str  # on one benchmark: rows that share a letter cannot be told apart
    recovered: Recovered | None  # of all damage


@dataclass(frozen=True)
class Ranking:
    """Rows that all ran on these benchmarks."""

    benchmarks: tuple[str, ...]
    metrics: tuple[str, ...]  # what each is ranked by
    seeds: tuple[int, ...]  # that all have
    rows: tuple[Ranked, ...]  # best first
    fewer: dict[str, int]  # strategy -> on how many of the benchmarks it could take a rank, if not on all
    yardsticks: tuple[str, ...]  # train on all data so far


def rank(
    found: Found,
    metric: str | None = None,
    kept: Kept | None = None,
    stale: bool = False,
    correct: bool = False,
) -> Ranking:
    """The ranking of rows of one profile.

    metric: by default what each benchmark ranks by. kept: strategies to be ranked, on all benchmarks or on
    each; the others serve as references only. stale: whether stale rows take ranks. correct: ties after
    Holm's correction.
    """
    shown = {name: _left(entries, kept, name) for name, entries in found.items()}
    by = {name: metric or ranks_by(entries[0].record) for name, entries in found.items()}
    able = {name: able_rows(entries, by[name], stale) for name, entries in shown.items()}
    benchmarks = _common(able)
    covered = Counter(strategy for name in benchmarks for strategy in able[name])
    full = sorted(name for name, count in covered.items() if count == len(benchmarks))
    seeds = _common_seeds([able[name][strategy] for name in benchmarks for strategy in full])
    rows: list[Ranked] = []
    if full and len(seeds) > 1:
        values = [values_of(able[name], full, by[name], seeds) for name in benchmarks]
        rows = _ranked(full, values, found, benchmarks, correct)
    everything = {one.record.strategy: one.record for entries in shown.values() for one in entries if one.ok}
    return Ranking(
        benchmarks,
        tuple(by[name] for name in benchmarks),
        seeds,
        tuple(rows),
        {name: covered[name] for name in sorted(covered) if name not in full},
        tuple(sorted(name for name, record in everything.items() if trains_on_all_data(record))),
    )


def _left(entries: Sequence[Entry], kept: Kept | None, benchmark: str) -> list[Entry]:
    names = kept.get(benchmark, frozenset()) if isinstance(kept, Mapping) else kept
    return [one for one in entries if names is None or one.record.strategy in names]


def able_rows(entries: Sequence[Entry], metric: str, stale: bool = False) -> dict[str, Entry]:
    """strategy -> entry, of those that may take a rank on their benchmark."""
    compete = [
        one
        for one in entries
        if one.ok
        and (stale or not one.stale)
        and not trains_on_all_data(one.record)
        and _is_whole(one, metric)
    ]
    if not compete:
        return {}
    data = Counter(data_of(one.record) for one in compete).most_common()
    usual = min(name for name, count in data if count == data[0][1])
    same = [one for one in compete if data_of(one.record) == usual]
    numbers = sorted((len(one.record.seeds) for one in same), reverse=True)
    shared = numbers[min(1, len(numbers) - 1)]  # one row with more does not make the others too short
    due = max(2, min(seeds_asked(same[0].record) or shared, shared))
    return {one.record.strategy: one for one in same if len(one.record.seeds) >= due}


def _is_whole(entry: Entry, metric: str) -> bool:
    values = entry.metrics.get(metric, {})
    return len(values) == len(entry.record.seeds) and bool(np.isfinite(list(values.values())).all())


def _common(able: Rows) -> tuple[str, ...]:
    """The benchmarks to compare on: as many as possible on which `ENOUGH` rows all ran, or all rows where
    there are fewer."""
    ran: dict[str, set[str]] = {}
    for name, rows in able.items():
        for strategy in rows:
            ran.setdefault(strategy, set()).add(name)
    sets = _intersections({frozenset(own) for own in ran.values()})

    def order(names: frozenset[str]) -> tuple:
        rows = sum(own >= names for own in ran.values())
        return -min(rows, ENOUGH), -len(names), -rows, sorted(names)

    best: frozenset[str] = min(sets, key=order, default=frozenset())
    return tuple(sorted(best))


def _intersections(sets: set[frozenset[str]]) -> list[frozenset[str]]:
    """The sets and what several of them have in common, MOST at most; the large ones first."""
    found = sorted(sets, key=lambda names: (-len(names), sorted(names)))
    given, seen = list(found), set(found)
    for one in found:  # which grows
        for other in given:
            both = one & other
            if both and both not in seen and len(found) < MOST:
                seen.add(both)
                found.append(both)
    return found


def _common_seeds(entries: list[Entry]) -> tuple[int, ...]:
    sets = [set(one.record.seeds) for one in entries]
    return tuple(sorted(set.intersection(*sets))) if sets else ()


def values_of(rows: dict[str, Entry], names: list[str], metric: str, seeds: tuple[int, ...]) -> np.ndarray:
    """[rows, seeds] of a metric, turned so that higher is better."""
    sign = 1 if METRICS[metric].higher_is_better else -1
    return np.array([[sign * rows[name].metrics[metric][seed] for seed in seeds] for name in names])


def _ranked(
    names: list[str], values: list[np.ndarray], found: Found, benchmarks: tuple[str, ...], correct: bool
) -> list[Ranked]:
    ranks = mean_ranks(values)
    order = sorted(range(len(names)), key=lambda i: (ranks[i].mean, names[i]))
    letters = [""] * len(names)
    if len(values) == 1:
        letters = tie_letters(told_apart(values[0][order], correct))
    return [
        Ranked(names[i], ranks[i], letters[place], recovered_over(names[i], found, benchmarks))
        for place, i in enumerate(order)
    ]


def recovered_over(strategy: str, found: Found, benchmarks: Sequence[str]) -> Recovered | None:
    """Of all damage on these benchmarks together; None unless both references are there on each."""
    triples = []
    for name in benchmarks:
        usable = {one.record.strategy: one for one in found[name] if one.ok and not one.stale}
        if strategy in usable and NAIVE in usable and JOINT in usable and strategy not in (NAIVE, JOINT):
            own = usable[strategy]
            others = [usable[one] for one in (NAIVE, JOINT)]
            if all(data_of(one.record) == data_of(own.record) for one in others):
                triples.append(tuple(one.metrics["acc"] for one in (own, *others)))
    return pooled_recovered(triples) if len(triples) == len(benchmarks) else None
