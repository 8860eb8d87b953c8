"""Writes docs/speed.md from what pytest-benchmark measured: `make speed`."""
import json
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"


def page(measured: dict) -> str:
    """A row per test of tests/speed."""
    cpu = measured["machine_info"]["cpu"]
    rows = [one["extra_info"] for one in measured["benchmarks"]]
    made = ["# Speed", "", f"Written by `make speed`: {cpu['brand_raw']}, one thread, medians of runs in turn in one process. "
            "What the figures mean is in `performance.md`.", "", "| what | measured | target | |", "|---|---|---|---|"]
    made += [f"| {row['what']} | {row['found']} | {row['target']} | {'' if row['holds'] else '**missed**'} |" for row in rows]
    return "\n".join(made) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
