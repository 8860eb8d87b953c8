"""Randomness by key: a draw depends on (seed, purpose, task) and on nothing else."""
import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def generator(seed: int, purpose: str, task: int = 0) -> torch.Generator:
    """A CPU generator for this key; never the global one, so adding a part or a seed moves nobody else's draws."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{task}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def passes(n: int, count: int, draws: torch.Generator) -> Tensor:
    """[count]: reshuffled passes over 0 … n-1, one after another, the last one cut."""
    return torch.cat([torch.randperm(n, generator=draws) for _ in range(-(-count // n))])[:count]


def draw(seeds: Sequence[int], purpose: str, task: int, make: Callable[[torch.Generator], Tensor]) -> Tensor:
    """make(generator) for every seed, stacked along the seed axis 0."""
    return torch.stack([make(generator(seed, purpose, task)) for seed in seeds])
