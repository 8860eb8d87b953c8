"""Avalanche's MemoryNCMUpdate, on Naive: the network learns as Naive's, and answers by the nearest mean of
stored examples.

    answer = argmin_c |features(x) - mean of the features of the stored examples of c|
Differs from `ncm`: the features go on learning, and the means are taken anew from the memory with every task.
Before the first task it has no answer."""

from dataclasses import dataclass

from clbench.avalanche.kept import too_small
from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class NCM(Row):
    memory: Count = 500  # examples kept, as many of every class
    family = "representation"
    paper = "Mensink et al. 2013"
    keeps = "examples and class means"
    gives_probabilities = False

    def supports(self, stream, net) -> str | None:
        if stream.scenario == "task":
            return "its features come without a task label"
        return too_small(self.memory, stream.classes, "classes")

    def build(self, common: dict, stream):
        from avalanche.models import NCMClassifier, TrainEvalModel
        from avalanche.training import supervised
        from avalanche.training.plugins import MemoryNCMUpdate

        from clbench.avalanche.adapt import body_and_head

        body, head = body_and_head(common["model"])
        common["model"] = TrainEvalModel(body, head, NCMClassifier())
        common["plugins"].append(MemoryNCMUpdate(mem_size=self.memory))
        return supervised.Naive(**common)

    def scores(self, strategy, x, t):
        from clbench.avalanche.adapt import by_means

        return by_means(strategy, x)

    def memory_items(self, strategy) -> int:
        return len(plugin_with(strategy, "storage_policy").storage_policy.buffer)
