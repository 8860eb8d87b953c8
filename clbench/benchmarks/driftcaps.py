"""driftcaps: captioned images of a world that drifts, drawn from a seed (after the protocol of TiC-CLIP, Garg et al. 2024)."""
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from clbench.core.benchmark import Benchmark
from clbench.data.pairs import driftcaps
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.words import hash_words
from clbench.models.dual_encoder import DualEncoder
from clbench.streams.pairs import PairStream, budget

VERSION = 1                              # of what is drawn


@dataclass
class Driftcaps(Benchmark):
    """Slices of n training and n_test test pairs. A world is its `data_seed`: intervals over seeds leave it out."""

    slices: int = 6
    n: int = 2000
    n_test: int = 400
    drift: float = 0.5                   # how much looks, words and frequencies change from slice to slice
    churn: float = 0.2                   # share of the shapes that are replaced
    size: int = 32                       # of the images
    data_seed: int = 0
    memory: int = 400

    scenarios = ()
    scenario = "pairs"
    budgets = {"smoke": budget(20, rows=64), "quick": budget(60), "full": budget(600)}
    # smoke: at 8x8 pixels a step takes a third of what it takes at 32x32; docs/streams.md has what methods do there.
    arguments = {"smoke": {"slices": 3, "n": 600, "n_test": 60, "size": 8}, "full": {"n": 8000}}

    seeds = {"smoke": {"pairs": 5}}
    def contents(self) -> Pairs:
        return drawn(self.slices, self.n, self.n_test, self.drift, self.churn, self.size, self.data_seed)

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> DualEncoder:
        return DualEncoder((self.size, self.size, 3))


@lru_cache(maxsize=4)
def drawn(*arguments: Any) -> Pairs:
    """The world as pairs. Its fingerprint is of what is shown and said, which is the same everywhere; pixels may differ in a
    last digit between processors."""
    made = [one for both in driftcaps.slices(*arguments) for one in both]
    captions = [caption for one in made for caption in one.captions]
    ends = np.cumsum([len(one.captions) for one in made])
    rows = [np.arange(end - len(one.captions), end) for one, end in zip(made, ends, strict=True)]
    content = json.dumps([VERSION, captions, [one.attributes.tolist() for one in made]])
    return Pairs(np.concatenate([one.images.reshape(len(one.images), -1) for one in made]), hash_words(captions),
                 np.unique(captions, return_inverse=True)[1], tuple(rows[::2]), tuple(rows[1::2]),
                 tuple(str(t + 1) for t in range(len(made) // 2)), made[0].images.shape[1:],
                 hashlib.sha256(content.encode()).hexdigest()[:16], {})
