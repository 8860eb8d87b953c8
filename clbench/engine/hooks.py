"""Looks at what the hooks of parts give back, before anything computes with it.

A fused kernel reads so many numbers from an address on and asks for no shape, and a product of unequal shapes
broadcasts: both would go on with wrong numbers. Only the order in memory is put right; a shape, a type or a
device never is.
"""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.layout import Layout
from clbench.core.pytree import Tree, tree_leaves
from clbench.errors import HookError

Shape = tuple[int | str, ...]  # a word stands for any length
FLOAT = "float"  # of any width


def check_gradient(part: object, g: Tensor, theta: Tensor) -> Tensor:
    """g [S, P], as theta lies in memory. Called in every step; takes a microsecond."""
    if (
        isinstance(g, Tensor)
        and g.shape == theta.shape
        and g.dtype == theta.dtype
        and g.device == theta.device
    ):
        return g.contiguous()
    raise _wrong(part, "gradient", g, theta.dtype, tuple(theta.shape), theta.device)


def check_losses(part: object, hook: str, losses: Tensor, weight: Tensor, whole: bool) -> Tensor:
    """losses [n], of the first n rows of one seed; `whole`: of all rows, as many as weight [B] has. Called
    in every step."""
    if (
        isinstance(losses, Tensor)
        and losses.dim() == 1
        and losses.is_floating_point()
        and (losses.shape == weight.shape if whole else len(losses) <= len(weight))
    ):
        return losses
    rows: int | str = len(weight) if whole else f"at most {len(weight)}"
    raise _wrong(part, hook, losses, FLOAT, (rows,), weight.device)


def check_samples(part: object, samples: Tensor, seeds: int, columns: int, device: torch.device) -> None:
    """samples [steps, S, B, 2 or 3], whole numbers."""
    due: Shape = ("steps", seeds, "rows", columns)
    _check(part, "choose_samples", samples, torch.long, due, device)


def check_plan(part: object, plan: Batch, seeds: int, columns: int, device: torch.device) -> None:
    """A plan whose tensors are all [steps, S, ...]."""
    _check_batch(part, "before_task", plan)
    samples = plan.get("samples")
    due: Shape = ("steps", seeds, "rows", columns)
    _check(part, "before_task", samples, torch.long, due, device, "samples")
    for name, tensor in plan.items():
        _check(part, "before_task", tensor, None, (len(plan.samples), seeds, "…"), device, _last(name))


def check_batch(part: object, batch: Batch, seeds: int, device: torch.device) -> None:
    """A batch whose tensors are all [S, ...], with as many rows B in all that parts share."""
    _check_batch(part, "batch", batch)
    rows = batch.y.shape[1] if isinstance(batch.get("y"), Tensor) and batch.y.dim() > 1 else "rows"
    due: dict[Any, tuple[Any, Shape]] = {
        "x": (None, (seeds, rows, "…")),
        "y": (torch.long, (seeds, rows)),
        "task": (torch.long, (seeds, rows)),
        "mask": (torch.bool, (seeds, rows, "outputs")),
        "weight": (FLOAT, (seeds, rows)),
        "samples": (torch.long, (seeds, rows, "2 or 3")),
    }
    for name, tree in batch.items():
        dtype, shape = due.get(name, (None, (seeds, "…")))
        for tensor in tree_leaves(tree):
            _check(part, "batch", tensor, dtype, shape, device, _last(name))


def check_scores(part: object, hook: str, scores: Tree, x: Tree, classes: int, device: torch.device) -> None:
    """Scores [S, n, C] of inputs [S, n, ...]; of pairs, which have no classes, both sides' embeddings."""
    seeds, rows = tree_leaves(x)[0].shape[:2]
    for tensor in tree_leaves(scores) if isinstance(scores, tuple | list | dict) else [scores]:
        _check(part, hook, tensor, FLOAT, (seeds, rows, classes or "numbers"), device)


def check_stored(part: Any, seeds: int, device: torch.device) -> None:
    """`stored` [S, M, 2], where a part has it."""
    if part.stored is not None:
        _check(part, "stored", part.stored, torch.long, (seeds, "examples", 2), device)


def check_network(part: object, net: Any) -> None:
    """Something that the engine can learn: a layout, an `init`, and a call."""
    if not (isinstance(getattr(net, "layout", None), Layout) and callable(net) and hasattr(net, "init")):
        raise HookError(
            f"{_name(part, 'network')} gives {_describe(net)}; a network is due: `layout`, `init` and a call"
        )


def check_initial(part: object, initial: Tensor, due: Shape) -> None:
    """The first weights [S, P] of the network that a hook gives."""
    _check(part, "network", initial, torch.float32, due, initial.device, "init")


def _check_batch(part: object, hook: str, batch: Any) -> None:
    if not isinstance(batch, Batch):
        raise HookError(f"{_name(part, hook)} gives {_describe(batch)}; a Batch is due")


def _check(
    part: object, hook: str, found: Any, dtype: Any, shape: Shape, device: torch.device, entry: str = ""
) -> None:
    """Raises HookError unless `found` is a tensor of this type, shape and device. dtype: None for any.
    shape: a last "…" for any axes behind."""
    if not (
        isinstance(found, Tensor)
        and _fits(tuple(found.shape), shape)
        and (dtype is None or (found.is_floating_point() if dtype == FLOAT else found.dtype == dtype))
        and found.device == device
    ):
        raise _wrong(part, hook, found, dtype, shape, device, entry)


def _fits(found: tuple[int, ...], due: Shape) -> bool:
    if due[-1] == "…":
        found, due = found[: len(due) - 1], due[:-1]
    same = (isinstance(there, str) or one == there for one, there in zip(found, due, strict=False))
    return len(found) == len(due) and all(same)


def _wrong(
    part: object, hook: str, found: Any, dtype: Any, shape: Shape, device: torch.device, entry: str = ""
) -> HookError:
    where = f" {device}" if isinstance(found, Tensor) and found.device != device else ""
    due = f"{_type_name(dtype)} [{', '.join(map(str, shape))}]{where and f' on{where}'}"
    seen = _describe(found) + (f" on {found.device}" if where else "")
    return HookError(f"{_name(part, hook)} gives {entry and f'`{entry}` as '}{seen}; {due.strip()} is due")


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{_type_name(value.dtype)} [{', '.join(map(str, value.shape))}]"
    return "nothing" if value is None else f"a {type(value).__name__}"


def _type_name(dtype: Any) -> str:
    return "tensor" if dtype is None else str(dtype).removeprefix("torch.")


def _last(name: Any) -> str:
    """The name of an entry, as its part calls it."""
    return str(name[1] if isinstance(name, tuple) else name)


def _name(part: object, hook: str) -> str:
    """`Part.hook`, with the file and line of the hook where it is a function."""
    code = getattr(inspect.unwrap(getattr(type(part), hook, None) or (lambda: None)), "__code__", None)
    own = code is not None and code.co_filename != __file__
    return f"{type(part).__name__}.{hook}" + (
        f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if own and code else ""
    )
