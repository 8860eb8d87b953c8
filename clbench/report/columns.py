"""The columns of a table: which there are, in which order, and how they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clbench.core.costs import COSTS
from clbench.metrics.accuracy import METRICS
from clbench.metrics.decay import DECAY
from clbench.report.values import in_time
from clbench.results.record import Record

if TYPE_CHECKING:
    from clbench.report.tables import Row  # which imports this module

# The columns of a table, in groups: what a row learns, what it lacks beside retraining, what it costs.
BESIDE_RETRAINING = ("plasticity_gap", "plasticity_gap_equal", "joint_gap")
COST_COLUMNS = (
    "seconds",
    "gpu_hours",
    "cpu_hours",
    "energy_wh",
    "gflops",
    "retraining_saved",
    "memory_items",
    "memory_mb",
    "peak_mb",
    "labels",
    "growth",
)
# What is kept, what the past is good for.
KEEPING = ("acc", "acc_by_example", "old", "new", "old_kept", "forgetting", "fwt")
DEFAULT = (*KEEPING, "aia", "bwt", *BESIDE_RETRAINING, "recovered", *COST_COLUMNS)
# Of streams in time, three questions, side by side, so that none is answered in place of another.
QUESTIONS = {
    "stream_next": "how good is it on what comes next?",
    "stream_backward": "how well does it keep what came before?",
    "acc": "how good is it on everything in the end?",
}
IN_TIME = (*QUESTIONS, *KEEPING[1:], "aia", "bwt", *BESIDE_RETRAINING, "recovered", *COST_COLUMNS)
PAIRS = (
    *QUESTIONS,
    "stream_id",
    "stream_forward",
    "forgetting",
    "old_kept",
    "new_share",
    *BESIDE_RETRAINING,
    "backward_left_right",
    "backward_right_left",
    "backward_five",
    *COST_COLUMNS,
)
WHERE_USED = ("acc_by_example", "gpu_hours", "cpu_hours", "energy_wh", "memory_mb", "labels", "growth")
TITLES = {
    "seconds": "s/seed",
    "gflops": "GFLOPs",
    "gpu_hours": "GPU h",
    "cpu_hours": "CPU h",
    "peak_mb": "peak MB",
    "memory_mb": "kept MB",
    "compute": "× naive",
}
DERIVED = ("seconds", "gflops", "memory_mb", "compute")  # what tables show of costs in other units
NAMES = (*METRICS, *COSTS, *DERIVED, *DECAY)  # of all that a row has a value of
DESCRIPTIONS = {
    "seconds": "wall-clock of training and evaluation",
    "gflops": "counted forward and backward FLOPs, in units of 10^9",
    "memory_mb": "stored examples and all else kept beyond the plain model, in 10^6 bytes",
    "compute": "FLOPs as a multiple of naive's on the same benchmark and data",
}


@dataclass(frozen=True)
class Column:
    name: str  # of a metric or cost, or of a benchmark
    title: str
    higher_is_better: bool | None = None
    description: str = ""
    metric: str | None = None  # of a benchmark's column: what its cells hold

    @property
    def heading(self) -> str:
        return self.title + {True: " ↑", False: " ↓", None: ""}[self.higher_is_better]


def heading(name: str) -> Column:
    """The column of a metric or cost."""
    if name in METRICS:
        metric = METRICS[name]
        return Column(name, metric.title, metric.higher_is_better, metric.description)
    if name in DECAY:  # of the stream as much as of the row: no arrow
        return Column(name, DECAY[name].title, None, DECAY[name].description)
    cost = COSTS.get(name)
    title = TITLES.get(name) or (f"{cost.title} {cost.unit}".strip() if cost else name)
    return Column(name, title, None, DESCRIPTIONS.get(name) or (cost.description if cost else ""))


def columns_of(record: Record, lead: str) -> tuple[str, ...]:
    """Of a benchmark's table; the metric that ranks is among them."""
    pairs = record.settings.get("scenario") == "pairs"
    chosen = PAIRS if pairs else IN_TIME if in_time(record) else DEFAULT
    return chosen if lead in chosen else (lead, *chosen)


def heading_among(name: str, chosen: tuple[str, ...]) -> Column:
    """ACC answers one of three questions where those stand beside it."""
    column = heading(name)
    return (
        replace(column, title=f"all ({column.title})")
        if name == "acc" and "stream_next" in chosen
        else column
    )


def in_use(rows: Sequence[Row], name: str) -> bool:
    """GPU hours stand where a GPU was used, CPU hours where none was."""
    if name == "cpu_hours":
        return any(row.cells["gpu_hours"].value is None for row in rows)
    return any(row.cells[name].value is not None for row in rows)
