"""One table, written for the terminal, Markdown, HTML, JSON or CSV."""

import csv
import dataclasses
import html
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from clbench.core.text import CONTROL, printable
from clbench.report.cells import NONE
from clbench.report.tables import Row, Table

# What a narrow terminal does without, in turn.
DISPENSABLE = (
    "backward_left_right",
    "backward_right_left",
    "backward_five",
    "peak_mb",
    "cpu_hours",
    "gpu_hours",
    "energy_wh",
    "plasticity_gap_equal",
    "joint_gap",
    "bwt",
    "memory_mb",
    "aia",
    "retraining_saved",
    "memory_items",
    "labels",
    "growth",
    "recovered",
    "stream_forward",
    "new_share",
    "gflops",
    "stream_id",
    "new",
    "old",
    "fwt",
    "seconds",
    "plasticity_gap",
    "forgetting",
)


def grid(table: Table) -> tuple[list[str], list[list[str]]]:
    """(headings, rows) as text: strategy, seeds, then the columns that are shown. Names and reasons are from
    outside, so control characters are written out."""
    compared = table.benchmark is not None
    headings = ["strategy", *(["seeds"] if compared else []), *(column.heading for column in table.columns)]
    rows = []
    for row in table.rows:
        seeds = [seeds_of(table, row)] if compared else []
        rows.append([row.strategy, *seeds, *(row.cells[column.name].shown for column in table.columns)])
    return [printable(heading) for heading in headings], [[printable(cell) for cell in row] for row in rows]


def seeds_of(table: Table, row: Row) -> str:
    """How many seeds a row of a comparison has; of how many, where those are more."""
    if row.kind == "imported":
        return str(max(cell.n for cell in row.cells.values()) or NONE)
    origin = row.origins[table.benchmark or ""]
    number, due = len(origin.seeds), table.seeds or 0
    return f"{number} of {due}" if origin.status == "ok" and number < due else str(number)


