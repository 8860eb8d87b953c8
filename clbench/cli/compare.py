"""`clbench compare`: two results folders, two commits of one, or two rows."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import (
    Benchmarks,
    Margin,
    ProfileName,
    Results,
    Strategies,
    app,
    check_margin,
    print_warnings,
)
from clbench.core.paths import kind_of
from clbench.errors import InputError
from clbench.results import folders
from clbench.spec import is_own, suggestion


class Format(StrEnum):
    text = "text"
    markdown = "markdown"
    json = "json"


SEVERAL_METRICS = "One metric, in place of ACC, forgetting and the plasticity gap."


@app.command(
    epilog="""Examples:

  clbench compare old_results my_results               each pair of two folders

  clbench compare HEAD~3 HEAD --results results        of one folder, as two commits have it

  clbench compare er mir -b split_mnist_class          two rows of my_results/: which is better?"""
)
def compare(
    a: Annotated[str, typer.Argument(help="A results folder, a strategy or a git revision.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Another of the same kind.", metavar="B")],
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    metric: Annotated[str | None, typer.Option(help=SEVERAL_METRICS)] = None,
    margin: Margin = 2.0,
    results: Results = folders.RESULTS,
    format_: Annotated[
        Format, typer.Option("--format", help="json: everything, in fractions.")
    ] = Format.text,
) -> None:
    """Says what differs between A and B, with the verdicts of `clbench check`.

    A name is taken as a results folder if one is there, else as a strategy of the folder that --results
    names, else as a git revision of that folder; `./er` is always a folder and `er()` a strategy. A commit
    may stand beside a folder. Seeds that both sides made on the same machine are compared one by one; else
    the sides are compared as independent samples (Welch).

    Exit 0: told, and nothing is worse; 1: something is worse, missing or changed, or nothing could be
    compared; 3: too few seeds to tell. Of two rows none is worse than it was: 0, or 3 where a metric is
    undecided.
    """
    from clbench.report import compared

    check_margin(margin)
    names = metrics_of(metric)
    stored = Stored(results, profile)
    sides = [_meaning(text, stored) for text in (a, b)]
    print_warnings(list(dict.fromkeys(line for side in sides for line in side.problems)))
    rows_meant = [side.kind == "a strategy" for side in sides]
    if all(rows_meant):
        rows = _of_rows(sides, benchmark, strategy, names, margin / 100)
    elif any(rows_meant):
        kinds = ", ".join(f'"{side.text}" is {side.kind}' for side in sides)
        raise InputError(
            f"{kinds}: compare two strategies, or two folders or commits; `./x` is a folder, `x()` a row"
        )
    else:
        rows = _of_folders(sides, benchmark, strategy, names, margin / 100)
    heads = [f"{name}: {side.head}" for name, side in zip("AB", sides, strict=True)]
    if format_ is Format.json:
        print(compared.to_json(rows, heads, margin / 100), end="")
    else:
        print("\n".join(compared.lines(rows, heads, margin / 100, format_.value)))
    raise typer.Exit(compared.exit_status(rows))


def metrics_of(name: str | None) -> tuple[str, ...]:
    """The metrics that are compared: those of the rule, or one that each seed has a value of."""
    from clbench.metrics.accuracy import METRICS
    from clbench.metrics.comparison import COMPARED

    if name is None:
        return COMPARED
    known = [one for one in METRICS if one != "recovered"]
    if name == "recovered":
        raise InputError("a single seed has no value of it: compare acc", "metric", name)
    if name not in known:
        raise InputError(f'unknown metric "{name}"{suggestion(name, known)}; there are {", ".join(known)}')
    return (name,)


@dataclass
class Side:
    """What A or B stands for."""

    text: str
    head: str  # what it is, in words
    records: list
    problems: list[str]
    kind: str  # "a folder", "a strategy" or "a commit"
    folder: Path | None = None  # in which they lie


@dataclass
class Stored:
    """The folder that --results names, read once, and only if it has to be."""

    folder: Path
    profile: str | None

    @cached_property
    def content(self) -> tuple[list, list[str]]:
        from clbench.results import records

        return records.load(self.folder, self.profile or "*")

    @property
    def strategies(self) -> list[str]:
        return sorted({record.strategy for record in self.content[0]})


def _meaning(text: str, stored: Stored) -> Side:
    """A folder with records, a strategy among the records, or a git revision, in this order."""
    if _is_folder(text):
        found, problems = Stored(Path(text), stored.profile).content
        if found:
            return Side(text, text, found, problems, "a folder", Path(text))
    if _names_a_folder(text):
        of_profile = f" of the profile {stored.profile}" if stored.profile else ""
        raise InputError(f"{text}: there is no results folder with records{of_profile}")
    found, problems = stored.content
    if any(_stands_for(text, record) for record in found):
        return Side(text, f"the strategy {text}", found, problems, "a strategy", stored.folder)
    return _of_commit(text, stored)


def _is_folder(text: str) -> bool:
    try:
        return kind_of(text) == "a folder" and bool(text)
    except InputError:  # too long for a path: the spec of a strategy may be
        return False


def _names_a_folder(text: str) -> bool:
    """Whether it is written as nothing but a path can be; `origin/main` is a revision."""
    return not is_own(text) and (text.startswith(("./", "../", "/")) or text.endswith("/"))


def _stands_for(text: str, record, benchmarks: list[str] | None = None) -> bool:
    return registry.pair_matches(record.benchmark, record.strategy, record.profile, benchmarks, [text])


def _of_commit(text: str, stored: Stored) -> Side:
    """The results folder as a commit has it. InputError for what is no revision either."""
    from clbench.results import history, repository

    none = "" if stored.strategies else ", which has no records"
    neither = (
        f'"{text}" is no folder with records, no strategy in {stored.folder}{none}, and no git revision'
        f"{suggestion(text, stored.strategies)}"
    )
    try:
        place = repository.place_of(stored.folder)
    except InputError as error:
        raise InputError(f"{neither} ({error})") from None
    commit = repository.commit_of(place.top, text)
    if commit is None:
        raise InputError(neither)
    read = history.records_at(place, commit, stored.profile or "*")
    if read is None:
        raise InputError(f"{text}: this commit has no folder {stored.folder}; --results names another")
    return Side(text, f"{stored.folder} at {commit.short} ({commit.date} {commit.title})", *read, "a commit")


def _of_folders(
    sides: list[Side],
    benchmarks: list[str] | None,
    strategies: list[str] | None,
    names: tuple[str, ...],
    margin: float,
) -> list:
    from clbench.report.compared import compare_records

    there = {(one.profile, one.benchmark, one.strategy) for side in sides for one in side.records}
    places = [
        (of_profile, benchmark, strategy)
        for of_profile, benchmark, strategy in there
        if registry.pair_matches(benchmark, strategy, of_profile, benchmarks, strategies)
    ]
    if not places:
        what = f"none of the {len(there)} pairs matches" if there else "there are no records"
        raise InputError(f"{sides[0].text}, {sides[1].text}: {what}")
    a, b = sides
    return compare_records(a.records, b.records, places, names, margin, (a.folder, b.folder))


def _of_rows(
    sides: list[Side],
    benchmarks: list[str] | None,
    strategies: list[str] | None,
    names: tuple[str, ...],
    margin: float,
) -> list:
    from clbench.report.compared import compare_rows

    if strategies:
        raise InputError("-s goes with folders or commits: A and B are the strategies")
    a, b = (_by_benchmark(side, benchmarks) for side in sides)
    texts = f"{sides[0].text}, {sides[1].text}"
    both = sorted(a.keys() & b.keys())
    if not both:
        raise InputError(f"{texts}: no benchmark{' that -b names' if benchmarks else ''} has a row of both")
    if same := [a[place] for place in both if a[place] == b[place]]:
        raise InputError(f"{texts}: both are the row {same[0]}")
    pairs = [((*place, a[place]), (*place, b[place])) for place in both]
    return compare_rows(sides[0].records, pairs, names, margin, sides[0].folder)


def _by_benchmark(side: Side, benchmarks: list[str] | None) -> dict[tuple[str, str], str]:
    """(profile, benchmark) -> the one strategy that the text stands for there."""
    found: dict[tuple[str, str], str] = {}
    for record in side.records:
        if _stands_for(side.text, record, benchmarks):
            place = record.profile, record.benchmark
            if place in found:
                several = f"{found[place]}, {record.strategy}"
                raise InputError(f'"{side.text}" stands for several rows of {record.benchmark}: {several}')
            found[place] = record.strategy
    return found
