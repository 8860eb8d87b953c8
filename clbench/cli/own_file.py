"""A file of one's own, as the command line takes it: `file.py`, or `file.py:Class`."""

import ast
from pathlib import Path
from typing import Any

from clbench import registry
from clbench.core.paths import check_file
from clbench.errors import InputError


def parts_and_benchmarks(text: str) -> tuple[Path, dict[str, Any]]:
    """The file, and its classes that are strategies or benchmarks, by name. Raises InputError where none
    is."""
    from clbench.core.benchmark import Benchmark
    from clbench.core.part import Part

    path, names = classes_in(text)
    classes = {name: registry.load(registry.Entry(f"{path}:{name}", "", str(path), name)) for name in names}
    found = {
        name: cls
        for name, cls in classes.items()
        if isinstance(cls, type) and issubclass(cls, Part | Benchmark)
    }
    if not found:
        raise InputError(f"{text}: no class in it is derived from clbench.Part or clbench.Benchmark")
    return path, found


def classes_in(text: str) -> tuple[Path, list[str]]:
    """The file, and the names of its classes in their order; of one alone where `text` says so.

    Classes whose name begins with _ are helpers. Nothing is imported. Raises InputError for what is no file
    of Python, and for a class that is not there.
    """
    before, colon, wanted = text.rpartition(".py:")
    path = Path(f"{before}.py" if colon else text)
    check_file(path)
    if path.suffix != ".py":
        raise InputError(f"{path}: is no file of Python, whose name ends in .py")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path} cannot be read: {type(error).__name__}: {error}") from None
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    if not colon:
        return path, [name for name in names if not name.startswith("_")]
    if wanted not in names:
        raise InputError(f"{path} has no class {wanted}; it has {', '.join(names) or 'none'}")
    return path, [wanted]
