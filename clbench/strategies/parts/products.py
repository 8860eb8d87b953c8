"""Inner products of gradients."""

from typing import Any

import torch
from torch import Tensor

PIECES = 64  # a row of theta is a multiple of it


def products(A: Tensor, B: Tensor) -> Tensor:
    """[S, a, b]: of the rows A [S, a, P] with the rows B [S, b, P].

    Piece by piece: the product of a few long rows keeps a single block of a GPU busy. On a CPU without
    oneDNN, which would copy the rows first.
    """
    A, B = (rows.unflatten(-1, (PIECES, -1)).transpose(1, 2) for rows in (A, B))
    onednn: Any = torch.backends.mkldnn
    onednn.enabled, before = False, onednn.enabled
    try:
        return (A @ B.mT).sum(1)
    finally:
        onednn.enabled = before
