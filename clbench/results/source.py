"""A digest of the source code that a run depends on: what makes its record stale when it changes."""

import ast
import contextlib
import hashlib
import os
import site
import sys
import sysconfig
import tempfile
import tokenize
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from clbench import facts, moved
from clbench.exports import EXPORTS
from clbench.facts import DESCRIPTIVE, assigned_names, file_of
from clbench.own_code import OwnCode

ROOT = Path(__file__).parents[2]
# Where libraries lie side by side: what one imports from another is not its own.
INSTALLED = {Path(folder).resolve() for folder in (*site.getsitepackages(), *sysconfig.get_paths().values())}
# Imported by what computes, but without influence on any value: how energy is read, what errors say, how a
# file that holds a strategy runs it or reads its results.
WITHOUT_INFLUENCE = (
    "clbench/engine/energy.py",
    "clbench/errors.py",
    "clbench/api.py",
    "clbench/report/frame.py",
)


def digest(modules: list[str]) -> str:
    """16 hex digits over the modules (dotted names, or paths of a user's own files) and all that they import,
    directly or not, from `clbench` or from the folder or package that they lie in. Docstrings, comments,
    layout, the texts of errors, and in clbench `__init__` files and what a class says of itself for readers
    alone, don't count."""
    return read(modules)[0]


def read(modules: list[str]) -> tuple[str, OwnCode]:
    """(the digest of the modules, the files among theirs that are not of clbench, as they were read for
    it)."""
    files = {_file_of(module) or file_of(module) for module in modules} - {None}
    seen = set().union(*(_reached_from(path) for path in files if path is not None))
    found = {path: _read_now(path) for path in sorted(seen)}
    parts = sorted((_label(path), one.digest) for path, one in found.items())
    own = {path: one.text for path, one in found.items() if not _is_ours(path)}
    code = OwnCode(
        {module: str(Path(module).resolve()) for module in modules if module.endswith(".py")},
        {str(path): text for path, text in own.items()},
        list(dict.fromkeys(str(_folder_of_top_level(path)) for path in own)),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16], code


_REACHED: dict[Path, dict[Path, int]] = {}  # file -> the files that count for it, when each was modified


def _reached_from(file: Path) -> dict[Path, int]:
    """The file and all that it imports, directly or not; found anew where one of them has been modified."""
    known = _REACHED.get(file)
    if known and all(_modified(path) == time for path, time in known.items()):
        return known
    reached: dict[Path, int] = {}
    waiting: list[Path | None] = [file]
    while waiting:
        path = waiting.pop()
        if path is None or path in reached or _label(path) in WITHOUT_INFLUENCE:
            continue
        reached[path] = path.stat().st_mtime_ns
        imports = _read_now(path).imports
        waiting += [_imported_file(new, path) for name in imports for new in _places_of(name)]
    _REACHED[file] = reached
    return reached


def _modified(path: Path) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # gone
        return None


def _is_ours(path: Path) -> bool:
    return str(path).startswith(f"{ROOT}{os.sep}clbench{os.sep}")


def _label(path: Path) -> str:
    return _label_under(ROOT, path)


