"""`load_results`: all values of a results folder as one tidy pandas frame."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from clbench import registry
from clbench.core.costs import COSTS
from clbench.report.tables import by_benchmark, by_profile
from clbench.report.values import Entry, entries
from clbench.results import folders, records
from clbench.results.record import Record

COLUMNS = ["profile", "benchmark", "strategy", "backend", "status", "stale", "seed", "metric", "value"]


def load_results(folder: str | Path = folders.RESULTS) -> pd.DataFrame:
    """One row per profile, benchmark, strategy, seed and metric; metrics as fractions, costs as each seed's
    share.

    A pair without any seed (failed, unsupported) has one row without seed, metric and value, so that it stays
    visible. A file that is no record is left out with a warning.
    """
    return frame_of(records_of(folder))


def records_of(folder: str | Path) -> list[Record]:
    """All records of a results folder, with a warning for each file that is none."""
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder; `clbench run` makes {folders.RESULTS}/")
    found, problems = records.load(Path(folder))
    registry.use_tuned(Path(folder))  # which says what rows are stale
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
    return found


def frame_of(chosen: list[Record], beside: Sequence[Record] = ()) -> pd.DataFrame:
    """The frame of these records. `beside`: records that get no row but may serve as references."""
    return tidy(
        [
            entry
            for mixed in by_profile(chosen).values()
            for own in by_benchmark(mixed).values()
            for entry in entries(own, beside)
        ]
    )


def tidy(found: list[Entry]) -> pd.DataFrame:
    """The frame of these rows, see `load_results`."""
    frame = pd.DataFrame([row for entry in found for row in _rows(entry)], columns=COLUMNS)
    return frame.astype({"seed": "Int64", "value": "float64", "stale": "bool"})


def _rows(entry: Entry) -> list[dict]:
    record = entry.record
    same = {
        "profile": record.profile,
        "benchmark": record.benchmark,
        "strategy": record.strategy,
        "backend": record.backend,
        "status": record.status,
        "stale": entry.stale,
    }
    values: list[tuple[int | None, str | None, float | None]]
    values = [
        (seed, name, value)
        for name, by_seed in (entry.metrics | costs(record)).items()
        for seed, value in by_seed.items()
    ]
    return [
        same | {"seed": seed, "metric": name, "value": value}
        for seed, name, value in values or [(None, None, None)]
    ]


def costs(record: Record) -> dict[str, dict[int, float | None]]:
    """cost -> seed -> its share of what its group cost; a peak is the group's."""
    shares: dict[str, dict[int, float | None]] = {}
    for group in record.groups:
        for name, value in group.costs.items():
            if name not in COSTS:  # of another version
                continue
            share = value / len(group.seeds) if COSTS[name].adds_up and value is not None else value
            shares.setdefault(name, {}).update(dict.fromkeys(group.seeds, share))
    return shares
