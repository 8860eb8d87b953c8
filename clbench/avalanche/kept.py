"""What rows keep: whether there is room for it, and how much it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def too_small(memory: int, needed: int, of: str) -> str | None:
    """None, or the reason why a memory does not hold one example of each task or class."""
    return f"memory={memory} is smaller than the number of {of}, {needed}" if memory < needed else None


def numbers_of(network: nn.Module | None) -> int:
    """The parameters of a network; none without one."""
    return sum(parameter.numel() for parameter in network.parameters()) if network else 0
