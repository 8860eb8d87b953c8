"""Avalanche's DER with beta > 0, DER++: as `avalanche_der`, and the labels of the same stored rows.

    loss = CE + alpha mean (h - z)^2 + beta CE of stored rows
Differs from the paper and `derpp`: both terms are of one batch of stored rows, where the paper draws two."""

from dataclasses import dataclass

from clbench.avalanche.rows.der import DER
from clbench.core.ranges import NotNegative


@dataclass
class DERPP(DER):
    beta: NotNegative = 0.5  # of the stored labels
    tunes = {"alpha": (0.1, 1.0, "log"), "beta": (0.5, 1.0, "linear")}
    family = "replay"
    paper = "Buzzega et al. 2020"
    keeps = "examples and their outputs"
