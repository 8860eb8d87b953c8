"""Ridge regression from features to labels, in closed form: RanPAC's answer without its random projection.

    W = (G + lam g I)^-1 Q        g: mean of the diagonal of G
    answer: argmax_c  w_c' f(x)
W is least in  sum_i |W' f(x_i) - onehot(y_i)|^2 + lam g |W|^2  over all examples so far, which the sums G and
Q hold, see `clbench.strategies.parts.sums`. The network f learns in the first task alone.
*Differs:* from RanPAC as said there, and in f itself, which stands in the place of h. There is no constant
among the features, as there is none in RanPAC."""

from dataclasses import dataclass

from torch import Tensor

from clbench.core.ranges import Positive
from clbench.strategies.parts.sums import ProductSums, solution, with_ridge


@dataclass
class Ridge(ProductSums):
    lam: Positive = 1e-4  # strength of the penalty, relative to the mean of G's diagonal
    tunes = {"lam": (1e-8, 1.0, "log")}  # of our own: relative; the paper searches 1e-8 to 1e8
    paper = "McDonnell et al. 2023"
    keeps = "sums of products of features"

    def solve(self) -> None:
        g = self.G.diagonal(dim1=-2, dim2=-1).mean(-1)  # [S]
        self.W = solution(with_ridge(self.G, self.lam * g.clamp(min=1e-30)), self.Q)

    def scores(self, f: Tensor) -> Tensor:
        return f @ self.W
