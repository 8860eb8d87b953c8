"""Writes the tables of docs/avalanche.md, do two implementations agree, from the records of profile `quick`,
for `make results`."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "avalanche.md"
BENCHMARKS = ("split_mnist_class", "split_mnist_task")
SECTION = re.compile(r"(?<=^## Do both agree\?\n).*?(?=^## )", re.DOTALL | re.MULTILINE)
END = """[strategies.md](strategies.md) says of each row of Avalanche's how it differs. Profile `quick`;
written by `make results`.
"""


def page(text: str) -> str:
    """The text of docs/avalanche.md with the tables of today's records."""
    from clbench.report.agreement import COLUMNS, EXPLANATION, agreements
    from clbench.report.values import entries
    from clbench.results import records

    found, _ = records.load(ROOT / "results", "quick")
    shown = COLUMNS[:-1]  # the reasons stand in strategies.md
    written = ["", EXPLANATION, "", END]
    for benchmark in BENCHMARKS:
        of_it = agreements(entries([record for record in found if record.benchmark == benchmark]))
        alike = sum(one.verdict == "equivalent" for one in of_it)
        written += [f"### {benchmark}\n", f"{alike} of {len(of_it)} pairs are equivalent.\n"]
        written += [_line(shown), _line(["---", "---", *["---:"] * 4, "---", "---:", "---:"])]
        written += [_line([f"`{one.native}`", f"`{one.avalanche}`", *one.cells[2:-1]]) for one in of_it]
        written.append("")
    found_once = SECTION.subn(lambda _: "\n".join([*written, ""]), text)
    assert found_once[1] == 1, f"{PAGE} has no section for the tables"
    return found_once[0]


def _line(cells) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
