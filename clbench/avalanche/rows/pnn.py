"""Avalanche's PNN: a column of layers for every task, which reads those of earlier tasks through adapters.

Its network is its own: two hidden layers as wide as the benchmark's perceptron's first for every task, drawn
when the task comes. Differs from `progressive`: the adapters scale what they read, and columns are as wide as
the whole network. Before a task has been learnt there is no answer for it."""

from clbench.avalanche.kept import numbers_of
from clbench.avalanche.row import Row


class PNN(Row):
    family = "architecture"
    native = "progressive"
    paper = "Rusu et al. 2016"
    keeps = "a column of weights for every task"
    needs_task_label = True
    grows = "a column and its adapters for every task"

    def supports(self, stream, net) -> str | None:
        if stream.scenario != "task":
            return "needs the task label at test time"
        if not net.kind.endswith("mlp"):
            return f"its columns are of linear layers, and the network is {net}"
        if not net.layout.shapes.keys() - net.layout.head:
            return "its columns are of hidden layers, and this network has none"
        return None

    def build(self, common: dict, stream):
        from avalanche.models import PNN as Columns
        from avalanche.training import supervised
        from torch import nn

        plain = common["model"]
        first, *others = (layer for layer in plain.modules() if isinstance(layer, nn.Linear))
        self.plain = numbers_of(plain)
        model = Columns(len(others), first.in_features, first.out_features).to(common["device"])
        common["model"] = model
        group = common["optimizer"].defaults
        common["optimizer"] = type(common["optimizer"])(model.parameters(), **group)
        return supervised.PNNStrategy(**common)

    def scores(self, strategy, x, t):
        return strategy.model(x, t) if t in strategy.model.layers[0].task_to_module_idx else None

    def extra_params(self, strategy) -> int:
        return max(0, numbers_of(strategy.model) - self.plain)
