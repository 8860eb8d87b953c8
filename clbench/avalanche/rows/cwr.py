"""Avalanche's CWR*: from the second task on the output layer alone learns, from zero weights, and what it
learnt of each class is averaged with what is kept.

Differs from the paper: the body is frozen whole. Only outputs of the task's classes are kept; of all others
the weights are as they were put together before."""

from clbench.avalanche.row import Row


class CWR(Row):
    family = "architecture"
    paper = "Lomonaco et al. 2020"
    keeps = "the output weights of every class"

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.CWRStar(**common, cwr_layer_name=None)

    def extra_params(self, strategy) -> int:
        return sum(weights.size for weights in strategy.model.saved_weights.values())
