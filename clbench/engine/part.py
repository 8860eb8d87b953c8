"""Part: the hooks of a strategy. `losses` sees one seed; every other hook sees the whole group, seed axis first."""
from torch import Tensor

from clbench.stream import Batch, Budget


class Part:
    """One building block of a strategy; `a+b` runs the hooks of both, in this order. Override what the paper needs.

    When a hook is called `self.run` is the run (see `clbench.engine.run.Run`), with `run.learner`, `run.stream`, `run.t`.
    """

    learns_pairs = False                     # makes sense for pairs, whose loss is of a batch and not of a row
    sees_all_data = False                    # may read data of other tasks that it has not stored
    stored: Tensor | None = None             # [S, M, 2] (task, index) pairs that it keeps

    def supports(self, stream, net) -> str | None:
        """None, or the reason why this strategy cannot learn this stream with this network."""

    def extra_cost(self, t: int) -> float:
        """What a step of task t takes beyond its batch's own pass forward and back, in such passes; forward alone is 1/3.
        Where compute is fixed (`Budget.fixed_compute`) it is paid in steps; a part with `extra_cost = None` is refused there."""
        return 0.0

    def start(self, run) -> None:
        """Once, before row 0. May replace run.learner (another network) and run.data_losses (another data term)."""

    def before_task(self, t: int, plan: Batch) -> Batch:
        """The plan of task t: all its batches, drawn before the first step. Anchors, teachers, freezing."""
        return plan

    def batch(self, batch: Batch) -> Batch:
        """The batch of this step: append rows, add targets."""
        return batch

    def losses(self, out: Tensor, batch: Batch) -> Tensor | None:
        """One seed: a term [n] for the first n rows, as printed in the paper; the loss is the weighted sum over rows."""
        return None

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        """g [S, P]: add a penalty's gradient, project, rescale; may be changed in place."""
        return g

    def after_step(self, batch: Batch) -> None:
        """batch.out [S, B, C] and batch.loss [S] now hold what the forward pass gave. What is kept is written in place."""

    def after_task(self, t: int) -> None:
        """Consolidate: Fisher, herding, pruning; may train again with run.fit(plan)."""

    predict = None                           # predict(x, t) -> scores [S, n, C] at evaluation; t is None unless known


def refusal(part, stream, net, budget: Budget) -> str | None:
    """None, or the reason why this part (or Avalanche row) cannot learn this stream with this network, this budget."""
    if stream.scenario == "pairs" and not getattr(part, "learns_pairs", False):
        return "is defined for class labels; this stream has pairs"
    if budget.fixed_compute and part.extra_cost is None:
        return "what it does besides its steps is not known, so with fixed_compute it cannot be paid from them"
    return part.supports(stream, net)
