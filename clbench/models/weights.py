"""Weights that a network starts from: tensors by name, from a file or from the library that offers them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from clbench.core.paths import check_file
from clbench.errors import InputError, Unavailable

PRETRAINED = "pretrained"
NESTED = ("state_dict", "model_state_dict", "model")  # under which checkpoints keep the weights
UNREAD = "num_batches_tracked"  # a count that only a momentum of None would read


def read(path: str) -> dict[str, Tensor]:
    """The tensors of a file by name. Nothing in it is run.

    Raises InputError for what is no such file, Unavailable where safetensors is not installed."""
    check_file(path)
    read = _safetensors(path) if path.endswith(".safetensors") else _of_torch(path)
    for key in NESTED:
        if isinstance(read, Mapping) and isinstance(read.get(key), Mapping):
            read = read[key]
    if not isinstance(read, Mapping) or not read or not all(isinstance(one, Tensor) for one in read.values()):
        raise InputError(f"{path} holds no tensors by name: save torch.save(net.state_dict(), {path!r})")
    return {str(name).removeprefix("module."): tensor for name, tensor in read.items()}


def _safetensors(path: str) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise Unavailable("safetensors is not installed: pip install safetensors") from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is no safetensors file: {_line(error)}") from None


def _of_torch(path: str) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        raise InputError(
            f"{path} is no file of torch, or holds other things than tensors, which are not read: "
            "save torch.save(net.state_dict(), …)"
        ) from None
    except Exception as error:  # a damaged one makes its reader fail in any way
        raise InputError(f"{path} is no file of torch: {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def fitting(
    found: dict[str, Tensor], wanted: dict[str, Tensor], head: list[str], source: str, network: str
) -> dict[str, Tensor]:
    """The found tensors for the wanted ones; of the head's names only those that fit, for a head of other
    classes is begun anew. Raises InputError, which names the first three, where others do not fit."""
    found = {name: one for name, one in found.items() if not name.endswith(UNREAD)}
    if any(name not in found or found[name].shape != wanted[name].shape for name in head):
        found = {name: one for name, one in found.items() if name not in head}
        wanted = {name: one for name, one in wanted.items() if name not in head}
    wrong = [f"{name} is not there" for name in wanted if name not in found]
    wrong += [f"{name} is of no layer" for name in found if name not in wanted]
    wrong += [
        f"{name} is {_shape(found[name])} and not {_shape(wanted[name])}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(f"the weights {source} do not fit {network}: {', '.join(wrong[:3])}{more}")
    return {name: found[name].to(wanted[name].dtype) for name in wanted}


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def digest(tensors: Mapping[str, Tensor]) -> str:
    """16 hex digits of the tensors and their names."""
    content = hashlib.sha256()
    for name, tensor in tensors.items():
        content.update(name.encode())
        content.update(tensor.contiguous().numpy().tobytes())
    return content.hexdigest()[:16]


def changed(weights: str | None) -> int:
    """When the file was changed last, if it is one."""
    if weights in (None, PRETRAINED):
        return 0
    check_file(weights)
    return Path(weights).stat().st_mtime_ns
