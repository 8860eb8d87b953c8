"""Layout: where each tensor of a network lies in theta, the flat row of all its parameters."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor


class Layout:
    """Converts between a flat row theta [..., P] and a network's tensors by name.

    Buffers (running means and variances) stand behind the parameters, so that whoever copies, keeps or
    restores theta has them too. Their gradient is zero, so no optimiser moves them.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], buffers: Mapping[str, tuple[int, ...]] | None = None
    ):
        self.shapes = {**shapes, **(buffers or {})}
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        self.parameters = sum(sizes[: len(shapes)])  # how many numbers they are
        self.buffers = slice(self.parameters, sum(sizes)) if buffers else None  # their place in theta
        # A row is padded to a multiple of 64. Fused Adam rounds the last few numbers of a tensor, which fill
        # no vector register, in their own way: without padding, a seed's bits would depend on its neighbours.
        self.sizes = sizes + [-sum(sizes) % 64]
        self.P = sum(self.sizes)

    # Names say what a network's parameters are for. These are all the conventions that there are.

    @property
    def head(self) -> list[str]:
        """The last layer, of both sides where there are two: names that begin with `head`.

        All others are the body.
        """
        return [name for name in self.shapes if name.startswith("head")]

    @property
    def tables(self) -> list[str]:
        """Word vectors [buckets, width], a row for each word: names that end in `table`."""
        return [name for name in self.shapes if name.endswith("table")]

    @property
    def temperature(self) -> list[str]:
        """The logarithm of 1 / temperature, which scales scores of pairs: names that end in `log_scale`."""
        return [name for name in self.shapes if name.endswith("log_scale")]

    def views(self, theta: Tensor) -> dict[str, Tensor]:
        """name -> view of theta [..., P]."""
        # By split, whose backward is one cat; the backward of slicing writes a whole theta for every slice.
        *pieces, _ = theta.split(self.sizes, -1)
        return {
            name: piece if len(shape) == 1 else piece.view((*piece.shape[:-1], *shape))
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def flat(self, tensors: Mapping[str, Tensor | float | bool]) -> Tensor:
        """The row [P] of these tensors, by name; a scalar fills its tensor. The padding is 0 or False."""
        rows = [torch.as_tensor(tensors[name]).expand(shape).flatten() for name, shape in self.shapes.items()]
        return torch.cat([*rows, rows[0].new_zeros(self.sizes[-1])])
