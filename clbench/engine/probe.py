"""A probe looks into a task: accuracy of each task seen so far on a few fixed test rows, after 1, 2, 4, 8, …
steps since the switch and at the task's end (De Lange et al. 2023 look after every step)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from clbench.core.keyed import generator
from clbench.engine.evaluate import evaluate
from clbench.engine.look import Look

if TYPE_CHECKING:
    from clbench.engine.run import Run
    from clbench.streams.stream import Stream


class Probe(Look):
    """Measures a run in between; what that takes is part of no other figure."""

    name, ours_only = "probe", True

    def __init__(self, stream: "Stream", rows: int) -> None:
        """rows: of each slice, the same for every seed, drawn once."""
        self.tests = []
        for j, task in enumerate(stream.tasks):
            order = torch.randperm(len(task.test), generator=generator(0, "probe", j))[:rows]
            self.tests.append(task.test[order.sort().values.to(task.test.device)])
        self.points: list[tuple[int, int]] = []  # (task from 1, steps of the run)
        self.scores: list[Tensor] = []  # of each point, [S, E] with NaN for tasks to come
        self.switched = 0  # steps of the run at the last switch

    def after_step(self, run: "Run") -> None:
        since = run.updates - self.switched
        if since & (since - 1) == 0:  # a power of two
            self.measure(run)

    def after_task(self, run: "Run") -> None:
        if not self.points or self.points[-1] != (run.t + 1, run.updates):
            self.measure(run)
        self.switched = run.updates

    def measure(self, run: "Run") -> None:
        with run.clock.apart("probe_s"), run.clock.uncounted(), self.few_rows(run.stream, run.t + 1):
            scores = evaluate(run.stream, run.scores)[..., 0]
        missing = scores.new_full((run.S, len(self.tests) - scores.shape[1]), torch.nan)
        self.points.append((run.t + 1, run.updates))
        self.scores.append(torch.cat([scores, missing], 1).masked_fill(~run.alive.view(-1, 1), torch.nan))

    @contextmanager
    def few_rows(self, stream: "Stream", seen: int) -> Iterator[None]:
        """Within the block the stream has the tasks seen so far, with the probe's rows to test on."""
        tasks = stream.tasks
        few = zip(tasks[:seen], self.tests, strict=False)
        stream.tasks = [replace(task, test=test) for task, test in few]
        try:
            yield
        finally:
            stream.tasks = tasks

    def arrays(self) -> dict[str, Tensor]:
        """By name, on the CPU: probe [S, K, E], the accuracy at each of K points; probe_task and probe_step
        [S, K], which those are."""
        scores = torch.stack(self.scores, 1).cpu()
        task, step = torch.tensor(self.points).expand(len(scores), -1, 2).unbind(-1)
        return {"probe": scores.float(), "probe_task": task, "probe_step": step}
