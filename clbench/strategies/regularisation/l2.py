"""L2 distance to the weights of the last task (Kirkpatrick et al. 2017, figure 2; Hsu et al. 2018, table 2).

    loss = CE + lam sum_i (theta_i - theta*_i)^2                                     from the second task on
theta*: the weights at the start of the task. What the importances of ewc or si are worth is what they gain
over this. Running statistics are no weights and are left out. Kept: one number a weight. Cost: nothing but
the sum.

*Differs:* as in GT-RIPL's code, Hsu's, there is no 1/2, and one anchor; in Kirkpatrick's figure it is a
comparison without further details."""

from dataclasses import dataclass

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.core.ranges import NotNegative


@dataclass
class L2(Part):
    lam: NotNegative = 0.01  # strength of the penalty
    tunes = {"lam": (1e-4, 1e4, "log")}  # of our own; Hsu et al. 2018 choose 0.01 to 100
    paper = "Kirkpatrick et al. 2017"
    keeps = "the last task's weights"
    learns_pairs = True

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.anchor = self.run.learner.theta.detach().clone()  # [S, P]
        return plan

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        if self.run.t > 0:
            weights = slice(self.run.learner.net.layout.parameters)  # buffers stand behind them
            moved = (self.run.learner.theta.detach() - self.anchor)[:, weights]
            g[:, weights].add_(moved, alpha=2 * self.lam)
        return g
