"""Counts what Avalanche's training loop does, and stops it after exactly so many steps.

A row's own loop ends by itself."""

from contextlib import ExitStack

import torch
from avalanche.training.plugins import SupervisedPlugin
from torch import Tensor

from clbench.engine.clock import Clock


class Meter(SupervisedPlugin):
    """First in the list of plugins, so that what the others do when an experience ends is counted too.

    In our steps all cost the same by row, so one of them is counted in full. Of a row's own loop nothing is
    known: every operation of its train() is counted, and the steps and samples that it tells its plugins of.
    """

    def __init__(self, clock: Clock, own_loop: bool = False):
        super().__init__()
        self.clock, self.own_loop = clock, own_loop
        self.steps, self.samples = 0, 0  # of the whole run
        self.losses: list[Tensor] = []  # [1] each, of this train()
        self._counting = ExitStack()

    def start(self, limit: int) -> None:
        """The next train() takes `limit` steps; a loop of its own, as many as it takes."""
        self._limit, self.losses, self._samples_before = limit, [], self.samples
        if self.own_loop:
            self._counting.enter_context(self.clock.count_flops())

    def stop(self) -> None:
        """Ends a count that is still open: a loop's own, or one that an error left."""
        self._counting.close()

    def finite_steps(self) -> int:
        """The steps of this train() before the first loss that was not finite.

        Read when the task has ended, so that a GPU need not wait at every step."""
        return int(torch.cat(self.losses).isfinite().cumprod(0).sum()) if self.losses else 0

    def before_training_iteration(self, strategy, **kwargs) -> None:
        if not self.losses and not self.own_loop:
            self._flops_before = self.clock.flops
            self._counting.enter_context(self.clock.count_flops())

    def after_training_iteration(self, strategy, **kwargs) -> None:
        rows = len(strategy.mb_x)
        if not self.losses and not self.own_loop:
            self._counting.close()
            self._first_rows, self._first_flops = rows, self.clock.flops - self._flops_before
        self.losses.append(torch.as_tensor(strategy.loss).detach().reshape(1))
        self.steps += 1
        self.samples += rows
        if len(self.losses) == self._limit and not self.own_loop:
            strategy.stop_training()

    def after_training_exp(self, strategy, **kwargs) -> None:
        if self.own_loop:
            return
        # By rows, not by steps: Avalanche's own loaders end a pass with a short batch.
        later_rows = self.samples - self._samples_before - self._first_rows
        self.clock.flops += self._first_flops * later_rows // self._first_rows
        self._counting.enter_context(self.clock.count_flops())

    def after_training(self, strategy, **kwargs) -> None:
        self._counting.close()
