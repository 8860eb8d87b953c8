"""Random draws by key: a draw depends on (seed, purpose, task) and on nothing else."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def generator(seed: int, purpose: str, task: int = 0) -> torch.Generator:
    """A new CPU generator for this key.

    The global one is never used, so another part or another seed changes nobody else's draws.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}/{task}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def passes(n: int, count: int, draws: torch.Generator, used: int | None = None) -> Tensor:
    """Passes over 0 … n-1, each in a new order, one after another, cut after `count` numbers: [count].

    used: of each pass only so many numbers, the first ones of its order; None: all."""
    whole = -(-count // (used or n))  # rounded up
    return torch.cat([torch.randperm(n, generator=draws)[:used] for _ in range(whole)])[:count]


def draw(seeds: Sequence[int], purpose: str, task: int, make: Callable[[torch.Generator], Tensor]) -> Tensor:
    """make(generator) for every seed, stacked along the seed axis 0."""
    return torch.stack([make(generator(seed, purpose, task)) for seed in seeds])
