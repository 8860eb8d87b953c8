"""A digest of the source that a run depends on: what makes its record stale when it changes."""
import ast
import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


def digest(modules: list[str]) -> str:
    """16 hex digits over the modules (dotted names, or paths of a user's own files) and all `clbench` modules that they
    import, directly or not. Docstrings, comments, layout and `__init__` files don't count."""
    todo, seen = [_path(module) or _elsewhere(module) for module in modules], set()
    while todo:
        path = todo.pop()
        if path is not None and path not in seen:
            seen.add(path)
            todo += [_path(module) for module in _read(path, path.stat().st_mtime_ns)[1]]
    parts = sorted((_label(path), _read(path, path.stat().st_mtime_ns)[0]) for path in seen)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def is_stale(record) -> bool:
    """Whether the source that made this record has changed since (or is gone)."""
    try:
        return digest(record.modules) != record.source
    except (OSError, SyntaxError):
        return True


def _label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def _path(module: str) -> Path | None:
    """The file of a module; None if it is not one of ours, or a package's `__init__`."""
    if module.endswith(".py"):
        return Path(module).resolve()
    path = (ROOT / module.replace(".", "/")).with_suffix(".py")
    return path if module.startswith("clbench.") and path.is_file() else None


def _elsewhere(module: str) -> Path | None:
    """The file of a module of another package, which registered by entry point."""
    try:
        found = importlib.util.find_spec(module)
    except ImportError:
        raise FileNotFoundError(module) from None
    return Path(found.origin) if found and found.origin else None


@lru_cache(maxsize=1024)
def _read(path: Path, modified: int) -> tuple[str, tuple[str, ...]]:
    """(hash of the code, the modules it imports)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(repr(_plain(tree)).encode()).hexdigest(), tuple(imports)


def _plain(node):
    """A syntax tree as nested lists, without what is empty: Python 3.12 and 3.13 print other empty fields than 3.11."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return node
    fields = [(name, _plain(value)) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return [type(node).__name__, *fields]
