"""Pairs: dated pairs cut into slices, the form in which every source of pairs hands them to a stream."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

MOST_OF_MEMORY = 0.5  # share of the free memory; a larger array stays in main memory or on disk


@dataclass(frozen=True, eq=False)
class Pairs:
    """The rows of all pairs and the slices that they belong to.

    Arrays are as the cache stores them, and tensors once they are on a device.
    """

    left: np.ndarray | Tensor  # images [n, height * width * channels] uint8, or words [n, L] int64
    right: np.ndarray | Tensor  # words [n, L] int64
    group: np.ndarray | Tensor  # [n] int64: equal where pairs share their image or their text
    train: tuple[np.ndarray, ...]  # rows of the training pairs, by slice
    test: tuple[np.ndarray, ...]  # rows of the test pairs, by slice
    names: tuple[str, ...]  # of the slices
    shape: tuple[int, int, int] | None  # (height, width, channels) of an image; None where left holds words
    fingerprint: str
    skipped: dict[str, int]  # number of rows left out, by reason
    notes: tuple[str, ...] = ()  # what a reader of the results should know
    accepted: str | None = None  # as in `Images`; always None, for nobody publishes sums of these

    def validation(self) -> "Pairs":
        """The same with every tenth training pair of a slice in place of its test pairs."""
        held = [rows[np.arange(len(rows)) % 10 == 9] for rows in self.train]
        rest = [rows[np.arange(len(rows)) % 10 != 9] for rows in self.train]
        count = min(map(len, held))
        return replace(self, train=tuple(rest), test=tuple(rows[:count] for rows in held))

    def to(self, device: torch.device) -> "Pairs":
        """The same with tensors, on the device if they fit; batches are gathered from wherever they are."""
        return replace(
            self,
            left=_to_tensor(self.left, device),
            right=_to_tensor(self.right, device),
            group=_to_tensor(self.group, device),
        )


def _to_tensor(array: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """The array as a tensor on the device; where it is, if it would fill too much of the device's memory."""
    if isinstance(array, Tensor):
        return array.to(device)
    if array.nbytes > MOST_OF_MEMORY * _free_bytes(device):
        return torch.from_numpy(array if array.flags.writeable else array.view(np.ndarray))
    return torch.from_numpy(np.array(array)).to(device)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available
