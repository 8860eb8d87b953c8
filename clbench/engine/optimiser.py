"""The optimisers of a budget on one flat tensor, by the fused kernels that torch.optim calls and with its bits.

torch.optim looks up hooks, groups and devices anew in every step, which takes up to a tenth of a small step on a CPU.
"""
import torch
from torch import Tensor

from clbench.stream import Budget


class Adam:
    """Kingma & Ba (2015), Algorithm 1; with a weight decay AdamW, Loshchilov & Hutter (2019), Algorithm 2."""

    def __init__(self, theta: Tensor, budget: Budget):
        self.m, self.v, self.steps = torch.zeros_like(theta), torch.zeros_like(theta), torch.zeros((), device=theta.device)
        self.state = (self.m, self.v, self.steps)
        decays = budget.optimiser == "adamw"
        self.kernel = torch._fused_adamw_ if decays else torch._fused_adam_
        self.settings = {"beta1": 0.9, "beta2": budget.beta2, "weight_decay": budget.weight_decay if decays else 0, "eps": 1e-8,
                         "amsgrad": False, "maximize": False}

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        self.steps += 1
        self.kernel([theta], [g], [self.m], [self.v], [], [self.steps], lr=lr, **self.settings)


class SGD:
    """m <- momentum m + g, theta <- theta - lr m."""

    def __init__(self, theta: Tensor, budget: Budget):
        self.state = (torch.zeros_like(theta),) if budget.momentum else ()
        self.settings = {"momentum": budget.momentum, "weight_decay": 0, "dampening": 0, "nesterov": False, "maximize": False,
                         "is_first_step": False}

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        torch._fused_sgd_([theta], [g], list(self.state), lr=lr, **self.settings)


OPTIMISERS = {"adam": Adam, "adamw": Adam, "sgd": SGD}
