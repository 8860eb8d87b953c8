"""glyphs: characters in the fonts that matplotlib ships, with their names, by age."""

from dataclasses import dataclass
from functools import lru_cache

from clbench.core.benchmark import Benchmark
from clbench.core.ranges import Count
from clbench.data.pairs import glyphs
from clbench.data.pairs.pairs import Pairs
from clbench.models.dual_encoder import DualEncoder
from clbench.streams.pairs import PairStream, budget


@dataclass
class Glyphs(Benchmark):
    """Six slices, by Unicode's version: 1.1; 2.0 to 3.0; 3.1; 3.2; 4; 5 to 7.

    No slice trains on a test character.
    """

    most: Count = 1300  # training pairs of a slice; else the first has two thirds of all
    memory: Count = 400

    scenarios = ()
    tasks_are = "6 slices"
    data_are = "characters, names"
    scenario = "pairs"
    ranks_by = "stream_backward"  # is what was learnt kept?
    budgets = {"smoke": budget(30), "quick": budget(60), "full": budget(600)}

    def contents(self) -> Pairs:
        return glyph_pairs(self.most)

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> DualEncoder:
        return DualEncoder((glyphs.SIZE, glyphs.SIZE, 3))


glyph_pairs = lru_cache(maxsize=2)(glyphs.pairs)
