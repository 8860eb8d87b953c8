"""How well benchmarks agree on the order of methods: Kendall's tau, 1 for the same order, -1 for the reverse.

The articles of practice doubt that synthetic splits say what time-ordered streams would.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from clbench.metrics.accuracy import METRICS
from clbench.metrics.ranks import UNIT, drawn_means, ranks, weights_of_seeds
from clbench.report.ranking import able_rows, rank, values_of
from clbench.report.values import Entry, is_held_out, ranks_by

FEWEST = 4  # rows, for an order to be compared
DRAWS = 1000


def orders(found: Mapping[str, Sequence[Entry]]) -> dict:
    """`pairs`: [benchmark, benchmark, tau, rows that have a rank on both]; `kinds`: of synthetic splits
    against streams in time, by mean ranks of the rows that ran on all of `benchmarks`: tau and its 95 %
    interval over draws of the seeds. None where there is too little to compare."""
    on_test_data = {name: entries for name, entries in found.items() if not is_held_out(entries[0].record)}
    return {"pairs": _pairs(found), "kinds": _kinds(on_test_data)}


def _pairs(found: Mapping[str, Sequence[Entry]]) -> list[list]:
    means = {name: _means(entries) for name, entries in found.items()}
    held_out = [is_held_out(entries[0].record) for entries in found.values()]
    told = []
    for i, j in combinations(range(len(found)), 2):
        first, second = (list(means.values())[place] for place in (i, j))
        names = sorted(first.keys() & second.keys())
        if len(names) >= FEWEST and held_out[i] == held_out[j]:
            tau = kendall(*(np.array([[one[name] for name in names]]) for one in (first, second)))[0]
            told.append([i, j, round(float(tau), 4), len(names)])
    return told


def _means(entries: Sequence[Entry]) -> dict[str, float]:
    metric = ranks_by(entries[0].record)
    sign = 1 if METRICS[metric].higher_is_better else -1
    able = able_rows(entries, metric)
    return {name: sign * float(np.mean([*one.metrics[metric].values()])) for name, one in able.items()}


def _kinds(found: Mapping[str, Sequence[Entry]]) -> dict | None:
    ranking = rank(found)
    names = [row.strategy for row in ranking.rows]
    kinds = [found[name][0].record.settings.get("scenario") == "pairs" for name in ranking.benchmarks]
    if len(names) < FEWEST or all(kinds) or not any(kinds):
        return None
    weights = weights_of_seeds(len(ranking.seeds))[:DRAWS]
    point, drawn = {False: [], True: []}, {False: [], True: []}  # type: ignore[var-annotated]
    for kind, name, metric in zip(kinds, ranking.benchmarks, ranking.metrics, strict=True):
        x = values_of(able_rows(found[name], metric), names, metric, ranking.seeds) / UNIT
        point[kind].append(ranks(x.mean(axis=1)[None]))
        drawn[kind].append(ranks(drawn_means(x, weights)))
    taus = kendall(*(-sum(drawn[kind]) for kind in (False, True)))
    low, high = np.quantile(taus, [0.025, 0.975])
    tau = kendall(*(-sum(point[kind]) for kind in (False, True)))[0]
    return {
        "tau": round(float(tau), 4),
        "low": round(min(float(low), float(tau)), 4),
        "high": round(max(float(high), float(tau)), 4),
        "rows": names,
        "splits": [name for kind, name in zip(kinds, ranking.benchmarks, strict=True) if not kind],
        "streams": [name for kind, name in zip(kinds, ranking.benchmarks, strict=True) if kind],
    }


def kendall(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """tau-b of each line of a and b [draws, rows]; 0 where one of them has all rows equal.

    >>> kendall(np.array([[1, 2, 3, 4]]), np.array([[1, 2, 4, 3]])).round(4).tolist()
    [0.6667]
    """
    first, second = np.triu_indices(a.shape[1], 1)
    one, other = (np.sign(x[:, first] - x[:, second]) for x in (a, b))
    size = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return (one * other).sum(axis=1) / np.where(size == 0, 1, size)
