"""Evaluates all evaluation slices of a stream; the engine does so before the first and after every task."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from clbench.core.pytree import Tree, tree_cat, tree_map

if TYPE_CHECKING:
    from clbench.streams.stream import Stream

ROWS = 1000  # of a slice at a time: enough to be fast, few enough not to matter in memory


@torch.no_grad()
def evaluate(stream: "Stream", predict: Callable[[Tree, int | None], Tree]) -> Tensor:
    """The K measures of the stream on every evaluation slice, seen or not: [S, E, K].

    predict(x [S, n, d], t) gives the outputs [S, n, C]. t is the task of the slice in task-incremental
    streams, and None in all others.
    """

    def for_all_seeds(x: Tensor) -> Tensor:
        return x.expand(len(stream.seeds), *x.shape[1:])

    columns = []
    for j, task in enumerate(stream.tasks):
        t = j if stream.scenario == "task" else None
        outputs = []
        for start in range(0, len(task.test), ROWS):
            x = tree_map(for_all_seeds, stream.test(j, slice(start, start + ROWS)))
            outputs.append(predict(x, t))
        columns.append(stream.score(j, tree_cat(outputs, 1)))
    return torch.stack(columns, 1)
