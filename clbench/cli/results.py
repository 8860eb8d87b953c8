"""`clbench results`: rows that are not wanted any more, to hand on, or of others."""

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from clbench.core.paths import check_file, check_folder, check_writable, kind_of
from clbench.core.text import printable
from clbench.errors import InputError, Unavailable
from clbench.results import folders

if TYPE_CHECKING:
    from clbench.results.importing import Plan

results_app = typer.Typer(no_args_is_help=True, help="What is in a results folder.")

app.add_typer(results_app, name="results")


@results_app.callback()
def _results() -> None:
    """What is in a results folder."""


@results_app.command(
    "remove",
    epilog="""Examples:

  clbench results remove -s 'my_method.py:*'

  clbench results remove -b split_digits_class --profile smoke --yes""",
)
def remove(
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    results: Results = folders.RESULTS,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Removes the records that match, with their files and notes, after asking."""
    from clbench.results import records, verification
    from clbench.results.lock import hold
    from clbench.results.removal import belongings
    from clbench.results.removal import remove as remove_records

    if not (benchmark or strategy or profile):
        raise InputError("say which records to remove: -b, -s or --profile")
    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    chosen = matching_records(found, results, benchmark, strategy)
    for record in chosen:
        more = len(belongings(record, results)) - 1
        print(
            f"{record.profile}  {record.benchmark}  {record.strategy}  {record.status}, "
            f"{len(record.seeds)} seeds" + (f", {more} files beside it" if more else "")
        )
    question = f"remove {_rows(len(chosen))} from {results}/?"
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(f"{question} There is no terminal to ask at: say --yes")
        if not typer.confirm(question):
            print("nothing removed")
            return
    try:
        with hold(results):
            remove_records(chosen, results)
    except verification.BrokenNotes as error:
        raise InputError(f"{error}; nothing removed") from None
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be removed ({error.strerror})") from None
    print(f"removed {_rows(len(chosen))}")


@results_app.command(
    "export",
    epilog="""Examples:

  clbench results export --out my_rows.zip

  clbench results export -s 'er*' --profile smoke --out er.zip""",
)
def export(
    out: Annotated[Path, typer.Option(help="The archive to write, a .zip that is not there yet.")],
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    results: Results = folders.RESULTS,
) -> None:
    """Writes one archive to hand on: records with their files, what was verified of them, imported rows,
    checksums, and all values as results.parquet."""
    from clbench.results import archive, imported, records, verification
    from clbench.results.record import BrokenRecord

    if out.suffix != ".zip":
        raise InputError(f"{out}: what is written is a zip, so let its name end in .zip")
    if kind_of(out) or out.is_symlink():
        raise InputError(f"{out} is there already; take another name")
    check_writable(out.parent)
    found, problems = records.load(results, profile or "*")
    print_warnings(problems)
    others = matching_imported(results, profile, benchmark, strategy)
    chosen = matching_records(found, results, benchmark, strategy, needed=not others)
    try:
        content = archive.contents(chosen, results)
    except (BrokenRecord, verification.BrokenNotes) as error:
        raise InputError(f"{error}; nothing exported") from None
    for name in {row.profile for row in others}:
        table = imported.as_csv(row for row in others if row.profile == name)
        content[f"{name}/{imported.FILE}"] = table.encode()
    content["results.parquet"] = _parquet(chosen, found)
    archive.pack(out, content)
    told = f" and {len(others)} imported rows" if others else ""
    print(f"{out}: {_rows(len(chosen))}{told}, {out.stat().st_size:,} bytes")


def _parquet(chosen: list, found: list) -> bytes:
    """The values of the chosen records, with all others as references, as a file of Parquet."""
    from clbench.report.frame import frame_of

    try:
        content: bytes = frame_of(chosen, beside=found).to_parquet(index=False)
    except ImportError as error:
        raise Unavailable("parquet needs pyarrow, which is not installed: pip install pyarrow") from error
    return content


@results_app.command(
    "import",
    epilog="""Examples:

  clbench results import their_rows.zip --dry-run

  clbench results import their_results numbers_of_a_paper.csv""",
)
def import_(
    what: Annotated[
        list[Path],
        typer.Argument(
            help="A results folder, an archive of `clbench results export`, or a .csv with the columns "
            "benchmark, strategy, metric, mean, and as known sd, n, profile, source."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "--results", help="Results folder to import into.")
    ] = folders.RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Takes over records of others, or what a paper says. Nothing that is here is overwritten.

    Records of other seeds of a pair join those that are here. What contradicts them is named and left alone,
    and the exit code is 1. The rows of a .csv are shown beside ours, without rank.
    """
    from clbench.results.importing import OUTCOMES, Plan
    from clbench.results.lock import hold

    check_writable(out)
    plan = Plan(out)
    with contextlib.ExitStack() as stack:
        opened = [_opened(one, stack) for one in what]
        if not dry_run:
            stack.enter_context(hold(out))
        for name, folder in zip(what, opened, strict=True):
            _add(plan, name, folder)
        if not dry_run:
            plan.write()
    for step in plan.steps:
        if step.outcome != "there already" or step.detail:
            print(printable(f"{step.outcome:9} {step.name}  {step.detail}".rstrip()))
    outcomes = [step.outcome for step in plan.steps]
    counts = ", ".join(f"{outcomes.count(one)} {one}" for one in OUTCOMES if one in outcomes)
    print(f"{out}: {counts}{'; nothing written' if dry_run else ''}")
    if not dry_run:
        _tell_alone(plan)
    raise typer.Exit(1 if "conflict" in outcomes else 0)


def _opened(what: Path, stack: contextlib.ExitStack) -> Path:
    """The folder or table to read: of an archive what it holds, once that is verified."""
    from clbench.results import archive

    if kind_of(what) == "a folder":
        check_folder(what)
        return what
    check_file(what)
    if what.suffix.lower() == ".csv":
        return what
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    archive.unpack(what, folder)
    return folder


def _add(plan: "Plan", name: Path, opened: Path) -> None:
    """Adds what a folder or table holds; problems are told of the name that the user gave."""
    from clbench.results.imported import read_csv

    before = len(plan.steps)
    if opened.is_file():
        plan.add_rows(read_csv(opened))
    else:
        problems = plan.add_folder(opened)
        print_warnings([line.replace(str(opened), str(name)) for line in problems])
    if len(plan.steps) == before:
        raise InputError(f"{name}: there is nothing to import in it: no <profile>/<benchmark>/*.json, no row")


def _tell_alone(plan: "Plan") -> None:
    """Of imported rows that have none of ours to stand beside."""
    from clbench.results.records import path_of

    alone = [
        f"{benchmark} ({profile})"
        for profile, benchmark in sorted({(row.profile, row.benchmark) for row in plan.rows_added})
        if not any(path_of(plan.out, profile, benchmark, "any").parent.glob("*.json"))
    ]
    if alone:
        told = printable(f"{', '.join(alone[:3])}{', …' * (len(alone) > 3)}")
        print(f"no record of ours is of {told}: these rows have tables of their own, none in Markdown")


def _rows(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"
