"""`clbench history`: one pair over the commits that hold a record of it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import Margin, ProfileName, Results, app, check_margin, print_warnings
from clbench.cli.compare import metrics_of
from clbench.core.paths import check_writable_file
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.profiles import PROFILES
from clbench.results import folders

FIGURES = (".svg", ".png")
LISTED = 8  # of the pairs that match


class Format(StrEnum):
    text = "text"
    json = "json"


@app.command(
    epilog="""Examples:

  clbench history -b split_mnist_class -s er --results results

  clbench history -b split_mnist_class -s er --results results --metric forgetting --figure er.svg"""
)
def history(
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help="Name or spec of one benchmark.")],
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="Name or spec of one strategy.")],
    profile: Annotated[ProfileName | None, typer.Option(help="Where several have the pair.")] = None,
    metric: Annotated[str, typer.Option(help="Which metric.")] = "acc",
    margin: Margin = 2.0,
    results: Results = folders.RESULTS,
    figure: Annotated[Path | None, typer.Option(help="Draw it into this file, .svg or .png.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="json: everything, in fractions.")
    ] = Format.text,
) -> None:
    """Shows a pair over the commits that changed its record, oldest first, then as it is now if no commit has
    it so.

    Value with 95 % interval and number of seeds, and the verdict of `clbench compare` on each commit against
    the one before.
    """
    from clbench.metrics.accuracy import METRICS
    from clbench.report import over_commits
    from clbench.results import repository

    check_margin(margin)
    (metric,) = metrics_of(metric)
    if figure:
        if figure.suffix.lower() not in FIGURES:
            raise InputError(f"{figure}: a figure's name ends with {' or '.join(FIGURES)}")
        check_writable_file(figure)
    place = repository.place_of(results)
    pair = _pair(benchmark, strategy, profile, results, place)
    points = over_commits.points_of(pair, _records(pair, results, place), metric, margin / 100)
    if figure:
        over_commits.draw(points, pair, metric, figure)
    if format_ is Format.json:
        print(over_commits.to_json(points, pair, metric, margin / 100), end="")
        return
    print(printable(f"{METRICS[metric].title} of {pair[2]} on {pair[1]}, {pair[0]}, in {results}"))
    print("\n".join(over_commits.lines(points, margin / 100)))
    if figure:
        print(figure)


def _pair(benchmark: str, strategy: str, profile: str | None, results: Path, place) -> tuple[str, str, str]:
    """(profile, benchmark, strategy) of the one pair that is meant: of the working tree, else of commits."""
    from clbench.results import records
    from clbench.results.history import commits_with

    there, problems = records.load(results, profile or "*")
    print_warnings(problems)
    names = [(one.profile, one.benchmark, one.strategy) for one in there]
    found = [one for one in names if registry.pair_matches(one[1], one[2], one[0], [benchmark], [strategy])]
    if not found:
        profiles = [profile] if profile else list(PROFILES)
        found = [
            (one, benchmark, strategy) for one in profiles if commits_with(place, one, benchmark, strategy)
        ]
    if not found:
        raise InputError(f"{benchmark} {strategy}: neither {results} nor a commit of it has such a record")
    if len(found) > 1:
        more = [" ".join(one) for one in found[:LISTED]] + (["…"] if len(found) > LISTED else [])
        raise InputError(f"a history is of one pair, and {len(found)} match: {', '.join(more)}")
    return found[0]


def _records(pair: tuple[str, str, str], results: Path, place) -> list[tuple]:
    """(commit, the pair's record and those beside it), oldest first; None for what no commit holds."""
    from clbench.results.history import commits_with, pair_at, pair_of

    found: list[tuple] = []
    last = ""
    commits = commits_with(place, *pair)
    if not commits:
        raise InputError(f"{pair[1]} {pair[2]}: no commit holds its record in {results}; commit it first")
    for commit in [*commits, None]:
        made, problems = pair_at(place, commit, *pair) if commit else pair_of(results, *pair)
        print_warnings(problems)
        own = [one for one in made if one.strategy == pair[2]]
        if own and (commit or own[0].sha256 != last):
            found.append((commit, made))
            last = own[0].sha256
    if not found:
        raise InputError(f"{pair[1]} {pair[2]}: no commit holds a record of it that can be read")
    return found
