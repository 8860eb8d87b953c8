"""What `clbench check` found, for a terminal, a comment, a workflow and a test report."""

import ast
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from clbench import registry
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.facts import file_of
from clbench.metrics import verdict
from clbench.metrics.verdict import BAD, PRECEDENCE, Verdict
from clbench.results.baselines import ALL, Results

NOT_COMPARED = ("missing", "failed", "changed set-up", "new")


def exit_status(results: Results, strict: bool = False) -> int:
    """1 if any pair is bad (or, when strict, improved) or nothing was compared, else 3 if any is undecided,
    else 0."""
    return verdict.exit_status([found for _, _, found in results], strict)


def lines(results: Results, format: str = "text") -> list[str]:
    """One line per pair, and a last one that counts what was compared."""
    if format not in FORMATS:
        raise InputError(f'--format "{format}": use {", ".join(FORMATS)}')
    return FORMATS[format](on_one_line(results))


def on_one_line(results: Results) -> Results:
    return [
        (
            printable(benchmark),
            printable(strategy),
            replace(found, detail=printable(" ".join(found.detail.split()))),
        )
        for benchmark, strategy, found in results
    ]


def _text(results: Results) -> list[str]:
    return [*text_rows(results), _count(results)]


def text_rows(results: Results) -> list[str]:
    """A line each, in columns."""
    cells = [(found.status, benchmark, strategy) for benchmark, strategy, found in results]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), found.detail]
        ).rstrip()
        for row, (_, _, found) in zip(cells, results, strict=True)
    ]


def _markdown(results: Results) -> list[str]:
    """The count, a table of what needs a look, and all the rest folded away."""
    loud = [one for one in results if _level(one[2])]
    quiet = [one for one in results if not _level(one[2])]
    folded = ["", "<details><summary>the others</summary>", "", *table(quiet), "", "</details>"]
    return [*(table(loud) if loud else []), *(folded if quiet else []), "", _count(results)]


def table(results: Results) -> list[str]:
    """A line each, as a table of Markdown."""
    rows = [
        [found.status, _code(benchmark), _code(strategy), found.detail]
        for benchmark, strategy, found in results
    ]
    return markdown_table(["status", "benchmark", "strategy", "detail"], rows)


def _code(name: str) -> str:
    """As code, in a cell of a table; a backtick would end it."""
    return f"`{name.replace('`', chr(39))}`"


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A line each, under the columns and a rule."""
    cells = [[cell.replace("|", r"\|").replace("<", "&lt;") for cell in row] for row in [columns, *rows]]
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return [head, "|" + " --- |" * len(columns), *body]


def _github(results: Results) -> list[str]:
    """Workflow commands, which GitHub shows as annotations of the strategy's file, then the text."""
    commands = []
    for benchmark, strategy, found in results:
        if level := _level(found):
            message = f"{benchmark} {strategy}: {found.status}: {found.detail}".replace("%", "%25")
            place = place_of(benchmark, strategy)
            where = f"file={as_property(place[0])},line={place[1]}," if place else ""
            commands.append(f"::{level} {where}title=clbench check::{message}")
    return commands + _text(results)


def as_property(text: str) -> str:
    for mark, escaped in (("%", "%25"), (":", "%3A"), (",", "%2C")):
        text = text.replace(mark, escaped)
    return text


def place_of(benchmark: str, strategy: str) -> tuple[str, int] | None:
    """(file, line) of the class of the spec's first strategy: as the checkout in this folder has it, where it
    does. None where there is no file."""
    if ALL in (benchmark, strategy):
        return None
    try:
        module = registry.modules_of(benchmark, strategy)[2]
        here = Path(module.replace(".", "/") + ".py")
        path = Path(module) if module.endswith(".py") else here if here.is_file() else file_of(module)
        if path is None:
            return None
        wanted = strategy.split("(")[0].split("+")[0].partition(".py:")[2]
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (InputError, OSError, SyntaxError, ValueError):
        return None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and wanted in ("", node.name)]
    return path.as_posix(), classes[0].lineno if classes else 1


def _level(found: Verdict) -> str | None:
    if found.bad:
        return "error"
    if found.accepted or found.status == "improved":
        return "notice"
    return "warning" if found.status == "undecided" or found.changed else None


def _count(results: Results) -> str:
    """How many pairs were compared, and what became of them."""
    pairs = {(benchmark, strategy): found for benchmark, strategy, found in reversed(results)}
    pairs.pop((ALL, ALL), None)
    compared = sum(found.status not in NOT_COMPARED for found in pairs.values())
    start = f"compared {compared} of {len(pairs)} pairs" if compared else "nothing was compared"
    return ": ".join(filter(None, [start, counts(results)]))


def counts(results: Results) -> str:
    """'1 regressed, 2 pass, 1 accepted'."""
    statuses = [found.status for _, _, found in results]
    shown = [
        f"{statuses.count(status)} {status}"
        for status in dict.fromkeys((*BAD, *PRECEDENCE, "identical", "new"))
        if status in statuses
    ]
    if changed := sum(found.changed for _, _, found in results):
        shown.append(f"{changed} changed on the same platform")
    if accepted := sum(found.accepted for _, _, found in results):
        shown.append(f"{accepted} accepted")
    return ", ".join(shown)


FORMATS: dict[str, Callable[[Results], list[str]]] = {
    "text": _text,
    "markdown": _markdown,
    "github": _github,
}


def junit(results: Results, strict: bool = False) -> str:
    """JUnit's XML: a test case for each pair; failed where it makes `exit_status` 1, skipped where 3."""
    suite = ET.Element("testsuite", name="clbench check", tests=str(len(results)))
    counts = {"failures": 0, "skipped": 0}
    for benchmark, strategy, found in on_one_line(results):
        case = ET.SubElement(suite, "testcase", classname=benchmark, name=strategy)
        undecided, improved = (
            found.status == status and not found.accepted for status in ("undecided", "improved")
        )
        message = f"{found.status}: {found.detail}"
        if found.bad or (improved and strict):
            ET.SubElement(case, "failure", message=message, type=found.status)
            counts["failures"] += 1
        elif undecided:
            ET.SubElement(case, "skipped", message=message)
            counts["skipped"] += 1
        else:
            ET.SubElement(case, "system-out").text = message
    suite.attrib |= {name: str(count) for name, count in counts.items()}
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
