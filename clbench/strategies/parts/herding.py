"""The choice of examples that stand for their class (Rebuffi et al. 2017, algorithm 4)."""

import torch
from torch import Tensor

from clbench.core.batch import take


def herding(phi: Tensor, m: int) -> Tensor:
    """[S, m]: greedily the rows of phi [S, n, h], of length 1, whose running mean stays nearest to the mean
    of all.

    |mu - (sum + phi) / k|^2 is least where mu.phi - sum.phi / k is largest, since |phi| = 1: one product per
    choice.
    """
    towards = (phi @ phi.mean(1).unsqueeze(-1)).squeeze(-1)  # [S, n]: mu.phi
    against, chosen = torch.zeros_like(towards), []
    for k in range(1, min(m, phi.shape[1]) + 1):
        best = (towards - against / k).argmax(-1, keepdim=True)  # [S, 1]
        chosen.append(best)
        against += (phi @ take(phi, best).mT).squeeze(-1)
        towards.scatter_(1, best, -torch.inf)  # nobody twice
    return torch.cat(chosen, 1)
