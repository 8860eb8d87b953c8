"""One table, written for the terminal, Markdown, JSON or CSV."""

import csv
import dataclasses
import html
import io
import json

from clbench.report.tables import Table

# What a narrow terminal does without, in turn.
DISPENSABLE = (
    "backward_left_right",
    "backward_right_left",
    "backward_five",
    "peak_mb",
    "cpu_hours",
    "gpu_hours",
    "bwt",
    "plasticity_gap_equal",
    "joint_gap",
    "memory_items",
    "memory_mb",
    "aia",
    "recovered",
    "seconds",
    "gflops",
    "plasticity_gap",
)


def grid(table: Table) -> tuple[list[str], list[list[str]]]:
    """(headings, rows) as text: strategy, seeds, then the columns that are shown."""
    compared = table.benchmark is not None
    headings = ["strategy", *(["seeds"] if compared else []), *(column.heading for column in table.columns)]
    rows = []
    for row in table.rows:
        seeds = [] if table.benchmark is None else [str(len(row.origins[table.benchmark].seeds))]
        rows.append([row.strategy, *seeds, *(row.cells[column.name].shown for column in table.columns)])
    return headings, rows


def to_rich(table: Table, width: int | None = None):
    """The table for `rich.print`. With a width (in characters) it leaves out columns until it fits, and says
    which."""
    from rich import box
    from rich.console import Group
    from rich.table import Table as Grid
    from rich.text import Text

    table, left_out = fitting(table, width) if width else (table, [])
    headings, rows = grid(table)
    drawn = Grid(
        title=Text(table.title),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for i, (heading, wide) in enumerate(zip(headings, widths(headings, rows), strict=True)):
        drawn.add_column(
            Text(unbroken(heading)), justify="right" if i else "left", overflow="fold", width=wide
        )
    for row, cells, following in zip(table.rows, rows, [*table.rows[1:], None], strict=True):
        drawn.add_row(*map(Text, cells), end_section=following is not None and following.family != row.family)
    notes = [*table.notes, *([f"left out for want of room: {', '.join(left_out)}"] if left_out else [])]
    return Group(drawn, *(Text(note, style="dim") for note in notes))


def fitting(table: Table, width: int) -> tuple[Table, list[str]]:
    """(the table with as many columns as fit into the width, the headings left out)."""
    left_out = []
    for name in DISPENSABLE:
        if characters(table) <= width:
            break
        gone = [column for column in table.columns if column.name == name]
        left_out += [column.title for column in gone]
        table = dataclasses.replace(table, columns=[column for column in table.columns if column not in gone])
    return table, left_out


def characters(table: Table) -> int:
    """How wide the table is drawn."""
    wide = widths(*grid(table))
    return sum(wide) + 2 * len(wide)


def widths(headings: list[str], rows: list[list[str]]) -> list[int]:
    """Characters of each column; a heading may break at its spaces, a cell may not."""
    columns = zip(headings, zip(*rows, strict=True), strict=True)
    return [max(map(len, [*unbroken(heading).split(" "), *cells])) for heading, cells in columns]


def unbroken(heading: str) -> str:
    """The heading with its arrow tied to the last word."""
    return heading.replace(" ↑", "\xa0↑").replace(" ↓", "\xa0↓")


def to_markdown(table: Table) -> str:
    """The table with its notes as GitHub's Markdown; where columns are benchmarks, one more says the
    family."""
    headings, rows = grid(table)
    if table.benchmark is None:
        headings.insert(1, "family")
        for row, cells in zip(table.rows, rows, strict=True):
            cells.insert(1, row.family)
    sides = ["---:" if heading != "family" else "---" for heading in headings[1:]]
    lines = [headings, ["---", *sides], *([f"`{cells[0]}`", *cells[1:]] for cells in rows)]
    text = "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
    return text + "\n\n" + "\n".join(f"- {markdown_text(note)}" for note in table.notes) + "\n"


def markdown_text(text: str) -> str:
    """Text of foreign origin (a reason, an error) that Markdown shall show as it is."""
    text = html.escape(" ".join(text.split()), quote=False)
    return "".join(f"\\{character}" if character in r"\`*_[]|~" else character for character in text)


def to_json(tables: list[Table]) -> str:
    """All cells of all tables, those not shown by default too, with SD, interval, n and the value of every
    seed."""
    return (
        json.dumps(
            {"tables": [dataclasses.asdict(table) for table in tables]},
            indent=1,
            ensure_ascii=False,
            allow_nan=False,
        )
        + "\n"
    )


OF_CELL = ("value", "half_width", "low", "high", "sd", "n")
FIELDS = (
    "profile",
    "benchmark",
    "strategy",
    "family",
    "kind",
    "status",
    "stale",
    "reason",
    "metric",
    *OF_CELL,
    "marks",
)


def to_csv(tables: list[Table]) -> str:
    """Tidy: one line per profile, benchmark, strategy and metric."""
    file = io.StringIO()
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            for name, cell in row.cells.items():
                benchmark, metric = (table.benchmark, name) if table.benchmark else (name, table.metric)
                if benchmark in row.origins:
                    told = {
                        "profile": table.profile,
                        "benchmark": benchmark,
                        "strategy": row.strategy,
                        "family": row.family,
                        "kind": row.kind,
                        "metric": metric,
                        "marks": " ".join(cell.marks),
                    }
                    told |= {
                        name: getattr(row.origins[benchmark], name) for name in ("status", "stale", "reason")
                    }
                    writer.writerow(told | {name: getattr(cell, name) for name in OF_CELL})
    return file.getvalue()
