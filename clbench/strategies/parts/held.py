"""Which weights a penalty holds in place."""

import torch
from torch import Tensor

from clbench.core.part import Run


def held_weights(run: Run) -> Tensor:
    """[P]: 1, and 0 for the temperature of pairs, which is left free: a single number with the largest
    gradient of all."""
    layout = run.learner.net.layout
    held = layout.flat({name: float(name not in layout.temperature) for name in layout.shapes})
    return held.to(run.stream.device, torch.float32)
