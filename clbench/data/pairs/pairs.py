"""Dated pairs, cut into slices: what every source of them ends as."""
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

MOST_OF_MEMORY = 0.5             # of what is free: larger arrays stay where they are, mapped or in main memory


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows and slices of them. Arrays as they are stored, or tensors once they are on a device."""

    left: np.ndarray | Tensor            # [n, d] uint8: images (height, width, channels) flattened; or [n, L] int64: words
    right: np.ndarray | Tensor           # [n, L] int64: words
    group: np.ndarray | Tensor           # [n] int64: equal where pairs share their image or their text
    train: tuple[np.ndarray, ...]        # rows by slice
    test: tuple[np.ndarray, ...]
    names: tuple[str, ...]               # of the slices
    shape: tuple[int, int, int] | None   # of an image; None where left holds words
    fingerprint: str
    skipped: dict[str, int]              # rows left out, by reason
    notes: tuple[str, ...] = ()          # what a reader of the results should know
    accepted: str | None = None          # as `Images` has it; nobody publishes sums of these

    def validation(self) -> "Pairs":
        """Every tenth training pair of a slice in place of its test pairs."""
        held = [rows[np.arange(len(rows)) % 10 == 9] for rows in self.train]
        count = min(map(len, held))
        return replace(self, train=tuple(rows[np.arange(len(rows)) % 10 != 9] for rows in self.train),
                       test=tuple(rows[:count] for rows in held))

    def to(self, device: torch.device) -> "Pairs":
        """The arrays as tensors there, as far as they fit; a batch is gathered from wherever its table is."""
        return replace(self, left=_moved(self.left, device), right=_moved(self.right, device), group=_moved(self.group, device))


def _moved(array: np.ndarray, device: torch.device) -> Tensor:
    if array.nbytes > MOST_OF_MEMORY * _free(device):
        return torch.from_numpy(array if array.flags.writeable else array.view(np.ndarray))
    return torch.from_numpy(np.array(array)).to(device)


def _free(device: torch.device) -> int:
    """Bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available
