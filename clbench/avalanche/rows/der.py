"""Avalanche's DER: stored examples are replayed with the outputs that the network gave for them.

    loss = CE + alpha mean (h - z)^2 over stored rows with outputs z
Differs from the paper and `der`: z is stored once, when the task ends, from evaluation mode; the mean is over
outputs too; and nothing is replayed while the memory holds fewer examples than a batch of it."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row
from clbench.core.ranges import Count, NotNegative


@dataclass
class DER(Row):
    memory: Count = 500  # examples kept, as many of every class
    alpha: NotNegative = 0.1
    tunes = {"alpha": (0.1, 1.0, "log")}
    family = "replay"
    paper = "Buzzega et al. 2020"
    keeps = "examples and their outputs"
    beta = 0.0  # of the stored labels

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "it calls the network without a task label"
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.DER(**common, mem_size=self.memory, alpha=self.alpha, beta=self.beta)

    def memory_items(self, strategy) -> int:
        return len(strategy.storage_policy.buffer)

    def extra_params(self, strategy) -> int:
        classes = len(strategy.storage_policy.buffer[0][3]) if self.memory_items(strategy) else 0
        return self.memory_items(strategy) * classes
