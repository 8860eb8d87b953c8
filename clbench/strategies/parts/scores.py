"""What the network says of many examples at once."""

import torch
from torch import Tensor

from clbench.core.part import Run

CHUNK = 1000  # examples in one pass


@torch.no_grad()
def probabilities(run: Run, samples: Tensor) -> Tensor:
    """[S, n, C]: the softmax over the outputs that each of samples [n, 2] or [S, n, 2] may see, as the
    network is now."""
    chunks = []
    for some in samples.expand(run.S, *samples.shape[-2:]).split(CHUNK, 1):
        batch = run.stream.gather(some)
        chunks.append(run.learner.outputs(batch.x).masked_fill(~batch.mask, -1e9).softmax(-1))
    return torch.cat(chunks, 1)
