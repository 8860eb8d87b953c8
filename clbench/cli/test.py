"""`clbench test`: the contract battery on a file of one's own."""

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import app
from clbench.cli.own_file import parts_and_benchmarks
from clbench.errors import InputError
from clbench.execution.environment import prepare


@app.command(
    epilog="""Examples:

  clbench test my_method.py

  clbench test my_method.py:MyMethod"""
)
def test(
    file: Annotated[Path, typer.Argument(help="A file of strategies or benchmarks, or file.py:Class.")],
) -> None:
    """Tries on each class of a file what every strategy and benchmark has to hold.

    A line for each check; exit 1 if one fails."""
    prepare()
    failed = total = 0
    for name, checks in _batteries(file):
        print(f"{name}", flush=True)
        for check in checks:
            problem = _problem(check, file)
            total, failed = total + 1, failed + bool(problem)
            print(
                f"  {'FAILED' if problem else 'ok    '}  {check}" + (f": {problem}" if problem else ""),
                flush=True,
            )
    print(f"{total} checks, {failed} failed" if failed else f"{total} checks, all hold")
    raise typer.Exit(1 if failed else 0)


def _batteries(file: Path) -> Iterable[tuple[str, Iterable]]:
    """(name, its checks) of each class in the file that is a strategy or a benchmark."""
    from clbench.core.part import Part
    from clbench.testing import benchmark_checks, strategy_checks

    path, classes = parts_and_benchmarks(str(file))
    found: list[tuple[str, Iterable]] = []
    for name, cls in classes.items():
        spec = f"{path}:{name}"
        if issubclass(cls, Part):
            found.append((name, strategy_checks(spec)))
            continue
        for end in [f"_{scenario}" for scenario in cls.scenarios] or [""]:
            found.append((f"{name}{end}", benchmark_checks(f"{spec}{end}")))
    return found


def _problem(check, file: Path) -> str:
    """What is wrong, in a line; nothing where the check holds."""
    try:
        check()
    except AssertionError as error:
        return " ".join(str(error).split()) or "an assertion fails"
    except InputError as error:
        return str(error)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}{_place(error, file)}"
    return ""


def _place(error: BaseException, file: Path) -> str:
    """The last line of the user's file that the error passed."""
    name = str(file).split(".py:")[0].removesuffix(".py").rsplit("/")[-1]
    lines = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).stem == name
    ]
    return f" ({file.name.split(':')[0]}:{lines[-1].lineno})" if lines else ""
