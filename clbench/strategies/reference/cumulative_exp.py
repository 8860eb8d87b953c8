"""Cumulative-Exp (TiC-CLIP: Garg et al. 2024): keep the weights, train on the new data and old ones, halved
for every task back.

theta_k = train(theta_{k-1}, D_k u |D_k| / 2 examples of D_{k-1} u |D_k| / 4 of D_{k-2} u ..)"""

from clbench.strategies.reference.cumulative_equal import CumulativeEqual


class CumulativeExp(CumulativeEqual):
    keeps = "old data, halved for every task back"

    def shares(self, t: int, n: int) -> list[int]:
        return [int(n * 0.5 ** (t - k)) for k in range(t)]
