"""The application of the command line, and what several commands share: options, warnings, filters."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.core.paths import check_folder, kind_of
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.execution.environment import prepare
from clbench.facts import FAMILIES, OWN
from clbench.profiles import PROFILES

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Benchmarks and a leaderboard for continual learning: accuracy, forgetting, plasticity gap and cost "
    "of every method, with error bars.\n\nStart with [bold]clbench run --all[/bold], then "
    "[bold]clbench show[/bold] and [bold]clbench report[/bold].",
)
Family = StrEnum("Family", {name: name for name in (*FAMILIES, OWN)})  # type: ignore[misc]
ProfileName = StrEnum("ProfileName", {name: name for name in PROFILES})  # type: ignore[misc]
SMOKE = ProfileName("smoke")
Benchmarks = Annotated[
    list[str] | None, typer.Option("--benchmark", "-b", help="Name, spec or glob; may be repeated.")
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help="Name, spec like 'er(memory=200)+lwf', glob, or file.py:Class; may be repeated.",
    ),
]


def _folder(path: Path | None) -> Path | None:
    """Checks the folder of an option; that it is not there is said by who looks into it."""
    if path is not None and kind_of(path):
        check_folder(path)
    return path


def _results(path: Path | None) -> Path | None:
    """Likewise of results: the values tuned beside them hold."""
    registry.use_tuned(_folder(path))
    return path


Results = Annotated[Path, typer.Option("--results", help="Results folder.", callback=_results)]
SomeResults = Annotated[
    Path | None,
    typer.Option("--results", help="Judge these records instead of running.", callback=_results),
]
Baselines = Annotated[
    Path, typer.Option("--baselines", help="Folder of the accepted numbers.", callback=_folder)
]
Margin = Annotated[float, typer.Option(help="How far a metric may move and count as the same, in points.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Worker processes; 0 runs in this process. Default: one per core on a CPU "
        "(one thread each), one per GPU.",
        min=0,
    ),
]


def matching_records(
    found: list,
    results: Path,
    benchmarks: list[str] | None,
    strategies: list[str] | None,
    needed: bool = True,
) -> list:
    """The records that match, as globs, names, or specs in any spelling. InputError where there are none and
    some are needed."""
    kept = [
        record
        for record in found
        if registry.pair_matches(record.benchmark, record.strategy, record.profile, benchmarks, strategies)
    ]
    if not kept and needed:
        raise InputError(
            f"no records in {results}; make some with: clbench run --all"
            if not found
            else f"none of the {len(found)} records in {results} matches"
        )
    return kept


def matching_imported(
    results: Path, profile: str | None, benchmarks: list[str] | None, strategies: list[str] | None
) -> list:
    """The imported rows that match likewise."""
    from clbench.results.imported import load_imported

    found, problems = load_imported(results, profile or "*")
    print_warnings(problems)
    return [
        row
        for row in found
        if registry.pair_matches(row.benchmark, row.strategy, row.profile, benchmarks, strategies)
    ]


def check_margin(margin: float) -> None:
    if not 0 <= margin < 100:
        raise InputError("a number of points from 0 to 100", "margin", margin)


def print_warnings(warnings: list[str]) -> None:
    for line in warnings:
        print(f"warning: {printable(line)}", file=sys.stderr)


def import_execution():
    """The module that runs things, with the environment set before it imports torch."""
    prepare()
    from clbench.execution import execute

    return execute
