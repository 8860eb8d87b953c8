"""Avalanche's CoPE: prototypes that move with the features. Unavailable."""

from clbench.avalanche.row import Row


class CoPE(Row):
    family = "replay"
    paper = "De Lange & Tuytelaars 2021"

    def supports(self, stream, net) -> str | None:
        return "unavailable: takes one step of a task and then stops; made to go on, it learns nothing"
