"""A stream in time by age: how long a model stays fresh, what an update buys, what updating less often costs.
The formulas are in `clbench.metrics.decay`."""

from collections.abc import Callable, Sequence

import numpy as np

from clbench.metrics.decay import DECAY, curve, lost_on_calendar, on_calendar, saved, terms
from clbench.report.answers import Part, answer
from clbench.report.cells import Cell, cell, cell_of_cost, cell_of_seeds
from clbench.report.columns import Column, heading
from clbench.report.notes import UNITS
from clbench.report.tables import Table, groups
from clbench.report.values import Entry, gflops_of_update, in_time, oldest
from clbench.results.record import Record

MOST = 8  # ages, or calendars, that are all shown; of more, those that double, and the last
SKIPPED = (
    "only the training on the slices between is skipped: the model in use is the one that did train on every "
    "slice up to its last update. Trained that seldom it would have seen less, which takes a run of its own"
)
ABOUT = (
    "Accuracy without update by age, in slices since the last one (0: just updated), and after how many "
    "slices half of what a model learnt above the untrained network is gone (> n: not within n slices). What "
    "an update adds on its slice. What is lost on the current slice by updating less often, in brackets the "
    f"share of the trainings that this saves; {SKIPPED}. In points ± half-width of the 95 % interval."
)


def tables_by_age(records: list[Record]) -> list[Table]:
    """Three tables for each stream in time among the records, of the rows that have values."""
    made: list[Table] = []
    for judged in groups(records, (), together=False):
        for entries in judged.values():
            found = _with_ages(entries)
            made += [answer(found, part(found)) for part in PARTS if found]
    return made


def section(entries: Sequence[Entry]) -> dict | None:
    """What the page of results says of a stream in time; None of another."""
    found = _with_ages(entries)
    if not found:
        return None
    parts = [part(found) for part in PARTS]
    texts = [
        [part.cells[place].get(column.name, Cell()).text for part in parts for column in part.columns]
        for place in range(len(found))
    ]
    return {
        "title": "How long a model stays fresh, and what updates buy",
        "about": ABOUT,
        "columns": ["strategy", *(column.title for part in parts for column in part.columns)],
        "rows": [[one.record.strategy, *own] for one, own in zip(found, texts, strict=True)],
    }


def _with_ages(entries: Sequence[Entry]) -> list[Entry]:
    """The rows with values, of a stream in time of at least two slices."""
    return [one for one in entries if one.ok and in_time(one.record) and oldest(one.record) > 0]


# ---- the three questions


def _of_age(found: list[Entry]) -> Part:
    ages = _shown(range(max(oldest(one.record) for one in found) + 1))
    counts = terms(found[0].record.array[0], found[0].record.settings.get("step_of"))
    told = ", ".join(str(counts[age]) for age in ages if age < len(counts))
    return Part(
        "accuracy without update, by slices since the last one",
        [*(Column(f"age_{age}", f"age {age}", metric="acc") for age in ages), heading("half_life")],
        [
            {f"age_{age}": own for age, own in enumerate(_cells(one, curve))}
            | {"half_life": cell(one, "half_life")}
            for one in found
        ],
        [
            UNITS,
            f"age 0: on the slice just learnt. The means are over {told} models: the later, the fewer",
            f"half-life: {DECAY['half_life'].description}; > n: not within n slices",
        ],
    )


def _of_update(found: list[Entry]) -> Part:
    names = ("update_gain", "update_gain_per_gflop", "update_gain_per_item")
    return Part(
        "what an update buys",
        [*map(heading, names), Column("gflops_of_update", "GFLOPs an update"), heading("memory_items")],
        [
            {name: cell(one, name) for name in (*names, "memory_items")}
            | {"gflops_of_update": cell_of_cost(one, gflops_of_update(one.record))}
            for one in found
        ],
        [
            UNITS,
            f"update gain: {DECAY['update_gain'].description}; by GFLOPs of an update on average over all "
            "tasks, and by the examples stored at the end",
        ],
    )


def _of_calendar(found: list[Entry]) -> Part:
    tasks = max(len(one.record.array[0]) - 1 for one in found)
    shown = _shown(range(2, tasks + 1))
    return Part(
        "what a calendar of updates costs",
        [
            Column("every_1", "every slice", metric="acc"),
            *(Column(f"lost_{every}", _calendar(every, tasks), metric="acc") for every in shown),
        ],
        [
            {
                f"{name}_{every}": own
                for name, of in CALENDARS.items()
                for every, own in enumerate(_cells(one, of), 1)
            }
            for one in found
        ],
        [
            UNITS,
            "every slice: mean accuracy on the current slice, with an update on each. Then what is lost "
            "where only every n-th update is made, the first among them; in brackets the share of the "
            "trainings that this saves, which is that of the GFLOPs where all cost the same",
            SKIPPED,
        ],
    )


PARTS = (_of_age, _of_update, _of_calendar)
CALENDARS = {
    name: lambda R, step_of, of=of: np.array([of(R, every, step_of) for every in range(1, len(R))])
    for name, of in (("every", on_calendar), ("lost", lost_on_calendar))
}


def _cells(entry: Entry, function: Callable[..., np.ndarray]) -> list[Cell]:
    """One for each of the values that the function gives of a seed's matrix."""
    record = entry.record
    values = np.array([function(R, record.settings.get("step_of")) for R in record.array])
    return [cell_of_seeds(dict(zip(record.seeds, own, strict=True))) for own in values.T.tolist()]


def _calendar(every: int, tasks: int) -> str:
    """'lost, every 2nd (−50%)'."""
    ending = "th" if every % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(every % 10, "th")
    when = "no update" if every == tasks else f"every {every}{ending}"
    return f"lost, {when} (−{saved(tasks, every):.0%})"


def _shown(numbers: range) -> list[int]:
    few = len(numbers) <= MOST
    return [one for one in numbers if few or one.bit_count() < 2 or one == numbers[-1]]
