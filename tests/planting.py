"""Changes of the source code, planted in a copy of the package."""

import shutil
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from clbench.execution.commits import PACKAGE

STRATEGIES = "clbench/strategies/"


@dataclass(frozen=True, eq=False)
class Change:
    what: str
    pair: str  # benchmark:strategy
    seen: str  # how it is to be seen, as a pattern; nothing for a harmless change
    edits: list  # (file, text, other text); text None: the whole file


def place(tree: Path, file: str) -> Path:
    """Where the file is: a strategy's in the folder of its family."""
    found = list((tree / STRATEGIES).glob(f"*/{Path(file).name}")) if file.startswith(STRATEGIES) else []
    return found[0] if found else tree / file


def rounds(changes: list[Change]) -> list[list[Change]]:
    """At most one change of a pair in each."""
    of_pair: dict[str, list[Change]] = {}
    for change in changes:
        of_pair.setdefault(change.pair, []).append(change)
    return [list(filter(None, column)) for column in zip_longest(*of_pair.values())]


def plant(changes: list[Change], folder: Path) -> Path:
    """A new tree in the folder: a copy of the package with all these changes."""
    tree = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(PACKAGE, tree / "clbench")  # with what is compiled, which goes by size and time of a file
    for file, text, other in (edit for change in changes for edit in change.edits):
        path = place(tree, file)
        before = "" if text is None else path.read_text()
        assert text is None or text in before, f"{file} has no {text}"
        path.write_text(other if text is None else before.replace(text, other))
    return tree
