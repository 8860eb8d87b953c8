"""The files of clbench as definitions: what each is made of, and what a name in it stands for."""

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from clbench.exports import EXPORTS
from clbench.facts import assigned_names, file_of
from clbench.moved import new_names
from clbench.standalone.names import bound_in, is_ours


@dataclass(frozen=True)
class Library:
    """A name that a library gives: how it is imported."""

    statement: str  # "from math import ceil"


@dataclass(frozen=True)
class Place:
    """A name that stands in a module of clbench; no name: the module itself."""

    module: str
    name: str | None


@dataclass
class Definition:
    """A class, a function, or a line that gives a name a value."""

    module: str
    names: list[str]
    node: ast.stmt
    members: list[ast.stmt] = field(default_factory=list)  # of a class

    @property
    def key(self) -> tuple[str, str]:
        return self.module, self.names[0]


class Module:
    """A file, read."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.stem = name, path.stem
        self.source = path.read_bytes().replace(b"\r\n", b"\n")
        self.lines = self.source.split(b"\n")
        tree = ast.parse(self.source)
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self.docstring = ast.get_docstring(tree) or ""
        self.names: dict[str, Definition | Library | Place] = {}
        self.needs: list[Place] = []  # what it imports when it is imported
        for node in ast.walk(tree):  # within functions too
            if isinstance(node, ast.ImportFrom | ast.Import) and is_ours(node):
                self._imports(node)
        self._read(tree.body)

    def offset(self, line: int, column: int = 0) -> int:
        """How many bytes stand before a place, whose line is counted from 1."""
        return self.starts[line - 1] + column

    def _read(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                for one in node.body:
                    if isinstance(one, ast.Import | ast.ImportFrom) and not is_ours(one):
                        self._imports(one)
                before = dict(self.names)  # what the types say counts, not what stands in for them
                self._read(node.orelse)
                self.names |= before
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._imports(node)
                found = [self.names.get(one.asname or one.name.split(".")[0]) for one in node.names]
                self.needs += [one for one in found if isinstance(one, Place)]
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                members = node.body if isinstance(node, ast.ClassDef) else []
                self.names[node.name] = Definition(self.name, [node.name], node, members)
            elif names := assigned_names(node):
                made = Definition(self.name, names, node)
                self.names |= dict.fromkeys(names, made)

    def _imports(self, node: ast.Import | ast.ImportFrom) -> None:
        for one in node.names:
            local = one.asname or one.name
            if isinstance(node, ast.Import):
                if is_ours(node):
                    self.names[local.split(".")[0]] = Place(one.name if one.asname else "clbench", None)
                else:
                    self.names[local.split(".")[0]] = Library(ast.unparse(ast.Import([one])))
            elif is_ours(node):
                self.names[local] = Place(node.module or "", one.name)
            else:
                self.names[local] = Library(ast.unparse(ast.ImportFrom(node.module, [one], node.level)))


@lru_cache(maxsize=512)
def _read(name: str, path: Path, modified: int) -> Module:
    return Module(name, path)


def module(name: str) -> Module:
    """Of a dotted name, or of the path of a file of one's own."""
    path = Path(name) if name.endswith(".py") else file_of(name)
    if path is None:
        raise LookupError(name)
    return _read(name, path, path.stat().st_mtime_ns)


def resolve(place: str, name: str | None) -> Definition | Library | Place | None:
    """What a name in a module stands for: a definition wherever it is, a library's name, a module (a `Place`
    without a name), or None for what Python itself has."""
    if name is None:
        return Place(place, None)
    if place == "clbench":
        place = EXPORTS.get(name, place)
    for there in new_names(place):
        path = file_of(there) if not there.endswith(".py") else Path(there)
        if path is not None and path.name != "__init__.py" and name in module(there).names:
            found = module(there).names[name]
            return resolve(found.module, found.name) if isinstance(found, Place) else found
    if not place.endswith(".py") and file_of(f"{place}.{name}"):
        return Place(f"{place}.{name}", None)
    return None


def bases_of(definition: Definition) -> list[Definition | Library | None]:
    """What a class derives from."""
    assert isinstance(definition.node, ast.ClassDef)
    found: list[Definition | Library | None] = []
    for base in definition.node.bases:
        while isinstance(base, ast.Subscript):
            base = base.value
        first, _, rest = ast.unparse(base).partition(".")
        place = resolve(definition.module, first)
        if isinstance(place, Place) and rest:
            place = resolve(place.module, rest)
        found.append(None if isinstance(place, Place) else place)
    return found


def names_in_class(definition: Definition) -> set[str]:
    """What the body of a class binds."""
    return bound_in(definition.members)


def order_of(modules: list[str]) -> list[str]:
    """The modules so that each comes after those that it imports; by rooms where that leaves a choice."""
    rooms = ["core", "data", "streams", "benchmarks", "models", "strategies"]

    def rank(name: str) -> int:
        room = name.split(".")[1] if not name.endswith(".py") else "strategies"
        return rooms.index(room) if room in rooms else len(rooms)

    found: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for place in module(name).needs:
            found_there = resolve(place.module, place.name)
            if isinstance(found_there, Definition | Place):
                visit(found_there.module)
        if name in modules:
            found.append(name)

    for name in sorted(modules, key=rank):
        visit(name)
    return found
