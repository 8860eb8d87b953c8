"""One small tower for both sides of pairs of texts, such as queries with passages.

It begins by comparing texts by the words that they share, and learns to do better.
"""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.dual_encoder import LARGEST_SCALE
from clbench.models.functional import Functional, check_module_fits


class TextEncoder(Functional):
    """Gives embeddings of length 1 of queries and passages, the queries' ones times a learned scale (1 /
    temperature).

    A text is the sum of its word vectors, each times the learned weight of the word, through a residual
    layer that starts at 0. The weights start at the inverse document frequencies `idf` [buckets] of the
    first slice alone. So the untrained network compares texts by the words that they share.
    """

    kind = "text"

    def __init__(self, idf: np.ndarray, width: int = 192):
        self.inputs, self.widths = len(idf), (width,)
        self.idf = torch.from_numpy(idf)
        make = partial(SharedTower, len(idf), width)
        check_module_fits(make, f"a network for words of {len(idf)} buckets")
        super().__init__(make(), f"text encoder {width}, {len(idf)} words")

    embedding = ["body.table", "body.word_weights"]

    def embed(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The weighted sums of word vectors of both sides."""
        body = self._module.get_submodule("body")
        sums: tuple[Tensor, Tensor] = self._call(body, "body.", self._views(theta), x, training=False)
        return sums

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: word vectors from N(0, 1), word weights `idf`, a residual layer of 0."""
        views = self.layout.views(super().init(generator))
        vectors = torch.randn(views["body.table"].shape, generator=generator)
        return self.layout.flat(
            views
            | {
                "body.table": vectors,
                "body.word_weights": self.idf,
                "head.last.weight": 0.0,
                "head.last.bias": 0.0,
            }
        )


class SharedTower(nn.Module):
    """`body` gives the weighted sums of word vectors of both sides; `head` turns them into embeddings."""

    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.body = WeightedSums(buckets, width)
        self.head = Residual(width)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.head(self.body(x))


class WeightedSums(nn.Module):
    """The weighted sums [n, width] of the word vectors of both sides."""

    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(buckets, width))
        self.word_weights = nn.Parameter(torch.zeros(buckets))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.weighted_sum(x[0]), self.weighted_sum(x[1])

    def weighted_sum(self, words: Tensor) -> Tensor:
        """[n, width] of texts [n, L]; the number 0, where a text has ended, adds nothing. Floats are sums
        already."""
        if words.is_floating_point():
            return words
        weights = F.embedding(words, self.word_weights.unsqueeze(-1)) * (words > 0).unsqueeze(-1)
        return (F.embedding(words, self.table) * weights).sum(-2)


class Residual(nn.Module):
    """One residual layer for both sides; embeddings have length 1, times the learned scale on the left."""

    def __init__(self, width: int):
        super().__init__()
        self.inner = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.last = nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        left, right = (F.normalize(side + self.last(self.inner(side)), dim=-1) for side in x)
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * left, right
