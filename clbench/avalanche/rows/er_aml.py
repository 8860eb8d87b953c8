"""Avalanche's ER-AML: new rows learn by a contrastive loss with rows of the memory, stored rows by the plain
one.

Differs from the paper: the memory is filled before a task is trained, from all of its data. Where a class has
fewer stored rows than a batch, Avalanche waits for ever, so that is refused."""

from dataclasses import dataclass

from clbench.avalanche.row import Row
from clbench.core.ranges import Count, Positive


@dataclass
class ERAML(Row):
    memory: Count = 500  # examples kept, as many of every class
    batch_size_mem: Count = 10  # examples replayed
    temp: Positive = 0.1
    base_temp: Positive = 0.07
    tunes = {"temp": (0.01, 1.0, "log")}
    family = "replay"
    paper = "Caccia et al. 2022"
    keeps = "examples"

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "the features that it compares come without a task label"
        return None

    def refuses(self, stream, budget) -> str | None:
        of_class = self.memory // stream.classes
        if of_class < budget.rows:
            return (
                f"memory={self.memory} holds {of_class} rows of a class, fewer than a batch of "
                f"{budget.rows}: Avalanche would wait for ever"
            )
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        from clbench.avalanche.adapt import WithFeatures

        model = common["model"] = WithFeatures(common["model"])
        return supervised.ER_AML(
            **common,
            feature_extractor=model.body,
            temp=self.temp,
            base_temp=self.base_temp,
            mem_size=self.memory,
            batch_size_mem=self.batch_size_mem,
        )

    def memory_items(self, strategy) -> int:
        return len(strategy.storage_policy.buffer)
