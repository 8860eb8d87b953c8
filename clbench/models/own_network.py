"""A network of a user's own file: -b "labelled_class(path='photos', net='my_net.py:make')".

make(shape, classes) gives a torch module; shape is that of one input as it reads it: (channels, height,
width), or (numbers,)."""

from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from clbench import own_code
from clbench.core.paths import check_file
from clbench.errors import InputError, OwnCodeFailed
from clbench.models.of_module import Made
from clbench.models.reading import Reading


def is_own(net: str) -> bool:
    """Whether a name is `path/to/file.py:function`."""
    path, _, function = net.rpartition(":")
    return path.endswith(".py") and function.isidentifier()


def changed(net: str) -> int:
    """When the file was changed last, if it is one that is not yet read."""
    path = net.rpartition(":")[0]
    if not is_own(net) or own_code.is_read(path):
        return 0
    check_file(path)
    return Path(path).stat().st_mtime_ns


def of_file(net: str, shape: tuple[int, ...], classes: int) -> Made:
    """The network of a file. Raises InputError for one that fails."""
    path, _, function = net.rpartition(":")
    try:
        found = vars(own_code.module_of(path))
    except OwnCodeFailed as error:
        raise InputError(str(error)) from None
    if not callable(found.get(function)):
        there = [name for name, one in found.items() if callable(one) and not name.startswith("_")]
        has = f"; it has {', '.join(there[:5])}" if there else ""
        raise InputError(f"{path} has no function {function}{has}")
    seen = (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape
    return Made(net, partial(_make, found[function], seen, classes, net, path), Reading(shape), path)


def _make(function: Any, shape: tuple[int, ...], classes: int, net: str, path: str) -> nn.Module:
    try:
        module = function(shape, classes)
    except (Exception, SystemExit) as error:
        raise InputError(f"{net} breaks off: {why(error, path)}") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{net} gives {type(module).__name__}, and no torch.nn.Module")
    return (
        nn.Sequential(module) if isinstance(module, nn.Linear) else module
    )  # a body, of nothing, and a head


def why(error: BaseException, path: str | None) -> str:
    """The error in a line; with the last line of the user's file that it came through."""
    return own_code.reason(error, [str(Path(path).resolve())] if path else [])
