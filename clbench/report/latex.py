"""Tables for a paper: LaTeX's tabular with the rules of booktabs.

Text of foreign origin (names, headings) comes out as it is: nothing in it is a command. What TeX reads is
ASCII; comments are not.
"""

import re
import unicodedata

from clbench.core.text import printable
from clbench.metrics.accuracy import METRICS
from clbench.report.columns import Column
from clbench.report.formats import grid
from clbench.report.imported import KIND
from clbench.report.tables import Table

TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{character: f"${character}$" for character in "<>|"},
    "`": "{`}",
    '"': "{''}",
    "\xa0": "~",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "…": r"\dots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "ß": r"\ss{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\to$",
    "★": r"$\star$",
    "§": r"\S{}",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "⚑": r"\P{}",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u030a": "r",
    "\u030c": "v",
    "\u0327": "c",
}
LIGATURES = re.compile("(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")  # TeX would join the two characters
MINUS = re.compile(r"(?<![\w.)])-(?=\d)")


def to_latex(tables: list[Table]) -> str:
    """A tabular for each table, one after another; a metric's best value is bold, notes are comments."""
    return "% needs \\usepackage{booktabs}\n\n" + "\n".join(map(_tabular, tables))


def _tabular(table: Table) -> str:
    headings, rows = grid(table)
    sides = ["l" if column.name == "ties" else "r" for column in table.columns]
    sides = ["l", *["r"] * (len(headings) - 1 - len(sides)), *sides]
    lines = [
        _comment(table.title),
        f"\\begin{{tabular}}{{{''.join(sides)}}}",
        "\\toprule",
        _line([tex(heading) for heading in headings]),
        "\\midrule",
        *map(_line, _body(table, rows)),
        "\\bottomrule",
        "\\end{tabular}",
        *map(_comment, table.notes),
    ]
    return "\n".join(lines) + "\n"


def _body(table: Table, rows: list[list[str]]) -> list[list[str]]:
    """The cells as TeX."""
    best = [_best(table, column) for column in table.columns]
    made = []
    for row, (name, *cells) in zip(table.rows, rows, strict=True):
        written = [tex(MINUS.sub("−", cell)) for cell in cells]
        for place, names in enumerate(best, len(cells) - len(best)):
            if row.kind != KIND and row.strategy in names:
                written[place] = f"\\textbf{{{written[place]}}}"
        made.append([tex(name), *written])
    return made


def _best(table: Table, column: Column) -> set[str]:
    """The strategies with the best value of a metric: of a benchmark's column those with ★, and of the others
    of a comparison those that would have it."""
    if table.benchmark is None or column.name not in METRICS:
        return {row.strategy for row in table.rows if "best" in row.cells[column.name].marks}
    rows = [row for row in table.rows if row.kind != KIND and not row.yardstick]
    origins = {row.strategy: row.origins[table.benchmark] for row in rows}
    competing = {name: one for name, one in origins.items() if one.status == "ok" and not one.stale}
    if len({origin.data for origin in competing.values()}) > 1:
        return set()
    due = max(2, table.seeds or 0)
    cells = {row.strategy: row.cells[column.name] for row in rows if row.strategy in competing}
    values = {name: cell.value for name, cell in cells.items() if cell.value is not None and cell.n >= due}
    choose = max if METRICS[column.name].higher_is_better else min
    return {name for name, value in values.items() if value == choose(values.values())}


def _line(cells: list[str]) -> str:
    """A row. What stands behind a row's end is taken for its argument if it begins with one of two signs."""
    line = " & ".join(cells)
    return f"{'{}' if line[:1] in ('[', '*') else ''}{line} \\\\"


def _comment(text: str) -> str:
    return f"% {printable(' '.join(text.split()))}"


def tex(text: str) -> str:
    """Text that TeX sets as it is; a character that it may not know is written as its number.

    >>> print(tex("50 % of {x}_1 – ü, λ"))
    50 \\% of \\{x\\}\\_1 -- \\"{u}, U+03BB
    """
    parts = LIGATURES.split(unicodedata.normalize("NFC", text))
    return "{}".join("".join(map(_character, part)) for part in parts)


def _character(character: str) -> str:
    if character.isascii() or character in TEX:
        return TEX.get(character, character)
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in ACCENTS:
        return f"\\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(character):04X}"
