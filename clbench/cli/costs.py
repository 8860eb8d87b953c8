"""`clbench costs`: money, CO2, and storage against retraining, at rates that the user gives."""

from pathlib import Path
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

RATES = """TOML: price_per_gpu_hour, price_per_cpu_hour, price_per_kwh, price_per_gb_month, kg_co2_per_kwh,
watts_per_cpu, bytes_per_example, currency; those that you have."""


@app.command(
    epilog="""Examples:

  clbench costs --rates rates.toml -b split_digits_class

  clbench costs --rates rates.toml --profile smoke --format csv"""
)
def costs(
    rates: Annotated[Path, typer.Option(help=RATES)],
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = folders.RESULTS,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="Of the tables.")] = Format.table,
) -> None:
    """Shows what rows cost at your rates: money and CO2 of a run, a month of storage of what is kept, and how
    often there has to be an update for that to cost less than retraining from scratch."""
    from clbench.report.rates import read_rates, tables_at
    from clbench.results import records

    given = read_rates(rates)
    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    chosen = matching_records(found, results, benchmark, strategy)
    made = tables_at(given, chosen, found)
    if not made:
        raise InputError(f"none of {len(chosen)} rows has values")
    print_tables(made, format_)
