"""Two small towers for pairs, after CLIP (Radford et al. 2021): image or words on the left, words on the right."""
import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.functional import Functional
from clbench.models.layers import Pictures

LARGEST_SCALE = 100.0


class DualEncoder(Functional):
    """Embeddings of length 1 of both sides, the left ones times a learned scale (1 / temperature); no BatchNorm.

    shape: of the images (height, width, channels); None for words on both sides.
    """

    kind = "dual"

    def __init__(self, shape: tuple[int, int, int] | None, buckets: int = 2048, width: int = 64):
        self.inputs, self.widths = shape, (width,)
        left: Tower = Words(buckets, width) if shape is None else Picture(shape, width)
        kind = "words" if shape is None else f"{shape[0]}x{shape[1]} images"
        super().__init__(Towers(left, Words(buckets, width)), f"dual encoder {width}, {kind} and words")

    def init(self, generator: torch.Generator) -> Tensor:
        """As torch's own layers start; word vectors from N(0, 0.1^2)."""
        views = self.layout.views(super().init(generator))
        return self.layout.flat({name: torch.randn(view.shape, generator=generator) / 10 if name in self.layout.tables else view
                                 for name, view in views.items()})


class Tower(Protocol):
    """One side."""

    @property
    def body(self) -> nn.Module: ...

    @property
    def head(self) -> nn.Module: ...


class Towers(nn.Module):
    """`body` and `head` of both sides; what the head gives is normalised, the left side scaled."""

    def __init__(self, left: Tower, right: Tower):
        super().__init__()
        self.body, self.head = Sides(left.body, right.body), Embeddings(left.head, right.head)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.head(self.body(x))


class Sides(nn.Module):
    def __init__(self, left: nn.Module, right: nn.Module):
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.left(x[0]), self.right(x[1])


class Embeddings(Sides):
    def __init__(self, left: nn.Module, right: nn.Module):
        super().__init__(left, right)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        left, right = (F.normalize(side, dim=-1) for side in super().forward(x))
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * left, right


class Picture:
    """4x4 patches, one strided convolution, and a flat layer that keeps the place of things."""

    def __init__(self, shape: tuple[int, int, int], width: int):
        height, across, channels = shape
        places = (height // 4 + 1) // 2 * ((across // 4 + 1) // 2)
        self.body = nn.Sequential(Bytes(shape), nn.Conv2d(channels, 48, 4, 4), nn.GELU(), nn.Conv2d(48, 96, 3, 2, 1), nn.GELU(),
                                  nn.Flatten(), nn.Linear(96 * places, 192), nn.GELU(), nn.LayerNorm(192))
        self.head = nn.Linear(192, width)


class Bytes(Pictures):
    """Images of bytes [n, height * width * channels] as pictures from -1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).float() / 127.5 - 1


class Words:
    """The sum of word vectors through one hidden layer: the order of words does not count."""

    def __init__(self, buckets: int, width: int, inner: int = 96):
        self.body = nn.Sequential(SumOfWords(buckets, inner), nn.LayerNorm(inner), nn.Linear(inner, 2 * inner), nn.GELU())
        self.head = nn.Linear(2 * inner, width)


class SumOfWords(nn.Module):
    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(buckets, width))

    def forward(self, words: Tensor) -> Tensor:
        return (F.embedding(words, self.table) * (words > 0).unsqueeze(-1)).sum(-2)       # 0: the text has ended
