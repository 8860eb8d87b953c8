"""`clbench export-method`: a strategy as one script that runs without clbench."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import ProfileName, Results, app
from clbench.core.paths import check_writable_file, kind_of
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.execution.environment import prepare
from clbench.results import folders
from clbench.results.files import write_atomically

QUICK = ProfileName("quick")
LONGEST = 100  # characters of a name that is made up

EXAMPLES = """Examples:

  clbench export-method -b split_digits_class -s er

  clbench export-method -b split_digits_task -s 'er(memory=200)+ewc' --profile full --out winner.py

  clbench export-method -b split_digits_class -s my_method.py:MyMethod --out mine.py --force"""


@app.command("export-method", epilog=EXAMPLES)
def export_method(
    benchmark: Annotated[str, typer.Option("--benchmark", "-b", help="Name or spec; of labelled data.")],
    strategy: Annotated[
        str, typer.Option("--strategy", "-s", help="Name, spec like 'er(memory=200)+lwf', or file.py:Class.")
    ],
    profile: Annotated[ProfileName, typer.Option(help="Whose values it gets.")] = QUICK,
    out: Annotated[
        Path | None, typer.Option(help="The file. Default: strategy_on_benchmark.py, in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    results: Results = folders.RESULTS,
) -> None:
    """Writes a strategy as one PyTorch script: its own code, the network, the training loop, and nothing of
    clbench to import. It gives the same accuracies as a run of clbench with this seed on the same machine."""
    file = out or Path(_name_of(benchmark, strategy))
    _check(file, force)
    prepare()
    from clbench.standalone.recipe import recipe_of
    from clbench.standalone.script import script_of

    text = script_of(recipe_of(benchmark, strategy, profile.value))
    write_atomically(file, text)
    print(printable(f"{file}: {len(text.splitlines()):,} lines"))
    print(printable(f"run it:  python {shlex.quote(str(file))} --seed 0"))


def _name_of(benchmark: str, strategy: str) -> str:
    """er_on_split_digits_class.py"""
    words = (re.sub(r"\W+", "_", text.rpartition("/")[2]).strip("_") for text in (strategy, benchmark))
    return "_on_".join(words)[:LONGEST] + ".py"


def _check(file: Path, force: bool) -> None:
    if file.suffix != ".py":
        raise InputError("give the name of a script, which ends in .py", "out", str(file))
    if kind_of(file) == "a file" and not force:
        raise InputError(f"{file} is there already: take another name, or --force to write over it")
    check_writable_file(file)
