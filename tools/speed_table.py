"""Writes docs/speed.md from what pytest-benchmark measured, for `make speed`.

docs/speed.json keeps the figures of every machine.
"""

import json
import sys
from pathlib import Path

from clbench.execution.processor import describe_processor

DOCS = Path(__file__).parent.parent / "docs"


def rows_by_machine(measured: dict) -> dict[str, dict]:
    """The processor or GPU -> what was measured -> its row: the figure, the target, whether it holds.

    measured: the content of pytest-benchmark's file, with an entry for each test of tests/speed.
    """
    machines: dict[str, dict] = {}
    for benchmark in measured["benchmarks"]:
        row = benchmark["extra_info"]
        machine = row.pop("machine", describe_processor())
        machines.setdefault(machine, {})[row.pop("what")] = row
    return machines


def page(machines: dict[str, dict]) -> str:
    """The text of docs/speed.md: a table with a column for each machine."""
    lines = [
        "# Speed",
        "",
        "Written by `make speed` and `make gpu-report`: one thread, medians of runs in turn in one "
        "process; a missed target is in bold. What the figures mean is in `performance.md`.",
        "",
        f"| what | target | {' | '.join(machines)} |",
        f"|---|---|{'---|' * len(machines)}",
    ]
    targets = {what: row["target"] for rows in machines.values() for what, row in rows.items()}
    for what, target in targets.items():
        cells = [_cell(rows.get(what)) for rows in machines.values()]
        lines.append(f"| {what} | {target} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: dict | None) -> str:
    """The figure, in bold where it misses its target; a dash where it was not measured."""
    if row is None:
        return "–"
    return row["found"] if row["holds"] else f"**{row['found']}**"


if __name__ == "__main__":
    kept = DOCS / "speed.json"
    machines = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name, rows in rows_by_machine(measured).items():
        machines[name] = machines.get(name, {}) | rows  # what was not measured this time stays
    kept.write_text(json.dumps(machines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "speed.md").write_text(page(machines), encoding="utf-8")
