"""What a prediction costs once all tasks are learnt: FLOPs, and milliseconds alone and in a batch."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import torch

from clbench.core.pytree import Tree, tree_leaves, tree_map
from clbench.engine.clock import Clock
from clbench.engine.flops import FlopCounter

if TYPE_CHECKING:
    from clbench.streams.stream import Stream

BATCH = 128
LEAST, MOST = 3, 20  # rounds, of which the median counts
SHARE = 0.005  # of the run's own time, which further rounds take at most


@torch.no_grad()
def cost_of_predictions(
    stream: "Stream", scores: Callable[[Tree, int | None], Tree], clock: Clock
) -> dict[str, float]:
    """By the names of the cost sheet, for all S seeds together, which are predicted for at once; S times what
    one of them takes alone where they share nothing, and less on a GPU. For an example of the first slice."""
    S, t = len(stream.seeds), 0 if stream.scenario == "task" else None
    allowed = SHARE * sum(clock.seconds.values())
    sheet: dict[str, float] = {}
    for name, rows in (("predict_ms", 1), ("predict_batch_ms", BATCH)):
        x = tree_map(lambda one: one.expand(S, *one.shape[1:]), stream.test(0, slice(0, rows)))
        count = tree_leaves(x)[0].shape[1]
        with FlopCounter() as counter:  # also warms up
            scores(x, t)
        if rows == 1:
            sheet["predict_flops"] = float(counter.flops)
        sheet[name] = 1000 * _seconds(partial(scores, x, t), clock, allowed / 2) / count
    return sheet


def _seconds(call: Callable[[], Tree], clock: Clock, allowed: float) -> float:
    taken: list[float] = []
    while len(taken) < LEAST or (len(taken) < MOST and sum(taken) < allowed):
        clock.wait()
        start = time.perf_counter()
        call()
        clock.wait()
        taken.append(time.perf_counter() - start)
    return median(taken)
