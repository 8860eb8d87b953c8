"""How accuracies and metrics travel in the page of results: as whole numbers, each once.

Accuracies are counts of examples. A metric that is a weighted sum of the accuracy matrix travels as its
weights, any other as one value for each seed. Alike things stand together, which compresses better: the seeds
of a cell, and what all rows say of one thing.
"""

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from clbench.metrics.accuracy import per_seed
from clbench.metrics.ranks import UNIT
from clbench.report.values import Entry

MISSING = -1  # a cell, or a value, that does not exist
MOST_CELLS = 5_000  # of a row's accuracies in the page; more stay in the record's file
MOST_EXAMPLES = 20_000  # of a slice, where its number is guessed

# ---- accuracies: counts of a number of examples


def usual_shape(entries: Sequence[Entry]) -> list[int]:
    """[T+1, E]"""
    shapes = Counter(entry.record.array.shape[1:] for entry in entries if entry.ok)
    most = max(shapes.values(), default=0)
    return list(max((shape for shape in shapes if shapes[shape] == most), default=()))


def units_of(entries: Sequence[Entry]) -> list[int]:
    """For every slice the number that explains its values as so many parts: of its examples, as a rule."""
    shape = usual_shape(entries)
    arrays = [one.record.array for one in entries if one.ok and list(one.record.array.shape[1:]) == shape]
    cells = [
        np.unique(np.concatenate([array[:, :, j].ravel() for array in arrays]))
        for j in range(shape[1] if shape else 0)
    ]
    guesses: set[int] = set()
    for one in entries:
        for sizes in one.record.slice_sizes or []:
            guesses |= {*sizes, *(2 * size for size in sizes)}  # two directions of retrieval
    return [_unit(values[np.isfinite(values)], sorted(guesses)) for values in cells]


def _unit(values: np.ndarray, guesses: list[int]) -> int:
    def explains(number: int) -> bool:
        counts = values * number
        return bool(np.abs(counts - np.round(counts)).max(initial=0) < 1e-6)

    found = next((number for number in guesses if explains(number)), None)
    return found or next((number for number in range(1, MOST_EXAMPLES) if explains(number)), 10**7)


def counts_of(array: np.ndarray, units: list[int]) -> np.ndarray:
    """[S, T+1, E] counts of an array of accuracies of this shape."""
    counts = np.round(array * np.array(units))
    return np.where(np.isfinite(counts), counts, MISSING).astype(int)


def by_cell(counts: np.ndarray) -> list[int]:
    """[(T+1) E S] of [S, T+1, E]"""
    return np.moveaxis(counts, 0, -1).ravel().tolist()


# ---- metrics: weights of the matrix, or values


def values_of(entry: Entry, shape: list[int], units: list[int], weights: dict[str, dict]) -> dict:
    """Which weights give the row's metrics, and the values, in units, of those that no weights give."""
    record = entry.record
    step_of = record.settings.get("step_of")
    key = json.dumps([shape, step_of])
    if key not in weights:
        weights[key] = weights_of((shape[0], shape[1]), tuple(step_of) if step_of else None)
    embedded = record.array.size <= MOST_CELLS  # else there is nothing to weigh
    counts = counts_of(record.array, units)
    exact = np.where(counts == MISSING, 0, counts / np.array(units))
    values: dict[str, list[int | None]] = {}
    for name, by_seed in entry.metrics.items():
        own = in_units([by_seed.get(seed, np.nan) for seed in record.seeds])
        if embedded and name in weights[key]:
            weighted = (exact * np.array(weights[key][name]).reshape(shape)).sum(axis=(1, 2))
            if own == in_units(weighted) and not _is_on_edge(weighted):
                continue
        if by_seed and np.isfinite(list(by_seed.values())).all():  # as a summary of it has a mean
            values[name] = own
    told: dict[str, Any] = {"weights": list(weights).index(key)}
    return told | ({"values": values} if values else {})


def _is_on_edge(values: np.ndarray) -> bool:
    """Whether sums in another order could be rounded to other units."""
    return bool((np.abs(values / UNIT % 1 - 0.5) < 1e-3).any())


def in_units(values: Sequence[float] | np.ndarray) -> list[int | None]:
    return [int(np.round(value / UNIT)) if np.isfinite(value) else None for value in values]


@lru_cache(maxsize=256)
def weights_of(shape: tuple[int, int], step_of: tuple[int, ...] | None) -> dict[str, list[float]]:
    """metric -> [(T+1) E] weights, of the metrics that are weighted sums of the accuracy matrix.

    A metric's weights are its values on the matrices with a single 1. It is the sum they make if it is that
    on other matrices too.
    """
    size = shape[0] * shape[1]
    if size > MOST_CELLS:
        return {}
    single = per_seed(np.eye(size).reshape(size, *shape), list(step_of) if step_of else None)
    others = np.random.default_rng(0).random((5, *shape))
    found = per_seed(others, list(step_of) if step_of else None)
    weights = {}
    for name, values in single.items():
        sums = others.reshape(5, size) @ values
        if np.isfinite(values).all() and np.allclose(sums, found[name], rtol=0, atol=1e-12):
            weights[name] = [float(f"{value:.17g}") for value in values]
    return weights


# ---- rows


def columns_of(rows: Sequence[dict]) -> dict[str, Any]:
    """For each key of the rows their values under it, None where a row lacks it; dictionaries become columns,
    too."""
    keys = dict.fromkeys(key for row in rows for key in row)
    columns: dict[str, Any] = {key: [row.get(key) for row in rows] for key in keys}
    for key, values in columns.items():
        if all(value is None or isinstance(value, dict) for value in values):
            columns[key] = columns_of([value or {} for value in values])
    return columns
