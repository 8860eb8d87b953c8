"""Our optimisers give torch.optim's bits."""

import pytest
import torch

from clbench.core.budget import Budget
from clbench.core.keyed import generator
from clbench.engine.learner import Gradient, Learner
from clbench.models.mlp import MLP

CPU = torch.device("cpu")
THEIRS = {
    "adam": (Budget(5, optimiser="adam"), lambda p: torch.optim.Adam([p], 1e-3, fused=True)),
    "adam with L2": (
        Budget(5, optimiser="adam", weight_decay=0.1, beta2=0.9),
        lambda p: torch.optim.Adam([p], 1e-3, (0.9, 0.9), weight_decay=0.1, fused=True),
    ),
    "adamw": (
        Budget(5, optimiser="adamw", lr=2e-3, weight_decay=0.1, beta2=0.98),
        lambda p: torch.optim.AdamW([p], 2e-3, (0.9, 0.98), weight_decay=0.1, fused=True),
    ),
    "sgd": (Budget(5, optimiser="sgd", lr=0.1), lambda p: torch.optim.SGD([p], 0.1, fused=True)),
    "momentum": (
        Budget(5, optimiser="sgd", lr=0.1, momentum=0.9),
        lambda p: torch.optim.SGD([p], 0.1, 0.9, fused=True),
    ),
    "sgd with L2": (
        Budget(5, optimiser="sgd", lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.SGD([p], 0.1, 0.9, weight_decay=0.1, fused=True),
    ),
}


def steps(learner: Learner, parameter: torch.Tensor, optimiser: torch.optim.Optimizer, lrs: list) -> None:
    """The same gradients for both, at the learning rates of lrs (None: the budget's)."""
    draws = generator(1, "gradients")
    for lr in lrs:
        g = torch.randn(learner.theta.shape, generator=draws)
        parameter.grad = g.clone()
        if lr is not None:
            optimiser.param_groups[0]["lr"] = torch.tensor(lr)
        optimiser.step()
        learner.step(Gradient(g, None, None, None), None if lr is None else torch.tensor([lr]))


@pytest.mark.parametrize("name", THEIRS)
def test_a_step_is_torchs(name):
    budget, theirs = THEIRS[name]
    learner = Learner(MLP(6, 8, 3), [0], CPU, budget)
    parameter = learner.initial.clone().requires_grad_()
    steps(learner, parameter, theirs(parameter), [None] * 5)
    assert torch.equal(learner.theta, parameter) and not torch.equal(learner.theta, learner.initial)
    learner.reset_optimiser()  # as good as a new one
    steps(learner, parameter, theirs(parameter), [None] * 5)
    assert torch.equal(learner.theta, parameter)


def test_a_learning_rate_that_changes_is_torchs():
    budget, theirs = THEIRS["adamw"]
    learner = Learner(
        MLP(6, 8, 3), [0], CPU, Budget(5, optimiser="adamw", weight_decay=0.1, beta2=0.98, warm_up=0.1)
    )
    parameter = learner.initial.clone().requires_grad_()
    steps(learner, parameter, theirs(parameter), [1e-3, 2e-3, 5e-4])
    assert torch.equal(learner.theta, parameter)


@pytest.mark.parametrize("name", [name for name, (budget, _) in THEIRS.items() if budget.weight_decay])
def test_a_frozen_weight_does_not_decay(name):
    learner = Learner(MLP(6, 8, 3), [0], CPU, THEIRS[name][0])
    frozen = torch.arange(learner.theta.shape[1]) % 2 == 0
    learner.freeze(frozen)
    for step in range(3):
        g = torch.randn(learner.theta.shape, generator=generator(step, "gradients"))
        learner.step(Gradient(g, None, None, None))
    assert torch.equal(learner.theta[:, frozen], learner.initial[:, frozen])
    moved = learner.theta != learner.initial
    assert moved[:, ~frozen & (learner.initial[0] != 0)].all()


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_step_that_is_foreseen_is_the_step_that_comes_and_changes_nothing(name, frozen):
    learner = Learner(MLP(6, 8, 3), [0, 1], CPU, THEIRS[name][0])
    if frozen:
        learner.freeze(torch.arange(learner.theta.shape[1]) % 2 == 0)
    gradients = torch.randn(3, *learner.theta.shape, generator=generator(1, "gradients"))
    for g in gradients:
        before = [tensor.clone() for tensor in (learner.theta, *learner.optimiser.state)]
        foreseen = learner.foresee(g)
        now = [learner.theta, *learner.optimiser.state]
        assert all(torch.equal(a, b) for a, b in zip(before, now, strict=True))
        learner.step(Gradient(g, None, None, None))
        assert torch.equal(learner.theta, foreseen) and not torch.equal(foreseen, before[0])


def test_a_step_is_foreseen_at_its_own_learning_rate():
    learner = Learner(MLP(6, 8, 3), [0], CPU, Budget(5, warm_up=0.1))
    g, lr = torch.randn(learner.theta.shape, generator=generator(1, "gradients")), torch.tensor([0.25])
    foreseen = learner.foresee(g, lr)
    learner.step(Gradient(g, None, None, None), lr)
    assert torch.equal(learner.theta, foreseen)
