"""`clbench published`: figures of publications beside ours, judged."""

from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import ProfileName, Results, app, import_execution, print_warnings
from clbench.core.text import printable
from clbench.errors import InputError, Unavailable
from clbench.results import folders
from clbench.spec import suggestion


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


@app.command(
    epilog="""Examples:

  clbench published                                  every figure that can be judged, a line each

  clbench published --id 'hsu2018-*' --format csv    those of one publication

  clbench published --missing                        what to run, the cheapest first

  clbench run --profile hsu2018 -b split_mnist_class -s naive"""
)
def published(
    id_: Annotated[
        list[str] | None, typer.Option("--id", help="Only figures of this id, or glob; may be repeated.")
    ] = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Only figures whose rows it has.")] = None,
    results: Results = folders.RESULTS,
    all_: Annotated[
        bool, typer.Option("--all", help="In the table also what is incomplete or not confirmed.")
    ] = False,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Only commands that make rows which are missing, or have fewer seeds than their profile.",
        ),
    ] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="json and csv: all figures, in fractions.")
    ] = Format.table,
) -> None:
    """Compares published figures with our runs of the same protocol: reproduced, not reproduced or undecided.

    A row that is stale, or has fewer than five seeds, is never judged; a figure whose protocol lacks a value
    is incomplete, and one from memory unconfirmed: both are shown with --all.
    """
    from clbench.published import report
    from clbench.report.formats import json_text, print_lines
    from clbench.results.judged import markdown_table

    if results != folders.RESULTS and not missing and not results.is_dir():
        raise InputError(f"there is no folder {results}")
    chosen = _chosen(_compared(results), id_, profile)
    shown = [one for one in chosen if all_ or one.verdict not in ("incomplete", "unconfirmed")]
    if missing:
        if format_ is not Format.table:
            raise InputError("--missing prints commands: without --format")
        print("\n".join(_commands(chosen, results)))
    elif format_ is Format.json:
        print(json_text(report.content(chosen)), end="")
    elif format_ is Format.csv:
        print(report.as_csv(chosen), end="")
    elif format_ is Format.markdown:
        print("\n".join(markdown_table(report.COLUMNS, map(report.text_row, shown))))
    else:
        rows = [report.text_row(one) for one in shown]
        print_lines(report.COLUMNS, rows, report.BELOW)
        print("\n" + "\n".join(report.count_lines(chosen)))
        if not any(one.n for one in chosen):
            print(f"{results} has no row of these: --missing lists commands, --results names another folder")


def _compared(results: Path) -> list:
    from clbench.core import protocols
    from clbench.published.compare import compare
    from clbench.report.tables import judged_of
    from clbench.results import records

    found = []
    for name in protocols.names():
        own, problems = records.load(results, name)
        print_warnings(problems)
        found += own
    return compare(judged_of(found))


def _chosen(compared: list, ids: list[str] | None, profile: str | None) -> list:
    known = [one.figure.id for one in compared]
    for pattern in ids or []:
        if not any(fnmatchcase(name, pattern) for name in known):
            many = any(name.startswith(pattern) for name in known)
            near = f': did you mean "{pattern}*"?' if many else suggestion(pattern, known)
            raise InputError(f'no figure has the id "{pattern}"{near}')
    named = [
        one for one in compared if not ids or any(fnmatchcase(one.figure.id, pattern) for pattern in ids)
    ]
    chosen = [one for one in named if not profile or one.row.profile == profile]
    if not chosen:
        profiles = dict.fromkeys(one.row.profile for one in named if one.row.profile)
        others = f"they are under {', '.join(profiles)}" if profiles else "they have no profile"
        raise InputError(f"none of these figures is run under {profile}; {others}")
    return chosen


def _commands(chosen: list, results: Path) -> list[str]:
    """A command for each row that confirmed figures wait for, or that has fewer seeds than its profile, under
    how long it should take; the cheapest first."""
    from clbench.claims.missing import line_of
    from clbench.published.compare import JUDGED, WAITING

    rows: dict[tuple[str, str, str], list] = {}
    for one in chosen:
        if one.verdict in (*WAITING, *JUDGED):
            key = one.row.profile, one.row.benchmark, one.row.strategy
            rows.setdefault(key, []).append(one)
    import_execution()
    timed = sorted(
        (seconds, key, [_with_verdict(one) for one in own])
        for key, own in rows.items()
        if (seconds := _seconds(*key, results)) or any(one.verdict in WAITING for one in own)
    )
    lines = []
    for seconds, (profile, benchmark, strategy), names in timed:
        lines.append(f"# {_told(seconds)}: {', '.join(names)}")
        lines.append(line_of(profile, [benchmark], [strategy], results))
    return [printable(line) for line in lines or ["# nothing is missing"]]


def _with_verdict(one) -> str:
    """The figure's id, and what is said of it where more seeds may say more."""
    from clbench.published.compare import JUDGED

    return f"{one.figure.id} ({one.verdict}, {one.n} seeds)" if one.verdict in JUDGED else one.figure.id


def _seconds(profile: str, benchmark: str, strategy: str, results: Path) -> float:
    """An estimate for the seeds of a row that are missing, on one core; infinite where its data are not
    here."""
    from clbench.execution.plan import make_plan

    try:
        plan = make_plan([benchmark], [strategy], profile, None, results)
    except (InputError, Unavailable):
        return float("inf")
    return sum(pair.seconds * len(pair.missing) for pair in plan.pairs) if plan.pairs else float("inf")


def _told(seconds: float) -> str:
    if seconds == float("inf"):
        return "its data are not here"
    units = {3600: "h", 60: "min", 1: "s"}
    length, unit = next(
        (length, unit) for length, unit in units.items() if seconds >= 1.5 * length or length == 1
    )
    return f"about {seconds / length:.0f} {unit} on a core"
