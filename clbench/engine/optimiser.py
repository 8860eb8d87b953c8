"""The optimisers and learning rates that a budget asks for, on one flat tensor theta.

They call the fused kernels that torch.optim calls, and give the same bits. torch.optim itself looks up
hooks, groups and devices in every step, which takes up to a tenth of a small step on a CPU.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from clbench.core.budget import Budget


class Optimiser(Protocol):
    """An optimiser of one flat tensor; built of that tensor and a budget."""

    state: tuple[Tensor, ...]  # what it keeps, 0 at first

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        """Moves theta by the gradient g."""


class Adam:
    """Adam (Kingma & Ba 2015, Algorithm 1), or AdamW (Loshchilov & Hutter 2019, Algorithm 2).

    Adam adds the weight decay to the gradient, AdamW takes it off the weights.
    """

    def __init__(self, theta: Tensor, budget: Budget) -> None:
        steps = torch.zeros((), device=theta.device)
        self.state: tuple[Tensor, ...] = (torch.zeros_like(theta), torch.zeros_like(theta), steps)
        self.kernel = torch._fused_adamw_ if budget.optimiser == "adamw" else torch._fused_adam_
        self.settings: dict[str, Any] = {
            "beta1": 0.9,
            "beta2": budget.beta2,
            "weight_decay": budget.weight_decay,
            "eps": 1e-8,
            "amsgrad": False,
            "maximize": False,
        }

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        """Changes theta in place, by the gradient g."""
        m, v, steps = self.state
        steps += 1
        self.kernel([theta], [g], [m], [v], [], [steps], lr=lr, **self.settings)


class SGD:
    """Gradient descent: m <- momentum m + g + weight_decay theta, theta <- theta - lr m."""

    def __init__(self, theta: Tensor, budget: Budget) -> None:
        self.state: tuple[Tensor, ...] = (torch.zeros_like(theta),) if budget.momentum else ()
        self.settings: dict[str, Any] = {
            "momentum": budget.momentum,
            "weight_decay": budget.weight_decay,
            "dampening": 0,
            "nesterov": False,
            "maximize": False,
            "is_first_step": False,
        }

    def step(self, theta: Tensor, g: Tensor, lr: float | Tensor) -> None:
        """Changes theta in place, by the gradient g."""
        torch._fused_sgd_([theta], [g], list(self.state), lr=lr, **self.settings)


OPTIMISERS: dict[str, Callable[[Tensor, Budget], Optimiser]] = {"adam": Adam, "adamw": Adam, "sgd": SGD}


def warm_up_rates(budget: Budget, steps: int, device: torch.device) -> Tensor:
    """The learning rate of each step of a task, [steps], for a budget with `warm_up`.

    The rates rise for that share of the steps, then fall to 0 along half a cosine.
    """
    assert budget.warm_up is not None
    step = torch.arange(steps, device=device)
    rising = max(1, int(budget.warm_up * steps))  # number of steps in which the rate rises
    falling = ((step - rising).clamp(min=0) / max(1, steps - rising) * torch.pi).cos().add(1).div(2)
    return budget.lr * ((step + 1) / rising).clamp(max=1) * falling
