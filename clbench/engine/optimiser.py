"""The optimisers of a budget on one flat tensor, by the fused kernels that torch.optim calls and with its bits.

torch.optim looks up hooks, groups and devices anew in every step, which takes up to a tenth of a small step on a CPU.
"""
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from clbench.core.budget import Budget


class Optimiser(Protocol):
    """An optimiser of one flat tensor; built of that tensor and a budget."""

    state: tuple[Tensor, ...]            # what it keeps, 0 at first

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        """Moves theta by the gradient g."""


class Adam:
    """Kingma & Ba (2015), Algorithm 1; a weight decay is added to the gradient. `adamw` decays the weights
    themselves, Loshchilov & Hutter (2019), Algorithm 2."""

    def __init__(self, theta: Tensor, budget: Budget) -> None:
        self.m, self.v, self.steps = torch.zeros_like(theta), torch.zeros_like(theta), torch.zeros((), device=theta.device)
        self.state: tuple[Tensor, ...] = (self.m, self.v, self.steps)
        self.kernel = torch._fused_adamw_ if budget.optimiser == "adamw" else torch._fused_adam_
        self.settings: dict[str, Any] = {"beta1": 0.9, "beta2": budget.beta2, "weight_decay": budget.weight_decay,
                         "eps": 1e-8, "amsgrad": False, "maximize": False}

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        self.steps += 1
        self.kernel([theta], [g], [self.m], [self.v], [], [self.steps], lr=lr, **self.settings)


class SGD:
    """m <- momentum m + g + weight_decay theta, theta <- theta - lr m."""

    def __init__(self, theta: Tensor, budget: Budget) -> None:
        self.state: tuple[Tensor, ...] = (torch.zeros_like(theta),) if budget.momentum else ()
        self.settings: dict[str, Any] = {"momentum": budget.momentum, "weight_decay": budget.weight_decay, "dampening": 0,
                         "nesterov": False, "maximize": False, "is_first_step": False}

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        torch._fused_sgd_([theta], [g], list(self.state), lr=lr, **self.settings)


OPTIMISERS: dict[str, Callable[[Tensor, Budget], Optimiser]] = {"adam": Adam, "adamw": Adam, "sgd": SGD}


def warmed_up(budget: Budget, steps: int, device: torch.device) -> Tensor:
    """[steps]: the learning rates of a budget with `warm_up`: they rise for that share of the steps, then fall along
    half a cosine to 0."""
    assert budget.warm_up is not None
    rising, step = max(1, int(budget.warm_up * steps)), torch.arange(steps, device=device)
    falling = ((step - rising).clamp(min=0) / max(1, steps - rising) * torch.pi).cos().add(1).div(2)
    return budget.lr * ((step + 1) / rising).clamp(max=1) * falling
