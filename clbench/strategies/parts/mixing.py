"""How the rows of several tasks come together in batches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from clbench.core.part import Run


def of_every_task(run: Run, tasks: Sequence[Tensor], rows: int, steps: int, purpose: str) -> Tensor:
    """[steps, S, about rows, 2]: as many of each task's samples, [n, 2] or [S, n, 2], in passes over them."""
    each = -(-rows // len(tasks))
    drawn = [
        run.shuffled(own, min(each, own.shape[-2]), steps, f"{purpose} {k}") for k, own in enumerate(tasks)
    ]
    return torch.cat(drawn, 2)


def of_one_pool(run: Run, new: Tensor, stored: Tensor | None, size: int) -> Tensor:
    """[steps, S, rows, 2]: passes over new samples [n, 2] and those of a memory [S, M, 2] of this size, which
    is repeated until it is about as large."""
    pool = new.expand(run.S, -1, 2)
    if stored is not None:
        pool = torch.cat([pool, stored.repeat(1, max(1, len(new) // size), 1)], 1)
    return run.shuffled(pool)


def weights_by_task(t: int, new: int, stored: int) -> Tensor:
    """[new + stored]: in task t = 0, 1, … the new rows together weigh 1 / (t + 1), the stored ones the
    rest."""
    share = 1 / (t + 1)
    return torch.cat([torch.full((new,), share / new), torch.full((stored,), (1 - share) / stored)])
