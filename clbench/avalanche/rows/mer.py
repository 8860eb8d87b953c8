"""Avalanche's MER: one step for every row of a batch and of stored rows, then back most of the way.

    theta <- theta_0 + gamma (theta' - theta_0),    theta': after inner passes, each shortened by beta
Differs from the paper: stored rows are drawn from a reservoir that is filled when a task ends. A step of ours
is a batch of it, with one update for every row: it takes some thirty times as long as Naive's."""

from dataclasses import dataclass

from clbench.avalanche.row import Row
from clbench.core.ranges import Count, Share


@dataclass
class MER(Row):
    memory: Count = 500  # examples kept
    batch_size_mem: Count = 10  # stored rows in a batch
    n_inner_steps: Count = 1  # Avalanche's default, 5, takes five times as long
    beta: Share = 0.1
    gamma: Share = 0.1
    tunes = {"beta": (0.01, 1.0, "log"), "gamma": (0.01, 1.0, "log")}
    family = "replay"
    paper = "Riemer et al. 2019"
    keeps = "examples"

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.MER(
            **common,
            mem_size=self.memory,
            batch_size_mem=self.batch_size_mem,
            n_inner_steps=self.n_inner_steps,
            beta=self.beta,
            gamma=self.gamma,
        )

    def memory_items(self, strategy) -> int:
        return len(strategy.buffer)
