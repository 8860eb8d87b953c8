"""Avalanche's AR1: latent replay with SI and CWR. Unavailable."""

from clbench.avalanche.row import Row


class AR1(Row):
    family = "replay"
    paper = "Maltoni & Lomonaco 2019"

    def supports(self, stream, net) -> str | None:
        return "unavailable: needs MobileNet, whose weights are downloaded"
