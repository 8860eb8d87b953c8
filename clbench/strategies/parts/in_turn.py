"""A random order of examples whose beginnings have as many of every class."""

import torch
from torch import Tensor

from clbench.core.batch import take
from clbench.core.part import Run


def classes_in_turn(run: Run, samples: Tensor, purpose: str) -> Tensor:
    """[S, n, 2]: samples [n, 2], drawn in an order that takes the classes in turn, as long as each lasts."""
    order = run.subset(samples, len(samples), purpose)
    one = run.stream.labels(order).unsqueeze(-1) == torch.arange(run.stream.classes, device=order.device)
    place = (one.cumsum(1) * one).sum(-1)  # [S, n]: the first of its class, the second, …
    return take(order, place.argsort(dim=1, stable=True))
