"""`clbench results remove`: rows that are not wanted any more."""

import sys
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
from clbench.errors import InputError
from clbench.results import folders

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


def _rows(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"
