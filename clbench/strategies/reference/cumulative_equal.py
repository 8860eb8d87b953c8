"""Cumulative-Equal (TiC-CLIP: Garg et al. 2024): keep the weights, train on the new data and as much old,
equally of each task.

    theta_k = train(theta_{k-1}, D_k u |D_k| / (k - 1) examples of each of D_1 .. D_{k-1})
What is kept of a task is the beginning of one fixed order, so an example that was dropped never comes
back. Steps walk old and new data in reshuffled passes over both together."""

import torch
from torch import Tensor

from clbench.core.part import Part, Run


class CumulativeEqual(Part):
    paper = "Garg et al. 2024"
    keeps = "as much old data as new"
    sees_all_data = learns_pairs = True

    def start(self, run: Run) -> None:
        self.orders: list[Tensor] = []  # [S, n, 2] each

    def choose_samples(self, t: int) -> Tensor:
        train, S = self.run.stream.tasks[t].train, self.run.S
        self.orders.append(self.run.subset(train, len(train), "kept"))
        kept = [
            order[:, :share] for order, share in zip(self.orders, self.shares(t, len(train)), strict=False)
        ]
        return self.run.shuffled(torch.cat([train.expand(S, -1, 2), *kept], 1))

    def shares(self, t: int, n: int) -> list[int]:
        """How many examples of each task before t are used beside n new ones."""
        return [n // t for _ in range(t)]
