"""What a strategy's class says of itself, read from syntax trees: lists, tables and pages need it without
torch."""

import ast
import importlib.util
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from clbench import moved
from clbench.exports import EXPORTS

ROOT = Path(__file__).parents[1]
# Of strategies, after Wang et al. 2024, in the order in which tables have them: the folders in strategies/.
FAMILIES = (
    "reference",
    "regularisation",
    "replay",
    "optimisation",
    "representation",
    "architecture",
    "sampling",
)
OWN = "own"  # the family of what is not ours and names none
# What a class says for readers and tests alone: no run depends on it. The last three are of benchmarks.
DESCRIPTIVE = (
    "family",
    "paper",
    "keeps",
    "needs_task_label",
    "tolerance",
    "grows",
    "small",
    "tested_on",
    "tunes",
    "mirrors",
    "native",
    "shim",
    "slow",
    "tasks_are",
    "data_are",
    "ranks_by",
)


@dataclass(frozen=True)
class Facts:
    """What is known of a strategy without loading it. `clbench.core.part.Part` says what each means."""

    family: str = OWN  # one of FAMILIES, or OWN
    sees_all_data: bool = False
    stores: bool = False
    labels: float | None = None
    paper: str = ""
    keeps: str = ""
    needs_task_label: bool = False  # at test time
    tolerance: float = 1e-5
    grows: str = ""
    small: dict[str, Any] = field(default_factory=dict)  # arguments for tests
    tested_on: dict[str, dict[str, Any]] = field(default_factory=dict)  # and those of their benchmarks
    tunes: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # range of each argument to be tuned
    mirrors: str = ""  # the native strategy that a row of another library is, up to rounding
    native: str = ""  # the native strategy that such a row is compared with; "": the one of its name
    shim: str = ""  # what is done about a fault of that library
    slow: bool = False  # `run --all` leaves it out


def facts_in(said: dict) -> Facts:
    """The facts among attributes of a class; a family that there is not counts as none."""
    known = {one.name: said[one.name] for one in fields(Facts) if one.name in said}
    return Facts(**known | {"family": said.get("family") if said.get("family") in FAMILIES else OWN})


@lru_cache
def file_of(module: str) -> Path | None:
    """The file of a dotted module, found without importing any package; None where there is none."""
    package, *names = module.split(".")
    spec = importlib.util.find_spec(package)
    for name in names:
        if spec is None:
            return None
        package = f"{package}.{name}"
        spec = PathFinder.find_spec(package, spec.submodule_search_locations)
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).suffix == ".py" else None


def literals(path: Path, name: str | None = None) -> dict:
    """attribute -> value of the literals in the bodies of a class (None: the first of the file) and of its
    bases.

    A base is followed where it stands in the same file, in a file of clbench, or in one beside the file."""
    found: dict = {}
    for cls in dict.fromkeys(reversed(_lineage(path, name))):  # Part, the base of several, comes first
        found |= _assigned(cls)
    return found


def classes_without(path: Path, name: str) -> list[str]:
    """The classes of a file that has none of this name, nor of the name before a benchmark's scenario; empty
    where it has one, has none at all, or may have one that only who imports it sees."""
    try:
        tree = _parsed(path, path.stat().st_mtime_ns)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []  # who imports it says why
    words = {word for node in ast.walk(tree) for word in _words(node)}
    if {name, name.rpartition("_")[0], "*", "globals", "exec", "__getattr__"} & words:
        return []
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def _words(node: ast.AST) -> list[str]:
    """What a part of a syntax tree names."""
    fields = [getattr(node, field, None) for field in ("id", "name", "asname", "value")]
    return [word for word in fields if isinstance(word, str)]


def _lineage(path: Path, name: str | None) -> list[ast.ClassDef]:
    """The class and its bases, depth first."""
    tree = _parsed(path, path.stat().st_mtime_ns)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and name in (None, node.name)]
    if not classes:
        return []
    cls = classes[0]
    places = [place for base in cls.bases for place in _places(ast.unparse(base), tree, path)]
    return [cls, *(one for place in places if place != (path, cls.name) for one in _lineage(*place))]


@lru_cache(maxsize=1024)
def _parsed(path: Path, modified: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1024)
def _assigned(cls: ast.ClassDef) -> dict[str, Any]:
    """What the lines `a = b = 1` and `a: int = 1` in the body of a class set, where it is a literal."""
    found: dict[str, Any] = {}
    for line in cls.body:
        names = assigned_names(line)
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value and names:
            try:
                found |= dict.fromkeys(names, ast.literal_eval(line.value))
            except ValueError:  # no literal: known only to who imports the class
                continue
    return found


def assigned_names(line: ast.stmt) -> list[str]:
    """What a line like `a = b = 1` or `a: int = 1` gives a value; nothing for any other line."""
    if isinstance(line, ast.Assign):
        return [ast.unparse(target) for target in line.targets]
    return [ast.unparse(line.target)] if isinstance(line, ast.AnnAssign) and line.value else []


def _places(base: str, tree: ast.Module, path: Path) -> list[tuple[Path, str]]:
    """(file, class) of a base, written like `Part` or `er.ER`; several where a module has been split."""
    first, dot, rest = base.partition(".")
    imported = _imported(tree).get(first)
    if imported is None:
        return [] if dot else [(path, base)]
    module, _, name = f"{imported}{dot}{rest}".rpartition(".")
    if module == "clbench":
        module = EXPORTS.get(name, module)
    files = [_file_beside(new, path) for new in moved.new_names(module)]
    return [(file, name) for file in files if file.is_file()]


def _imported(tree: ast.Module) -> dict[str, str]:
    """Name in the file -> what it stands for, dotted."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {
                one.asname or one.name.split(".")[0]: one.name if one.asname else one.name.split(".")[0]
                for one in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return found


def _file_beside(module: str, path: Path) -> Path:
    """Where the file of a module would lie: in our package, or beside the file that imports it."""
    folder = ROOT if module.split(".")[0] == "clbench" else path.parent
    return folder.joinpath(*module.split(".")).with_suffix(".py")
