"""Writes docs/speed.md from what pytest-benchmark measured: `make speed`. docs/speed.json keeps the figures of every machine."""
import json
import sys
from pathlib import Path

from clbench.execution.processor import describe_processor

DOCS = Path(__file__).parent.parent / "docs"


def measured_here(measured: dict) -> dict[str, dict]:
    """{the processor or GPU: {what: figure, target, whether it holds}}: a row per test of tests/speed."""
    machines: dict[str, dict] = {}
    for row in (one["extra_info"] for one in measured["benchmarks"]):
        machines.setdefault(row.pop("machine", describe_processor()), {})[row.pop("what")] = row
    return machines


def page(machines: dict[str, dict]) -> str:
    """A column per machine."""
    made = ["# Speed", "", "Written by `make speed` and `make gpu-report`: one thread, medians of runs in turn in one process; a "
            "missed target is in bold. What the figures mean is in `performance.md`.", "",
            f"| what | target | {' | '.join(machines)} |", f"|---|---|{'---|' * len(machines)}"]
    targets = {what: row["target"] for rows in machines.values() for what, row in rows.items()}
    for what, target in targets.items():
        made.append(f"| {what} | {target} | {' | '.join(_shown(rows.get(what)) for rows in machines.values())} |")
    return "\n".join(made) + "\n"


def _shown(row: dict | None) -> str:
    if row is None:
        return "–"
    return row["found"] if row["holds"] else f"**{row['found']}**"


if __name__ == "__main__":
    kept = DOCS / "speed.json"
    machines = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name, rows in measured_here(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).items():
        machines[name] = machines.get(name, {}) | rows          # what was not measured this time stays
    kept.write_text(json.dumps(machines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "speed.md").write_text(page(machines), encoding="utf-8")
