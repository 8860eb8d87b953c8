"""Deep streaming linear discriminant analysis, SLDA (Hayes & Kanan 2020, equations 1 to 4).

    answer: argmax_c  w_c' f(x) - w_c' mu_c / 2        w_c = ((1 - eps) Sigma + eps I)^-1 mu_c
    Sigma = (G - sum_c n_c mu_c mu_c') / n             the covariance within classes
Kept: sums over all examples, see `clbench.strategies.parts.sums`. The network f learns in the first task
alone, so a run costs a fraction of plain training; all depends on how well the first task's features separate
the classes to come.
*Differs:* Sigma and mu are those of all examples so far. The paper updates them example by example, after a
first set from which Sigma is estimated by shrinkage (OAS); the authors' code and Avalanche start from a
matrix of ones instead where that is not asked for, and use a pseudoinverse. In the paper f is a ResNet
trained on half of the classes."""

from dataclasses import dataclass

from torch import Tensor

from clbench.core.ranges import PositiveShare
from clbench.strategies.parts.sums import ProductSums, solution, with_ridge


@dataclass
class SLDA(ProductSums):
    eps: PositiveShare = 1e-4  # share of the identity in the covariance
    tunes = {"eps": (1e-6, 1.0, "log")}  # of our own
    paper = "Hayes & Kanan 2020"
    keeps = "class means and a covariance of features"

    def solve(self) -> None:
        mu = self.means()  # [S, h, C]
        between = (mu * self.n.unsqueeze(1)) @ mu.mT
        Sigma = (self.G - between) / self.n.sum(-1).view(-1, 1, 1)
        self.W = solution(with_ridge((1 - self.eps) * Sigma, self.eps), mu)
        self.b = (self.W * mu).sum(1, keepdim=True) / 2  # [S, 1, C]

    def scores(self, f: Tensor) -> Tensor:
        return f @ self.W - self.b
