"""`clbench claims`: what people say of methods, decided on the records at hand."""

from dataclasses import replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import Benchmarks, ProfileName, Results, app, print_warnings
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics.references import NAIVE
from clbench.results import folders
from clbench.spec import suggestion


class Format(StrEnum):
    text = "text"
    json = "json"
    markdown = "markdown"


@app.command(
    epilog="""Examples:

  clbench claims --results results                        the claims of the field, a line each

  clbench claims --results results -b split_mnist_class   which of them hold on this benchmark

  clbench claims --missing                                what to run so that more can be tested

  clbench claims --claims mine.toml --id my-claim --cells"""
)
def claims(
    benchmark: Benchmarks = None,
    profile: Annotated[
        ProfileName | None,
        typer.Option(help="Try claims under this profile, where they name none. Default: quick and full."),
    ] = None,
    id_: Annotated[
        list[str] | None, typer.Option("--id", help="Only this claim, or glob; may be repeated.")
    ] = None,
    claims_: Annotated[
        Path | None, typer.Option("--claims", help="A file of your own claims, in place of the field's.")
    ] = None,
    results: Results = folders.RESULTS,
    cells: Annotated[
        bool, typer.Option("--cells", help="Each benchmark and profile that a claim is tried on.")
    ] = False,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Only the runs for claims that are not testable; with --cells those for every cell.",
        ),
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="json: everything.")] = Format.text,
) -> None:
    """Decides claims on records that are not stale: holds, contradicted, mixed, undecided or not testable.

    A line is about a claim: holds on k of n says that it is true on at least k of the n places (benchmark
    and profile) in its scope that could be tested (95 %, Holm). With -b a line is about a claim on a
    benchmark, corrected for the claims tested there.
    What is not testable has its reason.
    """
    from clbench.claims import report
    from clbench.report.formats import json_text, print_lines
    from clbench.results.judged import markdown_table

    made = judged_claims(claims_, results, profile, needed=not missing)
    chosen = _chosen(made, id_, benchmark)
    if missing and format_ is not Format.text:
        raise InputError("--missing prints commands: without --format")
    if format_ is Format.json:
        print(json_text(report.content(chosen, results)), end="")
    elif missing:
        print("\n".join(_commands(chosen, results, cells)))
    else:
        reading = "page" if benchmark else "line"
        by_cell = cells or bool(benchmark)
        rows = [
            row
            for one in chosen
            for row in (report.cell_rows(one, reading) if by_cell else report.line_rows(one))
        ]
        if format_ is Format.markdown:
            print("\n".join(markdown_table(report.COLUMNS, rows)))
        else:
            print_lines(report.COLUMNS, rows, report.BELOW)
        if not by_cell:
            print(f"\n{report.count(chosen)}")


def _commands(chosen: list, results: Path, everywhere: bool) -> list[str]:
    """Each command under the claims that wait for it."""
    from clbench.claims.missing import commands

    found = commands(chosen, results, everywhere)
    told = [line for one in found for line in (f"# {', '.join(one.claims)}", one.line, "")]
    return [printable(line) for line in told[:-1] or ["# no run would make more of them testable"]]


def judged_claims(path: Path | None, results: Path, profile: str | None, needed: bool = True) -> list:
    """The claims of a file, or of the field, on the records of a folder. InputError where there are no
    records and some are needed."""
    from clbench.claims.entries import FIELD, read
    from clbench.claims.judge import PROFILES, judge
    from clbench.report.tables import judged_of
    from clbench.results import records

    asked = read(path or FIELD)
    found, problems = records.load(results)
    print_warnings(problems)
    if not found and needed:
        raise InputError(f"no records in {results}; make some with: clbench run --all")
    there = {record.profile for record in found}
    if there and not profile and not there & set(PROFILES):
        print_warnings(
            [f"claims are tried under {' and '.join(PROFILES)}; these records ask for --profile {min(there)}"]
        )
    return judge(asked, judged_of(found), [profile] if profile else PROFILES)


def _chosen(made: list, ids: list[str] | None, benchmarks: list[str] | None) -> list:
    """The claims of these names, with their cells on these benchmarks. What is left out has counted all the
    same: a filter changes no word."""
    known = [one.claim.id for one in made]
    for pattern in ids or []:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise InputError(f'no claim has the id "{pattern}"{suggestion(pattern, known)}')
    chosen = [one for one in made if not ids or any(fnmatchcase(one.claim.id, pattern) for pattern in ids)]
    if benchmarks:
        of_each = [(one, [cell for cell in one.cells if _is_on(cell, one, benchmarks)]) for one in chosen]
        chosen = [replace(one, shown=shown) for one, shown in of_each if shown]
        if not chosen:
            raise InputError(f"no claim is tried on {', '.join(benchmarks)}")
    return chosen


def _is_on(cell, one, patterns: list[str]) -> bool:
    """Whether a cell is of one of these benchmarks, as names, specs or globs."""
    names = [cell.benchmark] if cell.benchmark else [atom.benchmark for atom in one.claim.statement.atoms]
    return any(registry.pair_matches(name, NAIVE, cell.profile, patterns, None) for name in names)
