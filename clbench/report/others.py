"""What the page of results embeds of imported rows: as their sources tell them."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from clbench.metrics.accuracy import METRICS
from clbench.report.cells import SIGNS
from clbench.report.imported import KIND, grouped, half_of
from clbench.results.imported import FILE, Imported


def embedded(rows: Sequence[Imported], path: Path) -> dict:
    """Of one profile; path: the table they come from. A row for each benchmark, strategy and source."""
    return {
        "file": FILE,
        "sha256": sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        "rows": [_row(own) for own in grouped(rows, _place)],
    }


def _place(row: Imported) -> tuple[str, str, str]:
    return row.benchmark, row.strategy, row.source


def _row(own: list[Imported]) -> dict:
    """values: metric or cost -> [mean, half-width of its 95 % t interval, SD, n], null where it is not told;
    id: of the row in links, no name of a strategy."""
    benchmark, strategy, source = _place(own[0])
    text = json.dumps(_place(own[0]))
    return {
        "id": f"{SIGNS[KIND]}{sha256(text.encode()).hexdigest()[:8]}",
        "benchmark": benchmark,
        "strategy": strategy,
        "source": source,
        "values": {row.metric: [row.mean, half_of(row), row.sd, row.n] for row in own},
    }


def benchmarks_alone(rows: Sequence[Imported], known: Sequence[str]) -> dict[str, str]:
    """benchmark -> the metric to show first, of those that no record of ours is of."""
    told = {
        name: {row.metric for row in rows if row.benchmark == name}
        for name in sorted({row.benchmark for row in rows} - {*known})
    }
    return {name: next((one for one in METRICS if one in own), "acc") for name, own in told.items()}
