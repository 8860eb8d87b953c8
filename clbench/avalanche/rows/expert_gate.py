"""Avalanche's ExpertGateStrategy: a network for each task, chosen by what an autoencoder knows.

Unavailable."""

from clbench.avalanche.row import Row


class ExpertGate(Row):
    family = "architecture"
    paper = "Aljundi et al. 2017"

    def supports(self, stream, net) -> str | None:
        return "unavailable: needs AlexNet for pictures of 227x227, whose weights are downloaded"
