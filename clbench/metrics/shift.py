"""A shift that no single pair can show: many pairs that moved the same way in the same seeds.

Rounding on another platform moves a seed's values up or down with no preference. Pairs of one seed share
data, initial weights and batches, so only whole seeds are independent: the test counts, seed by seed, how
many more pairs rose than fell, and turns the signs of whole seeds at random (in all 2^S ways where these are
few). So it holds whatever the pairs of a seed have in common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

ALARMS = 0.01  # false ones, of a whole run
DRAWS = 20_000  # of signs, where there are more ways than these


@dataclass(frozen=True)
class Shift:
    """How many values of pairs and seeds rose and fell, of how many that could, and how likely it is that
    chance alone shows as much."""

    rose: int
    fell: int
    pairs: int
    seeds: int
    p: float  # two-sided


def shift(pairs: Sequence[Mapping[int, float]]) -> Shift | None:
    """The sign test over pairs, each seed -> difference. None where nothing moved.

    With S seeds p is at least 2 / 2^S: fewer than 8 seeds cannot show a shift at 1 %, nor fewer than 9 one
    at half of that.
    """
    seeds = sorted({seed for pair in pairs for seed in pair})
    signs = np.array([[np.sign(pair.get(seed, 0.0)) for seed in seeds] for pair in pairs])
    if not signs.any():
        return None
    moved = signs.sum(axis=0)  # of each seed
    turned = np.abs(_turns(len(seeds)) @ moved)
    return Shift(
        int((signs > 0).sum()),
        int((signs < 0).sum()),
        int(signs.any(axis=1).sum()),
        len(seeds),
        float((turned >= abs(moved.sum())).mean()),
    )


@cache
def _turns(seeds: int) -> np.ndarray:
    """Ways to turn the signs of so many seeds, [ways, seeds]: the first one turns none."""
    if 2**seeds <= DRAWS:
        return np.array(list(product((1, -1), repeat=seeds)), dtype=float).reshape(-1, seeds)
    drawn = np.random.default_rng(list(b"shift")).choice((1.0, -1.0), (DRAWS, seeds))
    drawn[0] = 1.0
    return drawn
