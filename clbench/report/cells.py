"""The cells of a table: what one value comes to, as text and as numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from clbench.core.costs import SECONDS
from clbench.metrics.accuracy import METRICS
from clbench.metrics.decay import DECAY
from clbench.metrics.statistics import summarise
from clbench.report.stars import star_and_ties
from clbench.report.values import Entry, oldest, waited

NONE = "–"
TIMES = ("seconds", *SECONDS, "predict_ms", "predict_batch_ms")  # by the clock
POINTS_PER = {"update_gain_per_gflop": 100, "update_gain_per_item": 1e5}  # GFLOP, 1,000 examples
SIGNS = {
    "best": "★",
    "tied": "≈",
    "unclear": "?",
    "stale": "†",
    "accepted": "‡",
    "imported": "§",
    "waited": "⚑",
}


@dataclass(frozen=True)
class Cell:
    """One value: mean over n seeds, its 95 % interval and SD, what to print; `marks` are keys of SIGNS."""

    value: float | None = None
    half_width: float | None = None  # None where the interval is not symmetric
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    n: int = 0
    seeds: Mapping[int, float | None] = field(default_factory=dict)
    text: str = NONE
    marks: tuple[str, ...] = ()

    @property
    def signs(self) -> str:
        return "".join(f"{SIGNS[mark]} " for mark in self.marks)

    @property
    def shown(self) -> str:
        return self.signs + self.text


def cells_with_marks(found: list[Entry], metric: str, expected: int | None = None) -> list[Cell]:
    """One cell for each row of a benchmark, with best, tied, unclear, stale, and the status of rows that are
    not ok. expected: see `cell`."""
    judged = star_and_ties(found, metric)
    cells = []
    for entry in found:
        name = entry.record.strategy
        marks = {
            "best": name == judged.best,
            "tied": name in judged.tied,
            "unclear": name in judged.unclear,
            "stale": entry.stale,
            "accepted": "accepted_data" in entry.record.settings,
        }
        one = cell(entry, metric, expected) if entry.ok else Cell(text=entry.record.status)
        held = tuple(mark for mark, holds in marks.items() if holds)
        cells.append(replace(one, marks=(*held, *one.marks)))
    return cells


def cell(entry: Entry, name: str, expected: int | None = None) -> Cell:
    """The cell of a metric or cost, without marks but for times of a busy machine. It says its n where that
    is not the expected one: by default that of its row, which stands in the table."""
    one = _cell(entry, name)
    if name in TIMES and one.value is not None and waited(entry.record):
        one = replace(one, marks=("waited",))
    due = len(entry.record.seeds) if expected is None else expected
    return one if one.value is None or one.n == due else replace(one, text=f"{one.text} (n {one.n})")


def _cell(entry: Entry, name: str) -> Cell:
    if name == "recovered":
        return _recovered(entry)
    if name in METRICS:
        return cell_of_seeds(entry.metrics.get(name, {}))
    if name in DECAY:
        return _of_decay(entry, name)
    return cell_of_cost(entry, cost_of(entry.costs, name))


def cell_of_cost(entry: Entry, value: float | None) -> Cell:
    """What a seed of the row costs."""
    return Cell() if value is None else Cell(value=value, n=len(entry.record.seeds), text=number(value))


def cell_of_seeds(seeds: Mapping[int, float]) -> Cell:
    """A metric's cell: the mean of these values, in points."""
    summary = summarise(list(seeds.values()))
    mean, half = summary.mean, summary.half_width
    if mean is None:
        return Cell()
    return cell_of_mean(mean, half, summary.sd, summary.n, seeds)


def cell_of_mean(
    mean: float, half: float | None, sd: float | None, n: int, seeds: Mapping[int, float | None]
) -> Cell:
    """A metric's cell, in points."""
    text = f"{100 * mean:z.1f}" if half is None else f"{100 * mean:z.1f} ± {100 * half:.1f}"
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Cell(mean, half, low, high, sd, n, seeds, text)


def _of_decay(entry: Entry, name: str) -> Cell:
    """In slices, in points, or in points for each GFLOP or 1,000 examples. Of a half-life that some seeds do
    not reach, after how many slices they have not."""
    seeds = entry.decay.get(name, {})
    lasting = sum(value == math.inf for value in seeds.values())
    if lasting:
        some = "" if lasting == len(seeds) else f" ({lasting} of {len(seeds)} seeds)"
        return Cell(n=len(seeds), text=f"> {oldest(entry.record)}{some}")
    one = cell_of_seeds(seeds)
    if one.value is None or (name != "half_life" and name not in POINTS_PER):
        return one
    values = [one.value] if one.half_width is None else [one.value, one.half_width]
    texts = [f"{v:.2f}" if name == "half_life" else number(POINTS_PER[name] * v) for v in values]
    return replace(one, text=" ± ".join(texts))


def _recovered(entry: Entry) -> Cell:
    back = entry.recovered
    if back is None:
        return Cell()
    return Cell(
        back.value, None, back.low, back.high, None, back.n, {}, interval(back.value, back.low, back.high)
    )


def interval(value: float, low: float, high: float) -> str:
    """In points, where the interval is not symmetric."""
    return f"{100 * value:z.1f} [{100 * low:z.1f}, {100 * high:z.1f}]"


def cost_of(costs: Mapping[str, float | None], name: str) -> float | None:
    """A cost, or one of DERIVED, from the cost sheet."""
    if name == "seconds":
        training, evaluation = costs["train_s"], costs["eval_s"]
        return None if training is None or evaluation is None else training + evaluation
    if name == "gflops":
        return None if costs["flops"] is None else costs["flops"] / 1e9
    if name == "memory_mb":
        return None if costs["memory_bytes"] is None else costs["memory_bytes"] / 1e6
    return costs.get(name)


def number(value: float) -> str:
    """Three significant digits, whole numbers from 100 on, never an exponent.

    >>> [number(value) for value in (0, 0.0000512, 0.00123, 0.25, 12.34, 200.0, 123456.7)]
    ['0', '0.000051', '0.00123', '0.25', '12.3', '200', '123,457']
    """
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}"
