"""One small tower for both sides of text pairs: word overlap to begin with, and what is learnt on top."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.dual_encoder import LARGEST_SCALE
from clbench.models.functional import Functional


class TextEncoder(Functional):
    """Embeddings of length 1 of queries and passages, the queries' times a learned scale (1 / temperature).

    Word vectors times learned word weights, summed, and a residual layer that starts at 0. The weights start at `idf`
    [buckets], of the first slice alone: so the untrained network compares texts by the words that they share.
    """

    kind = "text"

    def __init__(self, idf: np.ndarray, width: int = 192):
        self.inputs, self.widths, self.idf = len(idf), (width,), torch.from_numpy(idf)
        super().__init__(SharedTower(len(idf), width), f"text encoder {width}, {len(idf)} words")

    def init(self, generator: torch.Generator) -> Tensor:
        views = dict(self.layout.views(super().init(generator)))
        vectors = torch.randn(views["body.table"].shape, generator=generator)
        return self.layout.flat(views | {"body.table": vectors, "body.word_weights": self.idf, "head.last.weight": 0.0,
                                         "head.last.bias": 0.0})


class SharedTower(nn.Module):
    """`body`: the weighted sums of word vectors of both sides; `head`: what is added to them, and the embeddings."""

    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.body, self.head = WeightedSums(buckets, width), Residual(width)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.head(self.body(x))


class WeightedSums(nn.Module):
    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.table, self.word_weights = nn.Parameter(torch.zeros(buckets, width)), nn.Parameter(torch.zeros(buckets))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.summed(x[0]), self.summed(x[1])

    def summed(self, words: Tensor) -> Tensor:
        weights = F.embedding(words, self.word_weights.unsqueeze(-1)) * (words > 0).unsqueeze(-1)       # 0: the text has ended
        return (F.embedding(words, self.table) * weights).sum(-2)


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.inner, self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU()), nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        left, right = (F.normalize(side + self.last(self.inner(side)), dim=-1) for side in x)
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * left, right
