"""What a CUDA graph asks of a step, on a CPU: the operators of a step; a step recorded once and replayed."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Operators(TorchDispatchMode):
    """Lists the operators with the shapes and Python numbers that a captured graph would freeze."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = tree_leaves((args, kwargs))
        shapes = (tuple(a.shape) if isinstance(a, torch.Tensor) else str(a) for a in given)
        self.calls.append((str(func), tuple(shapes)))
        return func(*args, **(kwargs or {}))


class Tape(TorchDispatchMode):
    """What a CUDA graph does, on a CPU: every call is recorded once, and a replay makes the same calls on the
    same tensors and writes what they give to the same places."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out, torch.backends.mkldnn.enabled))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        onednn: Any = torch.backends.mkldnn
        before = onednn.enabled
        try:
            for func, args, kwargs, out, enabled in self.calls:
                onednn.enabled = enabled  # the bits of a product depend on it
                for old, new in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                    if isinstance(old, torch.Tensor) and _place(old) != _place(new):
                        old.copy_(new)
        finally:
            onednn.enabled = before


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
