"""Avalanche's LaMAML, version 2: a step that leaves stored rows right as well, with a learning rate of its
own for every weight.

    theta' <- theta' - alpha clip(g of a part of the batch)                       n_inner_updates times
    theta  <- theta - max(0, alpha) (gradient of the mean loss of all theta' on the batch and stored rows)
    alpha  <- alpha - lr_alpha (gradient of the same for alpha)
Differs from the paper: the memory is a reservoir that is filled when a task ends. Avalanche draws the weights
anew and drops each pass's short batch; here it starts from the initial weights of all others, and takes the
same batches. A step takes some twelve times as long as Naive's."""

from dataclasses import dataclass

from clbench.avalanche.row import Row
from clbench.core.ranges import Count, NotNegative


@dataclass
class LaMAML(Row):
    memory: Count = 500  # examples kept
    batch_size_mem: Count = 10  # stored rows in a batch
    n_inner_updates: Count = 5
    lr_alpha: NotNegative = 0.25
    alpha_init: NotNegative = 0.1
    tunes = {"lr_alpha": (0.01, 1.0, "log"), "alpha_init": (0.01, 1.0, "log")}
    family = "optimisation"
    paper = "Gupta et al. 2020"
    keeps = "examples, a learning rate for every weight"

    def build(self, common: dict, stream):
        from copy import deepcopy

        from avalanche.training.supervised.lamaml_v2 import LaMAML as Strategy

        from clbench.avalanche.adapt import with_task_labels

        model = common["model"] = with_task_labels(common["model"])
        initial = deepcopy(model.state_dict())
        strategy = Strategy(
            **common,
            n_inner_updates=self.n_inner_updates,
            lr_alpha=self.lr_alpha,
            alpha_init=self.alpha_init,
            max_buffer_size=self.memory,
            buffer_mb_size=self.batch_size_mem,
        )
        model.load_state_dict(initial)
        return strategy

    def scores(self, strategy, x, t):
        return strategy.model(x, t or 0)

    def memory_items(self, strategy) -> int:
        return len(strategy.buffer)

    def extra_params(self, strategy) -> int:
        return sum(alpha.numel() for alpha in strategy.alpha_params.values())
