"""Counts what the parts of a run keep beside the network, in numbers and in bytes, for the cost sheet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.engine.learner import Learner

if TYPE_CHECKING:
    from clbench.engine.run import Run


def extra_numbers(run: "Run") -> int:
    """How many floating point numbers the parts keep, per seed."""
    return sum(_count_numbers(run, views) for views in _kept_tensors(run) if views[0].is_floating_point())


def extra_bytes(run: "Run") -> int:
    """How many bytes the parts keep per seed, in tensors of any type but those that name stored examples."""
    others = [views for views in _kept_tensors(run) if not _names_examples(views[0])]
    return sum(_count_numbers(run, views) * views[0].element_size() for views in others)


def _kept_tensors(run: "Run") -> list[list[Tensor]]:
    """The tensors that the parts keep, those of one storage together.

    What the run or its stream owns is left out, and what a part writes anew in every step, under a name with
    a `_` in front.
    """
    seen = {id(run), id(run.stream), id(run.learner)}
    of_learner = [run.learner.theta, run.learner.initial, *run.learner.optimiser.state]
    of_stream = _tensors(vars(run.stream), set())
    taken = {tensor.untyped_storage().data_ptr() for tensor in (*of_learner, *of_stream)}
    storages: dict[int, dict[Any, Tensor]] = {}
    kept = [{name: value for name, value in vars(part).items() if name[0] != "_"} for part in run.parts]
    for tensor in _tensors(kept, seen | {id(part) for part in run.parts}):
        place = tensor.untyped_storage().data_ptr()
        if place not in taken and tensor.numel():
            view = (tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
            storages.setdefault(place, {})[view] = tensor
    return [list(views.values()) for views in storages.values()]


def _tensors(value: Any, seen: set[int]) -> Iterator[Tensor]:
    """Yields all tensors in containers and objects, however deep.

    What can be called, such as a network or a function, holds none. Of a second learner the parameters
    count, as they do of the first, and not the optimiser.
    """
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, Learner):
            yield value.theta[:, : value.net.layout.parameters]
        elif isinstance(value, dict | list | tuple | set):
            items = value.values() if isinstance(value, dict) else value
            for item in items:
                yield from _tensors(item, seen)
        elif hasattr(value, "__dict__") and not callable(value):
            yield from _tensors(vars(value), seen)


def _count_numbers(run: "Run", views: list[Tensor]) -> int:
    """How many numbers of one seed the views of one storage hold, without the padding of theta.

    Views may overlap, so it is never more than the storage holds.
    """
    layout = run.learner.net.layout
    first = views[0]
    held = first.untyped_storage().nbytes() // first.element_size()
    count = min(sum(view.numel() for view in views), held)
    if first.shape and first.shape[-1] == layout.P:
        count = count // layout.P * layout.parameters
    by_seed = first.dim() > 1 and len(first) == run.S  # masks [P] and [C] are the same for all seeds
    return count // run.S if by_seed else count


def _names_examples(tensor: Tensor) -> bool:
    """Whether the tensor holds (task, index) pairs, [..., M, 2]."""
    return tensor.dtype == torch.long and tensor.dim() > 1 and tensor.shape[-1] == 2
