"""The arithmetic of a run: float32 (TF32 off, so that devices agree), tf32, or bf16 in the network's passes."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from clbench.core.pytree import tree_map


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Within the block CUDA multiplies matrices and convolves in TF32 only if that is the precision, and repeats its bits.

    A CPU takes numbers below 1e-38 for 0: they fill Adam's averages where gradients have been zero for 800 steps (the pixels
    of an earlier task), and made its steps 2.6 times as long.
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
    """Wraps a forward pass: under bf16 its products are taken in bfloat16; what comes out is float32 in any case."""
    def wrap(forward: Callable[..., Any]) -> Callable[..., Any]:
        def passed(*args: Any) -> Any:
            # No cache of cast weights: a captured step would keep the first one for ever.
            with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
                return tree_map(Tensor.float, forward(*args))
        return passed
    return wrap if precision == "bf16" else lambda forward: forward
