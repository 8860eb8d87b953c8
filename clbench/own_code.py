"""The source code of a user's own files and of plug-ins.

It is read once, when a run is planned, and imported as it was read, whatever is done to it meanwhile."""

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from clbench.errors import InputError, OwnCodeFailed


@dataclass(frozen=True)
class OwnCode:
    """The files, of one pair, that are not of clbench; a process never holds those of two."""

    places: dict[str, str] = field(default_factory=dict)  # path as a spec has it -> whole path
    texts: dict[str, str] = field(default_factory=dict)  # whole path -> source code
    folders: list[str] = field(default_factory=list)  # where its top-level modules lie

    def __bool__(self) -> bool:
        return bool(self.texts)


class _Loader(InspectLoader):
    """Loads a module from the text that was read."""

    def __init__(self, path: str):
        self.path = path

    def get_source(self, fullname: str) -> str:
        return _read.texts[self.path]

    def get_code(self, fullname: str):
        return compile(_read.texts[self.path], self.path, "exec", dont_inherit=True)

    def is_package(self, fullname: str) -> bool:
        return Path(self.path).name == "__init__.py"


class _Finder(MetaPathFinder):
    """Finds the modules that were read, before any other finder looks at the disk."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        for folder in _read.folders if path is None else path:
            for place in (Path(folder, f"{name}.py"), Path(folder, name, "__init__.py")):
                if str(place) in _read.texts:
                    return importlib.util.spec_from_file_location(fullname, place, loader=_Loader(str(place)))
        return None


_read = OwnCode()  # what this process imports from


def install(code: OwnCode) -> None:
    """From now on this process imports these files as they were read."""
    global _read
    _read = code
    sys.meta_path.insert(0, _Finder())


def is_read(path: str) -> bool:
    """Whether it is a file that was read, by the path that a spec has."""
    return path in _read.places


def module_of(path: str) -> ModuleType:
    """A user's own file as a module; imported again when it has changed.

    Raises InputError where it is no Python, OwnCodeFailed where it fails while it is imported."""
    if path in _read.places:
        return _import(_read.places[path], 0)
    return _import(str(Path(path).resolve()), Path(path).stat().st_mtime_ns)


@lru_cache
def _import(path: str, modified: int) -> ModuleType:
    name = f"clbench_own_{Path(path).stem}_{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    loader = _Loader(path) if path in _read.texts else None
    found = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert found is not None and found.loader is not None  # its name ends in .py
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    folder = str(Path(path).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # modules beside the file are found first, as those beside a script
    try:
        found.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(syntax_error(path, error)) from None
    except (Exception, SystemExit) as error:
        raise OwnCodeFailed(f"{path} cannot be imported: {reason(error, [path])}") from error
    return module


def syntax_error(path: str, error: SyntaxError) -> str:
    """A line that says where a file is no Python."""
    return f"{error.filename or path}, line {error.lineno}: no Python ({error.msg})"


def text_of(error: BaseException) -> str:
    """What an exception says; nothing where its `__str__` fails, as one of the user's own may."""
    try:
        return str(error).strip()
    except Exception:
        return ""


def reason(error: BaseException, paths: Sequence[str] = ()) -> str:
    """The error in a line, with the last line of these files that it came through."""
    said = text_of(error).partition("\n")[0]
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    places = []
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename in paths:
            places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}")
        trace = trace.tb_next
    return f"{text} ({places[-1]})" if places else text
