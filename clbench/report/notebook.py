"""What a notebook shows: one result, or the rows of a benchmark, as a table and as matplotlib axes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from clbench import registry
from clbench.errors import InputError
from clbench.report.columns import heading
from clbench.report.formats import html_table
from clbench.report.frame import records_of, tidy
from clbench.report.notes import UNITS, machines
from clbench.report.plots import plot
from clbench.report.style import looks
from clbench.report.tables import Table, by_profile, comparison
from clbench.report.values import Entry, entries, ranks_by
from clbench.results.record import Record
from clbench.spec import suggestion


@dataclass(frozen=True)
class Comparison:
    """All strategies on one benchmark under one profile; a notebook shows it as `clbench show` does."""

    records: list[Record]

    @cached_property
    def table(self) -> Table:
        """Every metric and cost, with ★, ≈ and the notes."""
        return comparison(self.records)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """As `clbench.load_results` has it: a line per strategy, seed and metric or cost."""
        return tidy(self._entries)

    @cached_property
    def _entries(self) -> list[Entry]:
        return entries(self.records)

    def __repr__(self) -> str:
        return f"<{self.table.title}: {len(self.records)} strategies>"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def plot(
        self, kind: str, strategies: str | Sequence[str] | None = None, axes: Any = None
    ) -> Axes | np.ndarray:
        """Draws the rows with matplotlib.

        Arguments:
            kind: "matrix": accuracies after each task on each task, mean over seeds; "seen": mean accuracy on
                the tasks seen so far, with 95 % t bands; "cost": what the benchmark ranks by against FLOPs
                per seed, with 95 % t intervals and the Pareto front of the rows that compete.
            strategies: names, globs, or specs in any spelling; None: all. Rows that lack what is drawn are
                left out.
            axes: what to draw on: matplotlib axes, or for "matrix" as many as there are strategies. Without
                them `matplotlib.pyplot` makes a figure, because that is what a notebook displays; in a
                script `matplotlib.pyplot.close` frees it. No setting of matplotlib is changed.

        Returns the axes; for "matrix" an array of them, one per strategy, in the order of the table.

        Raises InputError for another kind, for strategies that are not there, and where nothing can be drawn.
        """
        asked = [strategies] if isinstance(strategies, str) else strategies
        chosen = self._entries if asked is None else self._named(asked)
        return plot(chosen, kind, self.table.title, axes, looks(self._entries))

    def _named(self, asked: Sequence[str]) -> list[Entry]:
        if not asked:
            raise InputError("name at least one, or give None for all", "strategies", asked)
        names: set[str] = set()
        for pattern in asked:
            own = {record.strategy for record in self.records if _is(record, strategy=pattern)}
            if not own:
                there = [record.strategy for record in self.records]
                near = suggestion(pattern, there)
                raise InputError(f"no row of it{near}; there are {', '.join(there)}", "strategies", pattern)
            names |= own
        return [entry for entry in self._entries if entry.record.strategy in names]


def _is(record: Record, benchmark: str | None = None, strategy: str | None = None) -> bool:
    """Whether a name, glob or spec stands for the record's."""
    benchmarks, strategies = (None if pattern is None else [pattern] for pattern in (benchmark, strategy))
    return registry.pair_matches(record.benchmark, record.strategy, record.profile, benchmarks, strategies)


def load_comparison(folder: str | Path, benchmark: str, profile: str | None = None) -> Comparison:
    """The strategies on one benchmark in a results folder.

    Example:

        rows = clbench.load_comparison("my_results", "split_digits_class")
        rows                                                 # in a notebook: the table of `clbench show`
        rows.frame                                           # its values, by seed
        rows.plot("seen", strategies=["naive", "er", "joint"])

    Arguments:
        folder: of results. A file in it that is no record is left out with a warning.
        benchmark: its name, or its spec in any spelling.
        profile: "smoke", "quick" or "full"; None where the folder has the benchmark under one only.

    Raises InputError where that does not stand for one benchmark under one profile, FileNotFoundError where
    there is no such folder.
    """
    found = records_of(folder)
    there = {record.benchmark for record in found}
    exact = {benchmark} & there
    names = sorted(exact or {record.benchmark for record in found if _is(record, benchmark=benchmark)})
    if not names:
        near = suggestion(benchmark, there)
        raise InputError(f"no records of it in {folder}{near}", "benchmark", benchmark)
    if len(names) > 1:
        raise InputError(f"it stands for {', '.join(names)}: name one", "benchmark", benchmark)
    own = by_profile([record for record in found if record.benchmark == names[0]])
    if profile is None and len(own) == 1:
        (profile,) = own
    if profile not in own:
        raise InputError(f"{names[0]} has records under {', '.join(own)}: name one", "profile", profile)
    return Comparison(own[profile])


# ---- one row


def entry_of(record: Record, seeds: Sequence[int]) -> Entry:
    """These seeds of a record that was made just now, so that it isn't stale."""
    (entry,) = entries([record.of_seeds(seeds)])
    return replace(entry, stale=False)


def html_of(record: Record) -> str:
    """A row's metrics and costs, those of the table of its benchmark, below each other."""
    table = comparison([record])
    (row,) = table.rows
    origin, cells = row.origins[record.benchmark], row.cells
    about = [
        ["benchmark", record.benchmark, ""],
        ["strategy", record.strategy, ""],
        ["profile", record.profile, ""],
        ["seeds", ", ".join(map(str, record.seeds)), ""],
        ["ranked by", heading(ranks_by(record)).title, ""],
    ]
    measured = [
        [column.heading, cells[column.name].text, column.description]
        for column in table.columns
        if cells[column.name].value is not None
    ]
    failure = [] if origin.status == "ok" else [f"{origin.status}: {origin.reason or 'no reason given'}"]
    notes = [*failure, *origin.notes, f"{UNITS}; costs are per seed", *machines(table.rows)]
    return html_table(f"{record.strategy} on {record.benchmark}", ["", "value", ""], about + measured, notes)


def plot_one(entry: Entry, kind: str, axes: Any = None) -> Axes:
    """See `clbench.Result.plot`."""
    title = f"{entry.record.benchmark}, profile {entry.record.profile}"
    drawn = plot([entry], kind, title, axes, looks([entry]))
    return drawn[0] if isinstance(drawn, np.ndarray) else drawn
