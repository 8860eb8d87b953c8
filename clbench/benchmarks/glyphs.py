"""glyphs: characters in the fonts that matplotlib ships, with their names, in the order in which Unicode took them up."""
from dataclasses import dataclass
from functools import lru_cache

from clbench.core.benchmark import Benchmark
from clbench.data.pairs import glyphs
from clbench.data.pairs.pairs import Pairs
from clbench.models.dual_encoder import DualEncoder
from clbench.streams.pairs import PairStream, budget


@dataclass
class Glyphs(Benchmark):
    """Six slices: 1.1; 2.0 to 3.0; 3.1; 3.2; 4; 5 to 7. What is tested on are characters that no slice trains on."""

    most: int = 1300                     # training pairs of a slice: uncapped, the first one would be two thirds of all
    memory: int = 400

    scenarios = ()
    scenario = "pairs"
    budgets = {"smoke": budget(30), "quick": budget(60), "full": budget(600)}

    def contents(self) -> Pairs:
        return made(self.most)

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> DualEncoder:
        return DualEncoder((glyphs.SIZE, glyphs.SIZE, 3))


made = lru_cache(maxsize=2)(glyphs.pairs)
