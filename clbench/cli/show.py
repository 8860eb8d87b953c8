"""`clbench show` and `clbench report`: tables and pages of a results folder."""

from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import (
    Benchmarks,
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
from clbench.spec import suggestion


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="Every metric, with each seed's value.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per metric.")] = False,
) -> None:
    """Shows tables of what is in a results folder; profiles never mix in one table."""
    from clbench.core.costs import COSTS
    from clbench.metrics.accuracy import METRICS
    from clbench.report import formats, tables
    from clbench.report.imported import with_imported
    from clbench.results import records

    if as_json and as_csv:
        raise InputError("give --json or --csv, not both")
    if metric and metric not in METRICS | COSTS:
        raise InputError(
            f'unknown metric "{metric}"{suggestion(metric, METRICS | COSTS)}; there are '
            f"{', '.join([*METRICS, *COSTS])}"
        )
    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    if failure:
        print("\n\n".join(_failures(matching_records(found, results, benchmark, [failure]), failure)))
        return
    others = matching_imported(results, profile, benchmark, strategy)
    chosen = matching_records(found, results, benchmark, strategy, needed=not others)
    made = with_imported(tables.show(chosen, metric, beside=found), others, metric)
    if as_json or as_csv:
        print(formats.to_json(made) if as_json else formats.to_csv(made), end="")
        return
    from rich.console import Console

    console = Console(highlight=False)
    for table in made:
        console.print(formats.to_rich(table, console.width), "")


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
    """Writes a Markdown and a self-contained HTML page per profile, and says who is best."""
    from clbench.report.pages import write_reports
    from clbench.results import records

    check_writable(out)
    found, problems = records.load(results)
    if not found:
        print_warnings(problems)
    matching_records(found, results, None, None)
    written = write_reports(results, out)
    print_warnings(written.warnings)
    for path in written.paths:
        if path.suffix in (".html", ".md"):
            print(path)
    print("", *written.headlines, "", sep="\n")
    print(f"open {(out / 'index.html').absolute().as_uri()}")
