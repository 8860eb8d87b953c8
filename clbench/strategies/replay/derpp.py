"""Dark experience replay++ (Buzzega et al. 2020, equation 6).

    loss = CE(x, y) + alpha MSE(z', h(x')) + beta CE(x'', y'')
(x', z') and (x'', y'') are two draws from a reservoir of examples with the outputs z that the network gave in
the step in which they were stored, drawn anew at every step, with replacement: `der` with labels. MSE is the
mean over outputs, as in the released code; the paper writes the squared norm. Differs: replay starts with the
second task. Cost: B + B more rows in every step; an output vector for each example kept."""

from dataclasses import dataclass

from clbench.core.batch import Batch
from clbench.core.ranges import NotNegative
from clbench.strategies.replay.der import DER


@dataclass
class DERpp(DER):
    beta: NotNegative = 0.5  # weight of the stored labels
    tunes = {"alpha": (0.1, 1.0, "log"), "beta": (0.5, 1.0, "linear")}  # of the paper's appendix
    draws = 2

    def batch(self, batch: Batch) -> Batch:
        if "read" not in batch:
            return batch
        labelled = self.drawn(batch, 1)
        return super().batch(batch).append(labelled, self.beta)
