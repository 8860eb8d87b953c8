"""Sets the arithmetic of a run: float32 (without TF32, so that devices agree), tf32, or bf16 in networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from clbench.core.pytree import tree_map


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Within the block CUDA uses TF32 only if that is the precision, and gives the same bits in every run.

    A CPU takes numbers below 1e-38 for 0. They fill Adam's averages where gradients have been zero for 800
    steps, as those of the pixels of an earlier task are, and would make its steps 2.6 times as long.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    cudnn.deterministic = True
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = before


def forward_in(precision: str, device: torch.device) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function that wraps a forward pass: for bf16 its products are taken in bfloat16.

    Outputs are always float32.
    """

    def leave(forward: Callable[..., Any]) -> Callable[..., Any]:
        return forward

    def cast(forward: Callable[..., Any]) -> Callable[..., Any]:
        def cast_forward(*args: Any) -> Any:
            # Without a cache of cast weights: a captured step would keep the first ones for ever.
            with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
                return tree_map(Tensor.float, forward(*args))

        return cast_forward

    return cast if precision == "bf16" else leave
