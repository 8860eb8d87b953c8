"""Every slice after every task."""
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from clbench.core.pytree import Tree, tree_cat, tree_map

if TYPE_CHECKING:
    from clbench.streams.stream import Stream

ROWS = 1000          # a chunk of a slice: large enough to be fast, small enough not to matter in memory


@torch.no_grad()
def evaluate(stream: "Stream", predict: Callable[[Tree, int | None], Tree]) -> Tensor:
    """Scores [S, E, K] of `predict(x [S, n, d], t) -> scores [S, n, C]` on every evaluation slice, seen or not.

    Only task-incremental evaluation tells which task a slice is; otherwise t is None.
    """
    columns = []
    for j, task in enumerate(stream.tasks):
        scores = []
        for start in range(0, len(task.test), ROWS):
            x = tree_map(lambda x: x.expand(len(stream.seeds), *x.shape[1:]), stream.test(j, slice(start, start + ROWS)))
            scores.append(predict(x, j if stream.scenario == "task" else None))
        columns.append(stream.score(j, tree_cat(scores, 1)))
    return torch.stack(columns, 1)