def to_rich(table: Table, width: int | None = None, keep: str | None = None):
    """The table for `rich.print`. With a width (in characters) it leaves out columns until it fits, but never
    the one of this name, and says which."""
    from rich import box
    from rich.console import Group
    from rich.table import Table as Grid
    from rich.text import Text

    table, left_out = fitting(table, width, keep) if width else (table, [])
    headings, rows = grid(table)
    drawn = Grid(
        title=Text(printable(table.title)),
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
    by_family = _by_family(table.rows)
    for row, cells, following in zip(table.rows, rows, [*table.rows[1:], None], strict=True):
        ends = by_family and following is not None and following.family != row.family
        drawn.add_row(*map(Text, cells), end_section=ends)
    notes = [*table.notes, *([f"left out for want of room: {', '.join(left_out)}"] if left_out else [])]
    return Group(drawn, *(Text(printable(" ".join(note.split())), style="dim") for note in notes))


def print_lines(columns: Sequence[str], rows: Sequence[Sequence[str]], below: Sequence[str]) -> None:
    """Prints rows of text under their headings, without columns that are empty throughout.

    A row takes a line where a program reads, and in a terminal that is wide enough. Else what stands in the
    columns `below` is told under the row, and in a narrow one its name, the first column, has a line for
    itself. No cell is cut.
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    reader = not console.is_terminal and "COLUMNS" not in os.environ
    cells = [[printable(cell) for cell in row] for row in rows]
    used = [place for place, column in enumerate(columns) if not place or any(row[place] for row in rows)]
    wide = {place: max(len(row[place]) for row in [columns, *cells]) + 2 for place in used}

    def line(row: Sequence[str], places: Sequence[int], style: str = "") -> None:
        text = "".join(row[place].ljust(wide[place]) for place in places).rstrip()
        console.print(Text(text, style=style), soft_wrap=True)

    beside = [place for place in used if columns[place] not in below]
    told = [place for place in used if columns[place] in below]
    if reader or sum(wide.values()) <= console.width:
        beside, told = used, []
    own_line = not reader and sum(wide[place] for place in beside) > console.width
    if own_line:
        beside = beside[1:]
    line(columns, beside, "bold")
    for row in cells:
        if own_line and row[0]:
            line(row, [0], "bold")
        line(row, beside)
        for place in told:
            if row[place]:
                under = Text(f"{columns[place]}: {row[place]}", style="dim")
                console.print(Padding(under, (0, 0, 0, 2)))


def _by_family(rows: list[Row]) -> bool:
    """Whether the rows of each family stand together."""
    runs = [family for family, _ in groupby(row.family for row in rows)]
    return len(runs) == len(set(runs))


def fitting(table: Table, width: int, keep: str | None = None) -> tuple[Table, list[str]]:
    """(the table with as many columns as fit into the width, the headings left out)."""
    left_out = []
    benchmarks = [column.name for column in table.columns if column.metric]
    for name in (*reversed(benchmarks[1:]), *DISPENSABLE):
        if characters(table) <= width:
            break
        gone = [column for column in table.columns if column.name == name != keep]
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
    lines = [
        headings,
        ["---", *sides],
        *([code(cells[0]), *(cell.replace("|", r"\|") for cell in cells[1:])] for cells in rows),
    ]
    lines[0] = [markdown_text(one) for one in headings]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return text + "\n\n" + "\n".join(f"- {markdown_text(note)}" for note in table.notes) + "\n"


def to_markdown_page(tables: list[Table]) -> str:
    """Each with its title above."""
    return "\n".join(f"### {markdown_text(table.title)}\n\n{to_markdown(table)}" for table in tables)


def markdown_text(text: str) -> str:
    """Text of foreign origin (a reason, an error) that Markdown shall show as it is."""
    text = html.escape(printable(" ".join(text.split())), quote=False)
    return "".join(f"\\{character}" if character in r"\`*_[]|~#" else character for character in text)


def to_html(table: Table) -> str:
    """The table with its notes as HTML, for a notebook."""
    return html_table(table.title, *grid(table), table.notes)


def html_table(title: str, headings: list[str], rows: list[list[str]], notes: list[str]) -> str:
    """A piece of HTML that needs nothing else: it takes the page's fonts and colours, and scrolls where it is
    wide. Everything in it is shown as text."""
    lines = [
        '<div style="overflow-x: auto">',
        _each("<table><caption>{}</caption>", [title]),
        f"<thead><tr>{_each('<th scope=col>{}</th>', headings)}</tr></thead>",
        "<tbody>",
        *(
            f"<tr>{_each('<th scope=row>{}</th>', row[:1])}{_each('<td>{}</td>', row[1:])}</tr>"
            for row in rows
        ),
        "</tbody></table>",
        f"<ul>{_each('<li>{}</li>', [' '.join(note.split()) for note in notes])}</ul>",
        "</div>",
    ]
    return "\n".join(lines) + "\n"


def _each(element: str, texts: list[str]) -> str:
    """The HTML element around each text."""
    return "".join(element.format(html.escape(printable(text))) for text in texts)


def code(text: str) -> str:
    """A name as code in a cell of Markdown: backticks inside a longer fence, pipes escaped."""
    text = printable(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", r"\|")


def to_json(tables: list[Table]) -> str:
    """All cells of all tables, those not shown by default too, with SD, interval, n and the value of every
    seed."""
    return json_text({"tables": [dataclasses.asdict(table) for table in tables]})


def json_text(content: dict) -> str:
    """A file of JSON whose texts of foreign origin a terminal can show."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    # Outside of strings there are line breaks only, and inside there are none.
    return CONTROL.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text) + "\n"


OF_ORIGIN = ("status", "stale", "reason", "source")
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
    "source",
)


FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(tables: list[Table]) -> str:
    """Tidy: one line per profile, benchmark, strategy and metric; a rank's has its ties too. What is of
    several benchmarks together names none."""
    ranked = any("ties" in row.cells for table in tables for row in table.rows)
    file = io.StringIO()
    writer = csv.DictWriter(file, [*FIELDS, *(["ties"] if ranked else [])], lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            writer.writerows(map(_guarded, _lines(table, row)))
    return file.getvalue()


def _guarded(line: dict) -> dict:
    """Texts that a spreadsheet would take for a formula stay texts."""
    return {
        key: f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
        for key, value in line.items()
    }


def _lines(table: Table, row: Row) -> Iterator[dict]:
    """Of each cell."""
    metric_of = {column.name: column.metric for column in table.columns}
    for name, cell in row.cells.items():
        benchmark = table.benchmark or (name if metric_of[name] else "")
        if name == "ties" or (benchmark and benchmark not in row.origins):
            continue
        told = {
            "profile": table.profile,
            "benchmark": benchmark,
            "strategy": row.strategy,
            "family": row.family,
            "kind": row.kind,
            "metric": name if table.benchmark else metric_of[name] or name,
            "marks": " ".join(cell.marks),
        }
        if benchmark:
            told |= {key: getattr(row.origins[benchmark], key) for key in OF_ORIGIN}
        if name == "rank" and "ties" in row.cells:
            told["ties"] = row.cells["ties"].text
        told = {key: printable(one) if isinstance(one, str) else one for key, one in told.items()}
        yield told | {key: getattr(cell, key) for key in OF_CELL}
