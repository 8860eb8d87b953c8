"""`clbench check --claims`: what a user claims, as a gate."""

import re
from collections.abc import Sequence
from pathlib import Path

from clbench.claims.judge import Judged
from clbench.claims.report import COLUMNS, count, effect_of, in_words, line_rows, place_of
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics.verdict import Verdict
from clbench.results.judged import as_property, markdown_table, text_rows

FAILS = ("contradicted", "mixed")


def check(judged: Sequence[Judged], path: Path) -> None:
    """Raises InputError for a claim that names what there is not: no run would ever make it testable."""
    for one in judged:
        for mistake in (cell.mistake for cell in one.cells if cell.mistake):
            raise InputError(printable(f'{path}: claim "{one.claim.id}": {mistake}'))


def exit_status(judged: Sequence[Judged]) -> int:
    """1 if a claim is contradicted, or is on some of its benchmarks; else 3 if one is not decided, or tested
    on none of the benchmarks that one of its names or globs stands for; else 0."""
    words = {one.line.word for one in judged}
    if words & set(FAILS):
        return 1
    return 3 if words - {"holds"} or any(one.untold for one in judged) else 0


def lines(judged: Sequence[Judged], format: str, path: Path) -> list[str]:
    """A line for each claim, and a last one that counts. format: text, markdown, or github, which has
    annotations of the file of claims before the text."""
    if format == "markdown":
        rows = [row for one in judged for row in line_rows(one)]
        return [*markdown_table(COLUMNS, rows), "", count(judged)]
    told = [(one.claim.id, place_of(one.telling[0]), Verdict(one.line.word, detail(one))) for one in judged]
    annotations = _annotations(judged, path) if format == "github" else []
    return [*annotations, *text_rows(told), count(judged)]


def detail(one: Judged) -> str:
    """What stands behind the word, on one line."""
    cells = [cell for cell in one.telling if cell.tested]
    shown = [f"{effect_of(cell)}, n {cell.n}, on {place_of(cell)}" for cell in cells]
    weakest = [f"weakest link {cell.weakest}" for cell in cells if cell.weakest]
    needed = [f"some {cell.seeds_needed} seeds would tell" for cell in cells if cell.seeds_needed]
    reason = [line_rows(one)[0][-1]]
    untold = [f"nothing is told on {', '.join(one.untold)}"] if one.untold and cells else []
    return printable("; ".join(filter(None, [in_words(one), *shown, *weakest, *needed, *reason, *untold])))


def _annotations(judged: Sequence[Judged], path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    commands = []
    for one in judged:
        word = one.line.word
        if word != "holds" or one.untold:
            level = "error" if word in FAILS else "warning"
            found = re.search(rf"^\s*id\s*=\s*[\"']{re.escape(one.claim.id)}[\"']", text, re.MULTILINE)
            line = text.count("\n", 0, found.end()) + 1 if found else 1
            where = f"file={as_property(path.as_posix())},line={line}"
            message = f"{one.claim.id}: {detail(one)}".replace("%", "%25")
            commands.append(f"::{level} {where},title=clbench check::{message}")
    return commands
