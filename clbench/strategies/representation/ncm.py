"""Nearest class mean (Mensink et al. 2013), by cosine as in SimpleCIL (Zhou et al. 2023).

    answer: argmax_c  cos(f(x), mu_c)        mu_c: mean of f over all examples of class c so far
Kept: sums over all examples, see `clbench.strategies.parts.sums`. The network f learns in the first task
alone: the plainest answer that fixed features can give, and the one to compare `slda`, `ridge` and `fecam`
with.
*Differs:* Mensink et al. learn a metric; SimpleCIL takes f from a pretrained network as it is. iCaRL's means
are of features of length 1 and of exemplars alone; these are of the features as they are."""

import torch.nn.functional as F
from torch import Tensor

from clbench.strategies.parts.sums import ClassSums


class NCM(ClassSums):
    paper = "Mensink et al. 2013"
    keeps = "class means of features"

    def solve(self) -> None:
        self.W = F.normalize(self.means(), dim=1)  # [S, h, C]

    def scores(self, f: Tensor) -> Tensor:
        return F.normalize(f, dim=-1) @ self.W
