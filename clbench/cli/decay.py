"""`clbench decay`: how long a model stays fresh, and what updates buy."""

from typing import Annotated

import typer

from clbench.cli.app import (
    Benchmarks,
    ProfileName,
    Results,
    Strategies,
    app,
    matching_records,
    print_warnings,
)
from clbench.cli.show import Format, print_tables
from clbench.errors import InputError
from clbench.results import folders

EXAMPLES = """Examples:

  clbench decay                                             all streams in time in my_results/

  clbench decay -b driftcaps -s naive -s er --profile smoke --format markdown"""


@app.command(epilog=EXAMPLES)
def decay(
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = folders.RESULTS,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="json: each seed's value too.")] = Format.table,
) -> None:
    """Shows what rows of streams in time say of age: accuracy without update by slices since the last one and
    its half-life, what an update buys, what a calendar of updates costs."""
    from clbench.report.decay import tables_by_age
    from clbench.results import records

    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    chosen = matching_records(found, results, benchmark, strategy)
    made = tables_by_age(chosen)
    if not made:
        raise InputError(
            f"none of {len(chosen)} rows is of a stream in time and has values: streams of pairs and "
            "domain-incremental benchmarks, of two slices at least, are"
        )
    print_tables(made, format_)
