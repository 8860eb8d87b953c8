"""Cumulative training: keep the weights, train on all data seen so far.

theta_k = train(theta_{k-1}, D_1 u ... u D_k)
*Differs:* where the task is known, van de Ven & Tolias 2018 and 2019 draw as many rows of every task so far,
`rows="tasks"`."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from clbench.core.part import Part


@dataclass
class Cumulative(Part):
    budget: Literal["equal", "seen"] = "equal"  # steps at task k: N, or k N
    rows: Literal["data", "tasks"] = "data"  # of a batch: drawn from all data, or as many of every task
    keeps = "all data"
    sees_all_data = learns_pairs = True

    def choose_samples(self, t: int) -> Tensor:
        if self.rows == "tasks":
            return self.of_every_task(t)
        times = t + 1 if self.budget == "seen" else 1
        return self.run.shuffled(self.run.seen(), steps=times * self.run.steps)

    def of_every_task(self, t: int) -> Tensor:
        """[steps, S, rows, 2]"""
        run, each = self.run, -(-self.run.rows // (t + 1))
        steps = run.steps * (t + 1 if self.budget == "seen" else 1)
        tasks = enumerate(run.stream.tasks[: t + 1])
        return torch.cat([run.shuffled(task.train, each, steps, f"batches {k}") for k, task in tasks], 2)
