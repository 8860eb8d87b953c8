"""`clbench show` and `clbench report`: tables and pages of a results folder."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import (
    Benchmarks,
    Family,
    ProfileName,
    Results,
    Strategies,
    app,
    matching_imported,
    matching_records,
    print_warnings,
)
from clbench.core.paths import check_writable
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.results import folders

EXAMPLES = """Examples:

  clbench show -b split_digits_class --where "acc > 0.5 and not needs_task_label" --sort forgetting

  clbench show --profile smoke --family replay --ranks      the replay methods among themselves

  clbench show --metric acc -s er -s ewc --format latex     a table for a paper"""
WHERE = """Only rows for which it holds, like "acc > 0.5 and not stores"; may be repeated. Names: metrics
(means over seeds, as fractions), costs per seed, compute (FLOPs as a multiple of naive's), seeds, kind,
family, status, stores, needs_task_label, stale. A comparison with a value that a row lacks is false."""


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


@app.command(epilog=EXAMPLES)
def show(
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = folders.RESULTS,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="One metric or cost: strategies against benchmarks.")
    ] = None,
    failure: Annotated[
        str | None, typer.Option(help="Print why rows of this strategy failed, with the traceback.")
    ] = None,
    family: Annotated[
        list[Family] | None, typer.Option(help="Only strategies of this family; may be repeated.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(help=WHERE, metavar="CONDITION")] = None,
    sort: Annotated[
        str | None, typer.Option(help="By a metric, a cost, rank, strategy or family: best first.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="With --sort: best last.")] = False,
    ranks: Annotated[
        bool,
        typer.Option(
            "--ranks",
            help="Ranks among the rows shown, with 95 % intervals; who ties on one benchmark, what is "
            "recovered on several.",
        ),
    ] = False,
    holm: Annotated[bool, typer.Option("--holm", help="Ties after Holm's correction.")] = False,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="With --ranks: rank stale rows too. (--where stale, or not stale, chooses rows.)",
        ),
    ] = False,
    format_: Annotated[Format | None, typer.Option("--format", help="Default: table.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As --format json: every metric, with each seed's value.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As --format csv: one line per metric.")] = False,
) -> None:
    """Shows tables of what is in a results folder; profiles never mix in one table."""
    from clbench.report import arrange
    from clbench.results import records

    form = _one_format(format_, as_json, as_csv)
    wanted = arrange.Wanted(metric, family or (), where or (), ranks, holm, stale, sort, reverse)
    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    if failure:
        if strategy or form != Format.table:
            raise InputError("--failure names the row, and prints text: without -s and --format")
        print("\n\n".join(_failures(matching_records(found, results, benchmark, [failure]), failure)))
        return
    # What filters ask is not known of imported rows.
    others = [] if family or where else matching_imported(results, profile, benchmark, strategy)
    chosen = matching_records(found, results, benchmark, strategy, needed=not others)
    print_tables(arrange.arranged(chosen, found, wanted, others), form, keep=sort)


def _one_format(given: Format | None, as_json: bool, as_csv: bool) -> Format:
    asked = {given, Format.json if as_json else None, Format.csv if as_csv else None} - {None}
    if len(asked) > 1:
        raise InputError("give one of --format, --json and --csv")
    return next((one for one in asked if one), Format.table)


def print_tables(made: list, form: Format, keep: str | None = None) -> None:
    """keep: the column that a narrow terminal shows too."""
    from clbench.report import formats, latex

    if form is Format.table:
        from rich.console import Console

        console = Console(highlight=False)
        for table in made:
            console.print(formats.to_rich(table, console.width, keep), "")
        return
    write = {
        Format.csv: formats.to_csv,
        Format.json: formats.to_json,
        Format.latex: latex.to_latex,
        Format.markdown: formats.to_markdown_page,
    }
    print(write[form](made), end="")


def _failures(records: list, name: str) -> list[str]:
    """What each record tells of its failure, on lines that a terminal can show."""
    failed = [record for record in records if record.error and record.status != "ok"]
    if not failed:
        raise InputError(f"no row of {name} has failed")
    told = [
        f"{one.benchmark} {one.strategy} ({one.profile}): {one.error.reason}\n{one.error.traceback or ''}"
        for one in failed
    ]
    return ["\n".join(map(printable, text.rstrip().splitlines())) for text in told]


@app.command()
def report(
    results: Results = folders.RESULTS,
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = folders.REPORTS,
) -> None:
    """Writes one page of all results, index.html, and Markdown pages of profiles and benchmarks; says who is
    best."""
    from clbench.report.pages import write_reports

    check_writable(out)
    written = write_reports(results, out)
    print_warnings(written.warnings)
    if not written.paths:
        matching_records([], results, None, None)
    for path in written.paths:
        if path.parent == out:  # each benchmark has a page of its own below
            print(path)
    print("", *written.headlines, "", sep="\n")
    print(f"open {(out / 'index.html').absolute().as_uri()}")
