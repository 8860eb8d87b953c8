"""Avalanche's iCaRL: examples chosen by herding, distillation by binary losses, answers by the nearest mean.

Differs from `icarl`: the stored examples join the task's data, so that a batch holds few of them; the means
are of normalised features, each normalised anew; herding is of at most 1000 rounds.

Shim: Avalanche reads the classes of every task from a benchmark of its older kind, which is put beside the
task. Before the first task it has no answer."""

from dataclasses import dataclass
from types import SimpleNamespace

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import Count


@dataclass
class ICaRL(Row):
    memory: Count = 500  # examples kept, as many of every class
    family = "replay"
    small = {"memory": 50}
    paper = "Rebuffi et al. 2017"
    keeps = "examples and class means"
    shim = "the classes of all tasks stand beside the task, as Avalanche's older benchmarks have them"
    gives_probabilities = False

    def supports(self, stream, net) -> str | None:
        if stream.scenario != "class":
            return "it has one head, whose classes come task by task"
        if self.memory < stream.classes:
            return f"memory={self.memory} is smaller than the number of classes, {stream.classes}"
        if sum(int(task.classes.sum()) for task in stream.tasks) > stream.classes:
            return "it knows every class from one task alone; here a class comes back"
        return None

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        from clbench.avalanche.adapt import body_and_head

        body, head = body_and_head(common.pop("model"))
        common.pop("criterion")
        return supervised.ICaRL(
            feature_extractor=body,
            classifier=head,
            memory_size=self.memory,
            buffer_transform=None,
            fixed_memory=True,
            **common,
        )

    def adapt(self, experience, stream) -> None:
        classes = [task.classes.nonzero().flatten().tolist() for task in stream.tasks]
        experience.benchmark = SimpleNamespace(
            n_classes_per_exp=[len(own) for own in classes], classes_order=sum(classes, [])
        )

    def scores(self, strategy, x, t):
        if not plugin_with(strategy, "class_means").class_means:
            return None
        return super().scores(strategy, x, t)

    def memory_items(self, strategy) -> int:
        return sum(map(len, plugin_with(strategy, "x_memory").x_memory))
