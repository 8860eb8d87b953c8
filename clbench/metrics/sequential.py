"""How much risk each look may take where the same question is asked again with more seeds.

Alpha spending (Lan & DeMets 1983): all looks together may spend alpha. Here the first look, at n0 seeds,
spends a half of it, and by n seeds 1 - n0 / 2n of it is spent: a half, three quarters, seven eighths as the
seeds double. The looks' shares add up to less than alpha however many there are and whenever one stops, so a
wrong decision at any of them is no likelier than at a single one (the sum of the risks bounds it; that the
looks share seeds only makes it rarer).
"""

from collections.abc import Sequence


def share(seeds_at_looks: Sequence[int]) -> float:
    """The share of alpha for the last of these looks; each entry is the number of seeds at a look.

    >>> share([0])
    1.0
    >>> [share([5]), share([5, 10]), share([5, 10, 20])]
    [0.5, 0.25, 0.125]
    """
    first, *_ = seeds_at_looks
    if not first:
        return 1.0  # a pair that trains nothing is decided without a test

    def spent(n: int) -> float:
        return 1 - first / (2 * n)

    before = spent(seeds_at_looks[-2]) if len(seeds_at_looks) > 1 else 0.0
    return spent(seeds_at_looks[-1]) - before
