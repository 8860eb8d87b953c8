"""Two small towers for streams of pairs, after CLIP (Radford et al. 2021).

The left tower takes images or words, the right one words.
"""

import math
from functools import partial
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.functional import Functional, check_module_fits
from clbench.models.layers import Pictures

LARGEST_SCALE = 100.0  # as in CLIP


class DualEncoder(Functional):
    """Gives embeddings of length 1 of both sides, the left ones times a learned scale (1 / temperature).

    shape: (height, width, channels) of the images; None for words on both sides. There is no BatchNorm.
    """

    kind = "dual"

    def __init__(self, shape: tuple[int, int, int] | None, buckets: int = 2048, width: int = 64):
        self.inputs, self.widths = shape, (width,)
        kind = "words" if shape is None else f"{shape[0]}x{shape[1]} images"
        make = partial(_towers, shape, buckets, width)
        check_module_fits(make, f"a network for {kind} and words of {buckets} buckets")
        super().__init__(make(), f"dual encoder {width}, {kind} and words")

    @property
    def embedding(self) -> list[str]:
        return self.layout.tables

    def embed(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Pictures with values from -1 to 1, still flat, and the sums of word vectors."""
        views, body = self._views(theta), self._module.get_submodule("body")

        def side(name: str, x: Tensor) -> Tensor:
            first = body.get_submodule(f"{name}.0")
            return (
                first.scale(x)
                if isinstance(first, Bytes)
                else self._call(first, f"body.{name}.0.", views, x, False)
            )

        return side("left", x[0]), side("right", x[1])

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: layers as torch's own, word vectors from N(0, 0.1^2)."""
        views = self.layout.views(super().init(generator))
        for name in self.layout.tables:
            views[name] = torch.randn(views[name].shape, generator=generator) / 10
        return self.layout.flat(views)


def _towers(shape: tuple[int, int, int] | None, buckets: int, width: int) -> "Towers":
    left: Tower = Words(buckets, width) if shape is None else Picture(shape, width)
    return Towers(left, Words(buckets, width))


class Tower(Protocol):
    """One side."""

    @property
    def body(self) -> nn.Module: ...

    @property
    def head(self) -> nn.Module: ...


class Towers(nn.Module):
    """The bodies and the heads of both sides, as the `body` and the `head` of one network."""

    def __init__(self, left: Tower, right: Tower):
        super().__init__()
        self.body = Sides(left.body, right.body)
        self.head = Embeddings(left.head, right.head)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.head(self.body(x))


class Sides(nn.Module):
    """A module for each side of a pair."""

    def __init__(self, left: nn.Module, right: nn.Module):
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.left(x[0]), self.right(x[1])


class Embeddings(Sides):
    """The heads of both sides; embeddings have length 1, times the learned scale on the left."""

    def __init__(self, left: nn.Module, right: nn.Module):
        super().__init__(left, right)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        left, right = (F.normalize(side, dim=-1) for side in super().forward(x))
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * left, right


class Picture:
    """A tower for images: 4x4 patches, a strided convolution, and a layer that sees where things are."""

    def __init__(self, shape: tuple[int, int, int], width: int):
        height, across, channels = shape
        places = (height // 4 + 1) // 2 * ((across // 4 + 1) // 2)
        self.body = nn.Sequential(
            Bytes(shape),
            nn.Conv2d(channels, 48, 4, 4),
            nn.GELU(),
            nn.Conv2d(48, 96, 3, 2, 1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(96 * places, 192),
            nn.GELU(),
            nn.LayerNorm(192),
        )
        self.head = nn.Linear(192, width)


class Bytes(Pictures):
    """Turns images of bytes [n, height * width * channels] into pictures with values from -1 to 1; floats
    have these values already."""

    def forward(self, x: Tensor) -> Tensor:
        return self.scale(super().forward(x))

    @staticmethod
    def scale(x: Tensor) -> Tensor:
        return x if x.is_floating_point() else x.float() / 127.5 - 1


class Words:
    """A tower for words: the sum of their vectors, then one hidden layer.

    The order of words does not count.
    """

    def __init__(self, buckets: int, width: int, inner: int = 96):
        self.body = nn.Sequential(
            SumOfWords(buckets, inner), nn.LayerNorm(inner), nn.Linear(inner, 2 * inner), nn.GELU()
        )
        self.head = nn.Linear(2 * inner, width)


class SumOfWords(nn.Module):
    """The sum of the word vectors of texts [n, L]; the number 0, where a text has ended, adds nothing. Floats
    [n, width] are such sums already."""

    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(buckets, width))

    def forward(self, words: Tensor) -> Tensor:
        if words.is_floating_point():
            return words
        return (F.embedding(words, self.table) * (words > 0).unsqueeze(-1)).sum(-2)
