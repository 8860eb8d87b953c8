"""The arithmetic of a run: float32 (TF32 off, so that devices agree), tf32, or bf16 in the network's passes."""
from collections.abc import Callable
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._pytree import tree_map


@contextmanager
def arithmetic(precision: str):
    """Within the block CUDA multiplies matrices and convolves in TF32 only if that is the precision, and repeats its bits."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    cudnn.deterministic = True
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = before


def forward_in(precision: str, device: torch.device) -> Callable[[Callable], Callable]:
    """Wraps a forward pass: under bf16 its products are taken in bfloat16; what comes out is float32 in any case."""
    def wrap(forward: Callable) -> Callable:
        def passed(*args):
            # No cache of cast weights: a captured step would keep the first one for ever.
            with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
                return tree_map(Tensor.float, forward(*args))
        return passed
    return wrap if precision == "bf16" else lambda forward: forward
