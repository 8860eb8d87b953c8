"""Counts the FLOPs of a block by torch's own formulas, as torch.utils.flop_counter does, but faster."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class FlopCounter(TorchDispatchMode):
    """Adds up `flops`, those of the matrix products and convolutions within the block, forward and backward.

    torch's FlopCounterMode is slower: it hooks every module to say where FLOPs arise, asks for every
    operator whether it can be decomposed, and imports torch's compiler. Here autograd has decomposed every
    operator before it arrives. That is not so within `torch.inference_mode`, where this counts too little.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled; True would import the compiler

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula and func._overloadpacket is torch.ops.aten.convolution_backward:
            self.flops += _of_each_group(formula, args, out)
        elif formula:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


def _of_each_group(formula: Callable[..., int], args: Sequence[Any], out: Sequence[Tensor | None]) -> int:
    """FLOPs of a convolution's backward pass: those of one group of channels, times the groups.

    A convolution that is mapped over S seeds is one with S groups. torch's formula takes every channel of the
    kernel's gradient for connected with every other, and so would count S times too many.
    """
    grad, x, weight, *settings, groups, mask = args

    def first_group(tensor: Tensor | None, dim: int) -> Tensor | None:
        return None if tensor is None else tensor.narrow(dim, 0, tensor.shape[dim] // groups)

    of_group = [first_group(grad, 1), first_group(x, 1), first_group(weight, 0), *settings, 1, mask]
    out_of_group = (first_group(out[0], 1), first_group(out[1], 0), out[2])
    return int(groups) * formula(*of_group, out_val=out_of_group)
