"""Joint training: at task k a fresh network learns all data of tasks 1..k in k N steps. The retraining
reference.

    theta_k = train(theta_0, D_1 u ... u D_k, k N steps)
The initial weights are those of row 0, so its first task is the naive one bit for bit."""

from torch import Tensor

from clbench.core.part import Part


class Joint(Part):
    keeps = "all data"
    retrains = sees_all_data = learns_pairs = True

    def choose_samples(self, t: int) -> Tensor:
        return self.run.shuffled(self.run.seen(), steps=self.steps(t, self.run.steps))

    def steps(self, t: int, N: int) -> int | None:
        """None: as the budget says, which counts passes over the data."""
        return None if self.run.budget.epochs else (t + 1) * N
