"""Counts what Avalanche's training loop does, and stops it after exactly so many steps."""
from contextlib import ExitStack

import torch
from avalanche.training.plugins import SupervisedPlugin
from torch import Tensor

from clbench.engine.clock import Clock


class Meter(SupervisedPlugin):
    """First in the list of plugins, so that what the others do when an experience ends is counted too."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock, self.steps, self.samples = clock, 0, 0       # of the whole run
        self.losses: list[Tensor] = []                           # [1] each, of this train()
        self._counting = ExitStack()

    def start(self, limit: int) -> None:
        """The next train() takes `limit` steps."""
        self._limit, self.losses, self._samples_before = limit, [], self.samples

    def stop(self) -> None:
        """Ends a count that an error left open."""
        self._counting.close()

    def finite_steps(self) -> int:
        """The steps of this train() before the first loss that was not finite.

        Read when the task has ended, so that a GPU need not wait at every step."""
        return int(torch.cat(self.losses).isfinite().cumprod(0).sum())

    def before_training_iteration(self, strategy, **kwargs) -> None:
        if not self.losses:
            self._flops_before = self.clock.flops
            self._counting.enter_context(self.clock.count_flops())

    def after_training_iteration(self, strategy, **kwargs) -> None:
        rows = len(strategy.mb_x)
        if not self.losses:
            self._counting.close()
            self._first_rows, self._first_flops = rows, self.clock.flops - self._flops_before
        self.losses.append(strategy.loss.detach())
        self.steps += 1
        self.samples += rows
        if len(self.losses) == self._limit:
            strategy.stop_training()

    def after_training_exp(self, strategy, **kwargs) -> None:
        # By rows, not by steps: Avalanche's own loaders end a pass with a short batch.
        later_rows = self.samples - self._samples_before - self._first_rows
        self.clock.flops += self._first_flops * later_rows // self._first_rows
        self._counting.enter_context(self.clock.count_flops())

    def after_training(self, strategy, **kwargs) -> None:
        self._counting.close()
