"""Cumulative training: keep the weights, train on all data seen so far.

theta_k = train(theta_{k-1}, D_1 u ... u D_k)
*Differs:* where the task is known, van de Ven & Tolias 2018 and 2019 draw as many rows of every task so far,
`rows="tasks"`."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from clbench.core.part import Part
from clbench.strategies.parts.mixing import of_every_task


@dataclass
class Cumulative(Part):
    budget: Literal["equal", "seen"] = "equal"  # steps at task k: N, or k N
    rows: Literal["data", "tasks"] = "data"  # of a batch: drawn from all data, or as many of every task
    keeps = "all data"
    sees_all_data = learns_pairs = True

    def choose_samples(self, t: int) -> Tensor:
        run, times = self.run, t + 1 if self.budget == "seen" else 1
        if self.rows == "tasks":
            tasks = [task.train for task in run.stream.tasks[: t + 1]]
            return of_every_task(run, tasks, run.rows, times * run.steps, "batches")
        return run.shuffled(run.seen(), steps=times * run.steps)
