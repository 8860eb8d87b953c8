"""A data set without its examples: what a benchmark needs to make its stream and its network again where the
data are not. Labels and the division into tasks are kept; of the examples only those that a method stores."""

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

EXAMPLES = ("x", "x_test", "left", "right")  # fields that hold them
NOT_NEEDED = ("keys", "hardness")  # of rows, for dividing them or ordering them
PLACE = "examples.place"
OURS = "clbench.data."

Array = np.ndarray | Tensor


def write(contents: Any) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """(tensors by name, everything else as JSON has it) of `Images` or `Pairs`, but for their examples. None
    in place of the second where it is of a kind that is not ours."""
    if not _is_ours(contents):
        return {}, None
    tensors: dict[str, Tensor] = {}
    told: dict[str, Any] = {}
    for one in fields(contents):
        value = getattr(contents, one.name)
        if one.name in NOT_NEEDED:
            continue
        if one.name in EXAMPLES:
            told[one.name] = {"blank": list(value.shape), "type": str(value.dtype), "of": _kind(value)}
        else:
            told[one.name] = _told(one.name, value, tensors)
    return tensors, {"class": f"{type(contents).__module__}:{type(contents).__name__}", "fields": told}


def examples(contents: Any, stored: Tensor | None) -> dict[str, Tensor]:
    """Of the training examples at these places [n], what `read` puts back there."""
    if stored is None or not _is_ours(contents):
        return {}
    found = {PLACE: stored}
    for one in fields(contents):
        if one.name in EXAMPLES and one.name != "x_test":
            value = getattr(contents, one.name)
            found[f"examples.{one.name}"] = _tensor(
                value[stored if _kind(value) == "tensor" else stored.numpy()]
            )
    return found


def _is_ours(contents: Any) -> bool:
    return is_dataclass(contents) and type(contents).__module__.startswith(OURS)


def read(told: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    """What `write` and `examples` wrote, with zeros for examples that were not kept. ValueError for another
    kind."""
    module, _, name = told["class"].partition(":")
    if not module.startswith(OURS):
        raise ValueError(f"{told['class']} is none of ours")
    values = {one: _value(field, tensors) for one, field in told["fields"].items()}
    place = tensors.get(PLACE)
    for one in EXAMPLES:
        kept = tensors.get(f"examples.{one}")
        if kept is not None and place is not None and one in values:
            values[one] = _with_examples(values[one], place, kept)
    kind = getattr(import_module(module), name)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ValueError(f"{told['class']} holds no data")
    return kind(**values)


def _kind(value: Array) -> str:
    return "tensor" if isinstance(value, Tensor) else "array"


def _tensor(value: Array) -> Tensor:
    return value.cpu().contiguous() if isinstance(value, Tensor) else torch.from_numpy(np.array(value))


def _told(name: str, value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor | np.ndarray):
        tensors[f"data.{name}"] = _narrow(_tensor(value))
        return {"stands": f"data.{name}", "type": str(value.dtype), "of": _kind(value)}
    if isinstance(value, tuple):
        return {"tuple": [_told(f"{name}.{place}", one, tensors) for place, one in enumerate(value)]}
    return {"value": value}


def _narrow(tensor: Tensor) -> Tensor:
    """The same numbers in fewer bytes."""
    if tensor.dtype == torch.int64 and tensor.numel():
        for kind in (torch.uint8, torch.int32):
            limits = torch.iinfo(kind)
            if limits.min <= int(tensor.min()) and int(tensor.max()) <= limits.max:
                return tensor.to(kind)
    return tensor


def _value(told: Any, tensors: dict[str, Tensor]) -> Any:
    if "value" in told:
        return told["value"]
    if "tuple" in told:
        return tuple(_value(one, tensors) for one in told["tuple"])
    kind = getattr(torch, told["type"].removeprefix("torch."))
    if not isinstance(kind, torch.dtype):
        raise ValueError(f"{told['type']} is no type of numbers")
    if "blank" in told:
        shape = told["blank"]
        blank = torch.zeros(1, dtype=kind).expand(shape)  # takes no memory
    else:
        blank = tensors[told["stands"]].to(kind)
    return blank if told["of"] == "tensor" else blank.numpy()


def _with_examples(blank: Array, place: Tensor, kept: Tensor) -> Array:
    if isinstance(blank, Tensor):
        whole = blank.clone(memory_format=torch.contiguous_format)
        whole[place] = kept.to(whole.dtype)
        return whole
    copy = np.array(blank)
    copy[place.numpy()] = kept.numpy()
    return copy
