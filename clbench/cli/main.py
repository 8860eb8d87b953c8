"""The command line. Importing the file of a command registers it, in the order of `--help`."""

import sys

import typer

from clbench.cli.app import app
from clbench.cli.pairs import data_app, import_app
from clbench.errors import BrokeOff, InputError, Unavailable

# isort: off
from clbench.cli import list, explain, run, show, results, new, test, check, verify  # noqa: F401

# isort: on

app.add_typer(data_app, name="data")
app.add_typer(import_app, name="import")


def main() -> None:
    """Runs a command. A user's mistake is one line and exit code 2; a full disk or so, one line and 1."""
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
    except Exception as error:
        if not hasattr(error, "format_message"):  # a click usage error: unknown option, wrong type
            raise
        _fail(error.format_message())


def _fail(line: str, status: int = 2) -> None:
    if line:  # a command without any argument has printed its help
        print(f"clbench: {line}", file=sys.stderr)
    sys.exit(status)


@app.command()
def doctor() -> None:
    """Says what is here: versions, devices, back ends, data."""
    from clbench.cli.doctor import findings

    for topic, rows in findings().items():
        print(topic)
        for name, what in rows.items():
            print(f"  {name:24} {what}")
