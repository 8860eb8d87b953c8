"""The command line. Importing the file of a command registers it, in the order of `--help`."""

import os
import sys
from typing import Annotated

import typer

from clbench.cli.app import app
from clbench.cli.pairs import data_app, import_app
from clbench.core.text import printable
from clbench.errors import BrokeOff, InputError, Unavailable

# isort: off
from clbench.cli import list, explain, run, evaluate, tune, show, decay, costs, compare, history, claims  # noqa: F401
from clbench.cli import published  # noqa: F401
from clbench.cli import results, export_method, new, test, check, verify  # noqa: F401

# isort: on

app.add_typer(data_app, name="data")
app.add_typer(import_app, name="import")


LONGEST = 8192  # characters of an argument: twice what a path may have


def main() -> None:
    """Runs a command. A user's mistake is one line and exit code 2; a full disk or so, one line and 1."""
    for argument in sys.argv[1:]:
        if len(argument) > LONGEST:
            _fail(f"{argument[:50]}…: an argument of more than {LONGEST:,} characters")
        if not _is_text(argument):
            _fail(f"{argument}: no UTF-8, or with a NUL in it: neither names nor paths are")
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except InputError as error:
        _fail(error.on_command_line())
    except Unavailable as error:
        _fail(str(error))
    except BrokeOff as error:
        _fail(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except OSError as error:
        if error.filename is None:  # no file of anybody's
            raise
        _fail(f"{os.fsdecode(error.filename)}: {error.strerror}")
    except Exception as error:
        if not hasattr(error, "format_message"):  # a click usage error: unknown option, wrong type
            raise
        _fail(error.format_message())


def _is_text(argument: str) -> bool:
    """Whether an argument can be written down: the shell hands over any bytes."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in argument


def _fail(line: str, status: int = 2) -> None:
    if line:  # a command without any argument has printed its help
        print(f"clbench: {printable(line)}", file=sys.stderr)
    sys.exit(status)


@app.command()
def doctor(
    avalanche: Annotated[
        bool, typer.Option("--avalanche", help="Try each of Avalanche's rows instead: a minute.")
    ] = False,
) -> None:
    """Says what is here: versions, devices, back ends, data."""
    if avalanche:
        from clbench.testing.rows import tried_rows

        for name, what in tried_rows():
            print(f"{name:32} {what}", flush=True)
        return
    from clbench.cli.doctor import findings

    for topic, rows in findings().items():
        print(topic)
        for name, what in rows.items():
            print(f"  {name:24} {what}")
