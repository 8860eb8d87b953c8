"""Evaluates all evaluation slices of a stream; the engine does so before the first and after every task."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.core.pytree import Tree, tree_cat, tree_map

if TYPE_CHECKING:
    from clbench.streams.stream import Answers, Stream

ROWS = 1000  # of a slice at a time: enough to be fast, few enough not to matter in memory


@torch.no_grad()
def evaluate(
    stream: "Stream",
    predict: Callable[[Tree, int | None], Tree],
    look: Callable[[list["Answers"], list[Tree]], None] | None = None,
) -> Tensor:
    """The K measures of the stream on every evaluation slice, seen or not: [S, E, K].

    predict(x [S, n, d], t) gives the outputs [S, n, C]. t is the task of the slice in task-incremental
    streams, and None in all others. look: called with the answers on all slices, where the stream gives them,
    and with the outputs that they come from.
    """

    def for_all_seeds(x: Tensor) -> Tensor:
        return x.expand(len(stream.seeds), *x.shape[1:])

    columns, answers, all_outputs = [], [], []
    says_more: Any = stream if look is not None and hasattr(stream, "answers") else None  # see `OfAnswers`
    for j, task in enumerate(stream.tasks):
        t = j if stream.scenario == "task" else None
        outputs = []
        for start in range(0, len(task.test), ROWS):
            x = tree_map(for_all_seeds, stream.test(j, slice(start, start + ROWS)))
            outputs.append(predict(x, t))
        scores = tree_cat(outputs, 1)
        if says_more:
            answers.append(says_more.answers(j, scores))
            all_outputs.append(scores)
            columns.append(answers[-1].measures)
        else:
            columns.append(stream.score(j, scores))
    if look is not None and answers:
        look(answers, all_outputs)
    return torch.stack(columns, 1)
