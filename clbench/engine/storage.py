"""What the parts of a run keep beside the network: how many numbers, how many bytes."""
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.engine.learner import Learner

if TYPE_CHECKING:
    from clbench.engine.run import Run


def extra_numbers(run: "Run") -> int:
    """Floating point numbers per seed that the parts keep."""
    return sum(_numbers(run, views) for views in _kept(run) if views[0].is_floating_point())


def extra_bytes(run: "Run") -> int:
    """Bytes per seed of all tensors that the parts keep, whatever their type, but for those that name examples."""
    others = [views for views in _kept(run) if not _names_examples(views[0])]
    return sum(_numbers(run, views) * views[0].element_size() for views in others)


def _kept(run: "Run") -> list[list[Tensor]]:
    """The parts' tensors, those of one storage together; not what belongs to the run or its stream."""
    seen = {id(run), id(run.stream), id(run.learner)}
    of_learner = [run.learner.theta, run.learner.initial, *run.learner.optimiser.state]
    of_stream = _tensors(vars(run.stream), set())
    taken = {tensor.untyped_storage().data_ptr() for tensor in (*of_learner, *of_stream)}
    storages: dict[int, dict[Any, Tensor]] = {}
    for tensor in _tensors([vars(part) for part in run.parts], seen | {id(part) for part in run.parts}):
        place = tensor.untyped_storage().data_ptr()
        if place not in taken and tensor.numel():
            view = (tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
            storages.setdefault(place, {})[view] = tensor
    return [list(views.values()) for views in storages.values()]


def _tensors(value: Any, seen: set[int]) -> Iterator[Tensor]:
    """All tensors in containers and objects, however deep. What can be called (a network, a function) holds none; of a
    second learner its parameters count, as of the first, and not its optimiser."""
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, Learner):
            yield value.theta[:, :value.net.layout.parameters]
        elif isinstance(value, dict | list | tuple | set):
            for one in value.values() if isinstance(value, dict) else value:
                yield from _tensors(one, seen)
        elif hasattr(value, "__dict__") and not callable(value):
            yield from _tensors(vars(value), seen)


def _numbers(run: "Run", views: list[Tensor]) -> int:
    """Numbers of one seed in the views of one storage, no more than it holds; the padding of theta does not count."""
    layout, first = run.learner.net.layout, views[0]
    held = first.untyped_storage().nbytes() // first.element_size()
    count = min(sum(view.numel() for view in views), held)
    if first.shape and first.shape[-1] == layout.P:
        count = count // layout.P * layout.parameters
    by_seed = first.dim() > 1 and len(first) == run.S            # masks [P] or [C] are the same for all seeds
    return count // run.S if by_seed else count


def _names_examples(tensor: Tensor) -> bool:
    """Whether these are (task, index) pairs [..., M, 2]."""
    return tensor.dtype == torch.long and tensor.dim() > 1 and tensor.shape[-1] == 2
