"""Avalanche's RARPlugin, on Naive: stored examples are replayed, and again moved towards new ones that they
might be taken for.

    loss = CE of new and stored rows + beta_coef CE of stored rows moved by at most epsilon
Inputs stay within 0 … 1 when they are moved, whatever the data's range is. A step takes some thirty times as
long as Naive's: it copies the network and traces it anew."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count, NotNegative


@dataclass
class RAR(Row):
    memory: Count = 500  # examples kept
    batch_size_mem: Count = 10  # stored rows in a batch
    beta_coef: NotNegative = 0.4
    epsilon: NotNegative = 0.0314
    tunes = {"beta_coef": (0.0, 1.0, "linear")}
    family = "replay"
    paper = "Kumari et al. 2022"
    keeps = "examples"
    order = "own"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "it calls the network without a task label"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised
        from avalanche.training.plugins import RARPlugin

        common["plugins"].append(
            RARPlugin(self.batch_size_mem, self.memory, beta_coef=self.beta_coef, epsilon_fgsm=self.epsilon)
        )
        return supervised.Naive(**common)

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)
