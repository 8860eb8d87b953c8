"""Streams of pairs in time: slices instead of tasks, a loss between the pairs of a batch, recall instead of
accuracy."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.data.pairs.pairs import Pairs
from clbench.streams.stream import Answers, Task

RIGHT = 1e4  # what is taken from the score of another right answer, so that it leaves the denominator


def info_nce(out: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
    """The data term of pairs, [B]: symmetric InfoNCE (Radford et al. 2021), each pair's mean of both
    directions.

        -1/2 log softmax_j(s_ij)[i] - 1/2 log softmax_j(s_ji)[i]        s_ij: score of left i with right j
    Pairs of one group are right answers for each other and leave each other's denominators. It is a loss of
    the batch: what a pair contributes depends on the pairs beside it.
    """
    left, right = out
    others = (batch.y.unsqueeze(0) == batch.y.unsqueeze(1)) & ~torch.eye(
        len(batch.y), dtype=torch.bool, device=left.device
    )
    scores = left @ right.mT - RIGHT * others
    diagonal = scores.diagonal()
    return 0.5 * (scores.logsumexp(1) + scores.logsumexp(0)) - diagonal


class PairStream:
    """Resident pairs, their slices in order. What the engine asks of a stream, see
    `clbench.streams.stream.Stream`."""

    scenario = "pairs"
    losses = staticmethod(info_nce)
    measures: tuple[str, ...] = (
        "acc",
        "r1_left_right",
        "r1_right_left",
        "r5",
    )  # acc: mean of recall@1 in both directions
    classes = 0
    views: Tensor | None = None

    def __init__(self, pairs: Pairs, seeds: Sequence[int]) -> None:
        assert isinstance(pairs.group, Tensor), "a stream is made of pairs on a device: pairs.to(device)"
        self.pairs, self.seeds, self.device = pairs, list(seeds), pairs.group.device
        self.tasks: list[Task] = []
        none = torch.zeros(0, dtype=torch.bool, device=self.device)
        for t, (train, test) in enumerate(zip(pairs.train, pairs.test, strict=True)):
            index, held = (torch.as_tensor(rows, device=self.device) for rows in (train, test))
            self.tasks.append(Task(torch.stack([torch.full_like(index, t), index], -1), held, none))

    def only(self, s: int) -> "PairStream":
        raise NotImplementedError("Avalanche's strategies need class labels")

    @property
    def example_bytes(self) -> int:
        """Of a training pair as it is stored: both sides."""
        return self.pairs.left[0].nbytes + self.pairs.right[0].nbytes

    def gather(self, samples: Tensor) -> Batch:
        """The batch of these (slice, index) pairs [S, n, 2]; y are the groups."""
        task, index = samples.unbind(-1)
        return Batch(
            samples=samples,
            x=self._both(index),
            y=self._rows(self.pairs.group, index),
            task=task,
            weight=torch.full(index.shape, 1 / index.shape[-1], device=self.device),
        )

    def labels(self, samples: Tensor) -> Tensor:
        """The groups [...] of these pairs [..., 2]."""
        return self._rows(self.pairs.group, samples[..., 1])

    def heads(self, t: int) -> list[Callable[[tuple[Tensor, Tensor]], Tensor]]:
        """What competes in one softmax: each side's scores [n, n] with the other's. None before the second
        slice."""
        return [lambda out: out[0] @ out[1].mT, lambda out: out[1] @ out[0].mT] if t else []

    def words_of(self, t: int, buckets: int) -> Tensor:
        """[buckets] bool: the words of slice t's training texts."""
        there, rows = torch.zeros(buckets, dtype=torch.bool, device=self.device), self.tasks[t].train[:, 1]
        for side in (self.pairs.right, *([] if self.pairs.shape else [self.pairs.left])):
            there[self._rows(side, rows).flatten()] = True
        return there

    def test(self, j: int, part: slice) -> tuple[Tensor, Tensor]:
        """The pairs of (a part of) evaluation slice j, [1, m, ...] each."""
        return self._both(self.tasks[j].test[part].unsqueeze(0))

    def score(self, j: int, out: tuple[Tensor, Tensor]) -> Tensor:
        """The measures [S, 4], see `answers`."""
        return self.answers(j, out).measures

    def answers(self, j: int, out: tuple[Tensor, Tensor]) -> Answers:
        """Of embeddings [S, m, h] of the whole slice j, ranked among its own pairs.

        The rank of the right answer is the number of scores at least as large, so ties count as wrong: an
        encoder that gives the same for all has a recall of 0.
        """
        left, right = out
        scores = left.double() @ right.double().mT  # [S, m, m]
        own = scores.diagonal(dim1=-2, dim2=-1)
        ranks = torch.stack(
            [(scores >= own.unsqueeze(2)).sum(2), (scores >= own.unsqueeze(1)).sum(1)]
        )  # [2, S, m]
        first, five = ((ranks <= k).double().mean(-1) for k in (1, 5))  # [2, S]
        return Answers(torch.stack([first.mean(0), *first, five.mean(0)], -1), ranks[0] <= 1)

    def _both(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self._rows(self.pairs.left, index), self._rows(self.pairs.right, index)

    def _rows(self, table: np.ndarray | Tensor, index: Tensor) -> Tensor:
        """table[index] on the stream's device, wherever the table is."""
        assert isinstance(table, Tensor)
        rows: Tensor = (
            table.index_select(0, index.flatten().to(table.device)).to(self.device).unflatten(0, index.shape)
        )
        return rows


def budget(steps: int, rows: int = 128) -> Budget:
    """TiC-CLIP's recipe at the size of small towers: a new optimiser and schedule at every slice, fixed
    compute."""
    return Budget(
        steps=steps,
        rows=rows,
        optimiser="adamw",
        lr=2e-3,
        weight_decay=0.05,
        beta2=0.98,
        warm_up=0.1,
        optimiser_state="reset",
        fixed_compute=True,
    )
