"""driftcaps: captioned images of a world that drifts, drawn from a seed (protocol of Garg et al. 2024)."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from clbench.core.benchmark import Benchmark
from clbench.core.memory import check_fits
from clbench.core.ranges import Count, Key, Pixels, Share
from clbench.data.pairs import driftcaps
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.words import hash_words
from clbench.models.dual_encoder import DualEncoder
from clbench.models.functional import Functional
from clbench.models.text_transformer import CaptionTransformer
from clbench.streams.pairs import PairStream, budget

VERSION = 1  # of the drawing code, for the fingerprint
BUCKETS, LENGTH = 2048, 24  # different numbers that words may have; words of a caption


@dataclass
class Driftcaps(Benchmark):
    """Slices of n training and n_test test pairs.

    The world comes from `data_seed`, which is the same for all seeds of a run; so intervals over seeds do
    not cover it.
    """

    slices: Annotated[int, Meta(ge=1, le=100)] = 6
    n: Count = 2000
    n_test: Count = 400
    drift: Share = 0.5  # how much looks, words and frequencies change from slice to slice
    churn: Share = 0.2  # share of the shapes that are replaced
    period: Annotated[int, Meta(ge=2, le=100)] | None = None  # slices until the world returns; None: never
    size: Pixels = 32  # of the images
    data_seed: Key = 0
    net: Literal["transformer"] | None = None  # that reads the captions; None: sums of word vectors
    memory: Count = 400

    scenarios = ()
    tasks_are = "3 to 6 slices"
    data_are = "pictures, captions"
    scenario = "pairs"
    ranks_by = "stream_backward"  # is what was learnt kept?
    budgets = {"smoke": budget(20, rows=64), "quick": budget(60), "full": budget(600)}
    # At 8x8 pixels a step takes a third of what it takes at 32x32; docs/streams.md says how methods do there.
    arguments = {"smoke": {"slices": 3, "n": 600, "n_test": 60, "size": 8}, "full": {"n": 8000}}
    seeds = {"smoke": {"pairs": 5}}

    def contents(self) -> Pairs:
        check_fits(self._bytes(), f"drawing slices={self.slices} of n={self.n} pairs at size={self.size}")
        return draw_pairs(
            self.slices,
            self.n,
            self.n_test,
            self.drift,
            self.churn,
            self.size,
            self.data_seed,
            self.period,
        )

    def _bytes(self) -> int:
        """What drawing takes at its peak: all images twice, and the arithmetic of one slice."""
        pixels = self.size**2
        return self.slices * (self.n + self.n_test) * (6 * pixels + 500) + 100 * pixels * self.n

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> Functional:
        shape = (self.size, self.size, 3)
        return CaptionTransformer(shape, BUCKETS, LENGTH) if self.net else DualEncoder(shape, BUCKETS)


@lru_cache(maxsize=4)
def draw_pairs(
    slices: int,
    n: int,
    n_test: int,
    drift: float,
    churn: float,
    size: int,
    data_seed: int,
    period: int | None = None,
) -> Pairs:
    """The pairs of a world; see the fields of `Driftcaps`.

    The fingerprint is of captions and attributes, which are the same everywhere. Pixels may differ between
    processors in a last digit.
    """
    sides = []  # training pairs, then test pairs, slice by slice
    train, test = [], []
    start = 0
    for train_side, test_side in driftcaps.slices(slices, n, n_test, drift, churn, size, data_seed, period):
        middle = start + len(train_side.captions)
        end = middle + len(test_side.captions)
        train.append(np.arange(start, middle))
        test.append(np.arange(middle, end))
        sides += [train_side, test_side]
        start = end
    captions = [caption for side in sides for caption in side.captions]
    images = np.concatenate([side.images.reshape(len(side.images), -1) for side in sides])
    content = json.dumps([VERSION, captions, [side.attributes.tolist() for side in sides]])
    return Pairs(
        left=images,
        right=hash_words(captions, BUCKETS, LENGTH),
        group=np.unique(captions, return_inverse=True)[1],
        train=tuple(train),
        test=tuple(test),
        names=tuple(str(t + 1) for t in range(slices)),
        shape=(size, size, 3),
        fingerprint=hashlib.sha256(content.encode()).hexdigest()[:16],
        skipped={},
    )
