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
        views["table"] = torch.randn(views["table"].shape, generator=generator)
        views |= {"word_weights": self.idf, "head.weight": torch.zeros_like(views["head.weight"]),
                  "head.bias": torch.zeros_like(views["head.bias"])}
        return self.layout.flat(views)

    def features(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> Tensor:
        raise NotImplementedError("two sides have no common features")


class SharedTower(nn.Module):
    def __init__(self, buckets: int, width: int):
        super().__init__()
        self.table, self.word_weights = nn.Parameter(torch.zeros(buckets, width)), nn.Parameter(torch.zeros(buckets))
        self.body, self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU()), nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        left, right = map(self.embedded, x)
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * left, right

    def embedded(self, words: Tensor) -> Tensor:
        weights = F.embedding(words, self.word_weights.unsqueeze(-1)) * (words > 0).unsqueeze(-1)       # 0: the text has ended
        summed = (F.embedding(words, self.table) * weights).sum(-2)
        return F.normalize(summed + self.head(self.body(summed)), dim=-1)
