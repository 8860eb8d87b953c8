"""The trace of an Avalanche row. It has no plan and no `fit`: it is the real run with a few steps a task, on
a few hundred of the task's examples, since some strategies walk through all of them when a task ends."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from clbench.avalanche.single import SingleRun
from clbench.execution.trace import FIRST, LAST, ROWS, Log, fewer_test_rows

if TYPE_CHECKING:
    from clbench.streams.stream import Stream


def single_trace(log: Log, whole: bool) -> type[SingleRun]:
    """SingleRun, with what it does noted in the log."""

    class SingleTrace(SingleRun):
        def __init__(self, stream: "Stream", *others: Any) -> None:
            if not whole:
                stream.tasks = [
                    replace(task, train=task.train[:: max(1, len(task.train) // (10 * ROWS))])
                    for task in stream.tasks
                ]
            super().__init__(stream, *others)
            log.note("initial weights", self.theta)

        @property
        def steps(self) -> int:
            steps = self.budget.steps if whole else min(FIRST + LAST, self.budget.steps)
            return steps * (self.t + 1 if self.row.retrains else 1)

        def learn(self) -> None:
            log.where = f"task {self.t + 1}"
            super().learn()
            log.note("losses", *self.meter.losses)
            log.note("weights", *self.strategy.model.state_dict().values())

        def evaluate(self) -> Tensor:
            row = self.t + 1 if self.meter.steps else 0
            log.where = f"row {row} of the scores"
            with fewer_test_rows(self.stream, row, whole):
                scores = super().evaluate()
            log.note("scores", scores)
            return scores

    return SingleTrace
