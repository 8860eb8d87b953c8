"""How the training of a row went, for its drill-down: the curves that `--curves` has kept."""

from pathlib import Path
from typing import Any

import numpy as np

from clbench.results import tally
from clbench.results.record import BrokenRecord, Record

POINTS = 100  # at most so many of a curve in a page


def training(record: Record, results: Path) -> dict[str, list[Any]]:
    """name of a curve -> [task of each point, step of the run, value], mean over the seeds; of a row that
    diverged its first seed that did, up to the step that broke it. Nothing without curves."""
    if not any(tally.CURVES in name for name in record.files):
        return {}
    try:
        by_seed = tally.read(record, results)
    except BrokenRecord:
        return {}
    chosen = [one for one in by_seed.values() if "curve_loss" in one]
    broken = [one for one in chosen if not np.isfinite(one["curve_loss"]).all()]
    several = broken[:1] or chosen
    if not several:
        return {}
    task, step = several[0]["curve_task"], several[0]["curve_step"]
    names = [name for name in several[0] if name.startswith(tally.OF_CURVES)]
    names = [name for name in names if name not in ("curve_task", "curve_step")]
    found = {}
    for name in sorted(names, key=lambda one: (one != "curve_loss", one)):
        mean = np.mean([one[name] for one in several if name in one], 0, dtype=float)
        known = np.flatnonzero(np.isfinite(mean))
        if len(known) > POINTS:
            known = known[np.unique(np.linspace(0, len(known) - 1, POINTS).round().astype(int))]
        if len(known):
            values = [float(f"{one:.4g}") for one in mean[known]]
            title = name.removeprefix(tally.OF_CURVES).replace("_", " ")
            found[title] = [task[known].tolist(), step[known].tolist(), values]
    return found
