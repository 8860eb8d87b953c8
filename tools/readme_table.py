"""Writes README.md's table from the records of profile `quick`, for `make results`."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BENCHMARK = "split_mnist_class"
# And ★, if it is none of these.
ROWS = ("naive", "joint", "ewc", "lwf", "er", "derpp", "mir", "avalanche_replay")
COLUMNS = ("strategy", "ACC ↑", "forgetting ↓", "plasticity gap ↓", "recovered ↑", "s/seed")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def table(records: list) -> str:
    """The rows and columns of README's table in Markdown, from the records of the benchmark."""
    from clbench.report import formats, tables

    whole = formats.to_markdown(tables.comparison(records))
    heading, rule, *rows = [_cells(line) for line in whole.splitlines() if line.startswith("|")]
    places = [heading.index(name) for name in COLUMNS]
    shown = [row for row in rows if row[0].strip("`") in ROWS or any(cell.startswith("★") for cell in row)]
    return "".join(f"| {' | '.join(row[place] for place in places)} |\n" for row in (heading, rule, *shown))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def with_table(text: str) -> str:
    """The text of the README with the table of today's records."""
    from clbench.results import records

    found, _ = records.load(ROOT / "results", "quick")
    made = table([record for record in found if record.benchmark == BENCHMARK])
    return TABLE.sub(lambda _: made, text, count=1)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
