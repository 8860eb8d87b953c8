"""A ridge regression from a network's features to labels, as its head."""

import torch
from torch import Tensor

from clbench.core.part import Network, Run

HEAD = {"head.weight", "head.bias"}


def no_place_for_probe(net: Network) -> str | None:
    """None, or why a probe cannot become the network's head."""
    return None if set(net.layout.head) == HEAD else f"{net} has no linear head that a probe could become"


@torch.no_grad()
def answer_by_probe(run: Run, samples: Tensor, ridge: float) -> None:
    """The network's head becomes the probe of samples [S, M, 2] and their labels."""
    batch, learner = run.stream.gather(samples), run.learner
    label = batch.y.unsqueeze(-1) == torch.arange(run.stream.classes, device=batch.y.device)
    W = probe(learner.features(batch.x), label, ridge)
    head = learner.net.layout.views(learner.theta)
    head["head.weight"].copy_(W[:, :-1].mT)
    head["head.bias"].copy_(W[:, -1])


def probe(x: Tensor, label: Tensor, ridge: float) -> Tensor:
    """[S, h + 1, C]: the weights of features x [S, n, h], and of the constant 1 behind them, with the least
    squares to label [S, n, C] and a penalty on their own."""
    x = torch.cat([x, torch.ones_like(x[..., :1])], -1).double()  # G has the square of the condition of x
    G = x.mT @ x
    size = G.diagonal(dim1=-2, dim2=-1).mean(-1).view(-1, 1, 1)
    penalty = ridge * size * torch.eye(x.shape[-1], device=x.device)
    return torch.linalg.solve(G + penalty, x.mT @ label.to(x.dtype)).float()