@lru_cache(maxsize=4096)  # asked very often
def _label_under(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _file_of(module: str) -> Path | None:
    """The file of a module; None if it is neither one of ours nor a file, or a package's `__init__`."""
    if module.endswith(".py"):
        return Path(module).resolve()
    if not module.startswith("clbench."):
        return None
    path = f"{ROOT}{os.sep}{module.replace('.', os.sep)}.py"  # no Path before it is needed: asked very often
    return Path(path) if os.path.isfile(path) else None


def _imported_file(name: str, importer: Path) -> Path | None:
    """The file that an import in the importer's code means: one of ours, or one beside the importer or in its
    package.

    name: dotted; one dot in front for each level of a relative import.
    """
    level = len(name) - len(name.lstrip("."))
    if level == 0 and name.split(".")[0] == "clbench":
        return _file_of(name)
    if _is_ours(importer):
        return None
    if level:
        return (
            _beside(importer.parents[level - 1], name.lstrip(".")) if level <= len(importer.parents) else None
        )
    top = _folder_of_top_level(importer)
    if top in INSTALLED and name.split(".")[0] != importer.relative_to(top).parts[0].removesuffix(".py"):
        return None  # another library
    return _beside(importer.parent, name) or _beside(top, name)


def _folder_of_top_level(path: Path) -> Path:
    """The folder that a module's package, or the module itself, lies in."""
    return next(folder for folder in path.parents if not (folder / "__init__.py").is_file())


def _places_of(name: str) -> tuple[str, ...]:
    """The modules in which an imported name stands: `clbench.Part` is in `clbench.core.part`."""
    package, _, attribute = name.rpartition(".")
    return (EXPORTS[attribute],) if package == "clbench" and attribute in EXPORTS else moved.new_names(name)


def _beside(folder: Path, name: str) -> Path | None:
    place = folder.joinpath(*name.split(".")) if name else folder
    candidates = (place.with_suffix(".py"), place / "__init__.py") if name else (place / "__init__.py",)
    return next((path.resolve() for path in candidates if path.is_file()), None)


class _Source(NamedTuple):
    digest: str  # of the code
    imports: tuple[str, ...]
    text: str


def _read_now(path: Path) -> _Source:
    return _read(path, path.stat().st_mtime_ns, _is_ours(path))


@lru_cache(maxsize=1024)
def _read(path: Path, modified: int, ours: bool) -> _Source:
    with tokenize.open(path) as file:  # which looks for the coding that the file declares
        text = file.read()
    kept = _kept() / hashlib.sha256(f"{_reader()} {ours} {text}".encode()).hexdigest()[:32]
    try:
        digest, *imports = kept.read_text().split("\n")
    except (OSError, UnicodeDecodeError):
        digest, imports = "", []
    if len(digest) != 64:
        digest, imports = _parse(path, text, ours)
        with contextlib.suppress(OSError):  # it is only slower without
            _keep("\n".join([digest, *imports]), kept)
    return _Source(digest, tuple(imports), text)


def _kept() -> Path:
    """The folder of the user's cache with what was made of texts: to parse one takes much longer than to read
    it."""
    from clbench.data.files import folders

    return folders()[-1] / "sources"


@lru_cache
def _reader() -> str:
    """A digest of what makes them."""
    code = b"".join(Path(file).read_bytes() for file in (__file__, facts.__file__))
    return f"{hashlib.sha256(code).hexdigest()} {sys.version_info[:2]}"


def _keep(content: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(content)
        os.replace(part, path)  # other processes may do the same
    except OSError:  # a full disk
        os.unlink(part)
        raise


def _parse(path: Path, text: str, ours: bool) -> tuple[str, list[str]]:
    """(the digest of a text, the names that it imports)."""
    tree = ast.parse(text, str(path))
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []  # what is imported for a type checker alone
        if isinstance(node, ast.Import):
            imports += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            separator = "" if module.endswith(".") else "."
            imports += [module, *(f"{module}{separator}{name.name}" for name in node.names)]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "clbench":
            imports.append(f"clbench.{node.attr}")  # of `import clbench`
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
        if isinstance(node, ast.ClassDef) and ours:
            node.body = [line for line in node.body if not _describes(line)]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = []  # what an error says
    if ours:  # of libraries it takes what is installed
        imports = [name for name in imports if name.split(".")[0] == "clbench"]
    return hashlib.sha256(repr(_plain(tree)).encode()).hexdigest(), list(dict.fromkeys(imports))


def _describes(line: ast.stmt) -> bool:
    """Whether a line of a class's body only sets what `clbench.facts` calls descriptive."""
    names = assigned_names(line)
    return bool(names) and set(names) <= set(DESCRIPTIVE)


def _plain(node: object) -> object:
    """A syntax tree as nested lists, without what is empty: Python 3.12 and 3.13 print other empty fields
    than 3.11."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return node
    fields = [
        (name, _plain(value)) for name, value in ast.iter_fields(node) if value is not None and value != []
    ]
    return [type(node).__name__, *fields]
