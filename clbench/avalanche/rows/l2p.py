"""Avalanche's LearningToPrompt: prompts for a transformer that somebody else has trained. Unavailable."""

from clbench.avalanche.row import Row


class L2P(Row):
    family = "representation"
    paper = "Wang et al. 2022"

    def supports(self, stream, net) -> str | None:
        return "unavailable: needs a downloaded vision transformer and an older timm than torch allows"
