"""Small transformers that read texts: one for both sides of pairs of texts, and one beside a tower for
images."""

import hashlib
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.dual_encoder import Picture, Towers
from clbench.models.functional import check_module_fits
from clbench.models.text_encoder import Residual
from clbench.models.transformer import Block, Transformer, check_width


class TextTransformer(Transformer):
    """Gives embeddings of length 1 of queries and passages, the queries' ones times a learned scale (1 /
    temperature).

    A token is a word's vector, times the learned weight of the word, plus a vector of its place; an embedding
    is made of the tokens' mean after two blocks. The weights start at the inverse document frequencies `idf`
    [buckets] of the first slice, and what the blocks add at 0. So the untrained network compares texts by the
    words that they share, as `clbench.models.text_encoder.TextEncoder` does, or that are near each other in
    `vectors`.
    """

    def __init__(self, idf: np.ndarray, length: int, width: int = 128, vectors: np.ndarray | None = None):
        """length: words of a text, at most. vectors: [buckets, width or more] of the words, pretrained."""
        check_width(width, "a text transformer")
        self.inputs, self.widths = len(idf), (width,)
        self.idf, self.vectors = torch.from_numpy(idf), vectors
        make = partial(Queries, len(idf), length, width)
        check_module_fits(make, f"a network for words of {len(idf)} buckets")
        name = f"text transformer {width}, {len(idf)} words{_of(vectors)}"
        super().__init__(make(), name, width, {0: "body.tower", 1: "body.tower"})

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: word vectors as given or from N(0, 1), word weights `idf`; what blocks and head
        add is 0."""
        views = dict(self.layout.views(super().init(generator)))
        vectors = _start(views["body.tower.table"], self.vectors, generator)
        ends = tuple(f"{layer}.{kind}" for layer in ("out", "last") for kind in ("weight", "bias"))
        for name, view in views.items():
            if name.endswith(ends):
                views[name] = torch.zeros_like(view)
        return self.layout.flat(views | {"body.tower.table": vectors, "body.tower.word_weights": self.idf})


class CaptionTransformer(Transformer):
    """Two towers, as `clbench.models.dual_encoder.DualEncoder` has them, of which that for words is a
    transformer."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        buckets: int,
        length: int,
        width: int = 64,
        vectors: np.ndarray | None = None,
    ):
        """shape: (height, width, channels) of the images. length: words of a text, at most. vectors:
        [buckets, width or more] of the words, pretrained."""
        check_width(width, "a text transformer")
        self.inputs, self.widths, self.vectors = shape, (width,), vectors
        make = partial(_towers, shape, buckets, length, width)
        check_module_fits(make, f"a network for words of {buckets} buckets")
        name = f"dual encoder {width}, {shape[0]}x{shape[1]} images and a text transformer{_of(vectors)}"
        super().__init__(make(), name, width, {1: "body.right"})

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: layers as torch's own, word vectors as given or from N(0, 1), over 10, word
        weights of 1."""
        views = self.layout.views(super().init(generator))
        vectors = _start(views["body.right.table"], self.vectors, generator) / 10
        return self.layout.flat(views | {"body.right.table": vectors, "body.right.word_weights": 1.0})


def _of(vectors: np.ndarray | None) -> str:
    if vectors is None:
        return ""
    return f" of pretrained vectors {hashlib.sha256(vectors.tobytes()).hexdigest()[:8]}"


def _start(table: Tensor, vectors: np.ndarray | None, generator: torch.Generator) -> Tensor:
    """Of the pretrained vectors the first numbers, as many as a token has."""
    if vectors is None:
        return torch.randn(table.shape, generator=generator)
    return torch.from_numpy(vectors[:, : table.shape[1]])


class Queries(nn.Module):
    """One tower for both sides, and one residual layer for both: the `body` and the `head`."""

    def __init__(self, buckets: int, length: int, width: int):
        super().__init__()
        self.body = Both(TextTower(buckets, length, width))
        self.head = Residual(width)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        out: tuple[Tensor, Tensor] = self.head(self.body(x))
        return out


class Both(nn.Module):
    """One tower for both sides of a pair."""

    def __init__(self, tower: nn.Module):
        super().__init__()
        self.tower = tower

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.tower(x[0]), self.tower(x[1])


class CaptionTower(NamedTuple):
    """The tower for words, before it is joined with that for images."""

    body: nn.Module
    head: nn.Module


def _towers(shape: tuple[int, int, int], buckets: int, length: int, width: int) -> Towers:
    head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
    return Towers(Picture(shape, width), CaptionTower(TextTower(buckets, length, width), head))


class TextTower(nn.Module):
    """Features [n, width] of texts [n, L]: the mean of what their words, and the prompts before them, have
    become. The number 0 stands where a text has ended."""

    def __init__(self, buckets: int, length: int, width: int, depth: int = 2):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(buckets, width))
        self.word_weights = nn.Parameter(torch.zeros(buckets))
        self.place = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))

    def forward(self, words: Tensor, prompts: Tensor | None = None) -> Tensor:
        there = words > 0
        weights = F.embedding(words, self.word_weights.unsqueeze(-1))
        tokens = F.embedding(words, self.table) * weights + self.place
        if prompts is not None:
            tokens = torch.cat([prompts, tokens], 1)
            there = torch.cat([torch.ones_like(prompts[..., 0], dtype=torch.bool), there], 1)
        for block in self.blocks:
            tokens = block(tokens, there)
        count = there.sum(-1, keepdim=True).clamp(min=1)
        features: Tensor = (tokens * there.unsqueeze(-1)).sum(-2) / count
        return features
