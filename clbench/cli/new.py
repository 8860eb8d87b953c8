"""`clbench new`: a file to start from, with its test."""

import keyword
import re
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import app
from clbench.core.paths import check_writable
from clbench.errors import InputError
from clbench.metrics.references import JOINT, NAIVE
from clbench.results.files import write_atomically

TEMPLATES = Path(__file__).parent / "templates"


class What(StrEnum):
    strategy = "strategy"
    benchmark = "benchmark"
    network = "network"


# what -> (the template of its test, how to try it beside the references)
STARTS = {
    What.strategy: ("test_strategy", "-b split_digits_class {references} -s {spec}"),
    What.benchmark: ("test_benchmark", "-b {spec}_class {references}"),
    What.network: ("test_benchmark", "-b {spec}_class {references}"),
}


@app.command(
    epilog="""Examples:

  clbench new strategy my_method

  clbench new benchmark my_benchmark

  clbench new network my_network"""
)
def new(
    what: Annotated[What, typer.Argument(help="What to start.")],
    name: Annotated[str, typer.Argument(help="Its name, like my_method: of the file, and of what is in it.")],
) -> None:
    """Writes a file that runs as it is, for you to change, and a test of it; never over another file."""
    file, cls = _names(name)
    test_template, options = STARTS[what]
    texts = {
        file: _filled(what.value, file.stem, cls),
        file.with_name(f"test_{file.name}"): _filled(test_template, file.stem, cls),
    }
    check_writable(file.parent)
    for path in texts:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path} is there already; take another name")
    for path, text in texts.items():
        write_atomically(path, text)
        print(path)
    references, spec = f"-s {NAIVE} -s {JOINT}", shlex.quote(f"{file}:{cls}")
    print(f"try it:   clbench run {options.format(references=references, spec=spec)} --profile smoke")
    print(f"test it:  clbench test {shlex.quote(str(file))}")


def _names(name: str) -> tuple[Path, str]:
    """(my_method.py, MyMethod) of `my_method`, `my_method.py` or `MyMethod`; a folder may stand before."""
    path = Path(name.removesuffix(".py"))
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path.name).replace("-", "_").lower()
    if not re.fullmatch(r"[a-z]\w*", stem, re.ASCII) or keyword.iskeyword(stem) or stem.startswith("test_"):
        raise InputError(
            f'"{name}" is no name for a file of Python: write letters, digits and _, like my_method'
        )
    if stem in registry.strategies() or registry.is_benchmark(stem):
        raise InputError(f'"{stem}" is a name that clbench has already; take another')
    return path.with_name(f"{stem}.py"), "".join(word.capitalize() for word in stem.split("_"))


def _filled(template: str, stem: str, cls: str) -> str:
    """The text of a template, which is code as it stands, with the names in it replaced."""
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return text.replace("MyMethod", cls).replace("my_method", stem)
