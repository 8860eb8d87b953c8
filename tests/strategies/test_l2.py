"""L2 against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.anchored import AnchoredTwin, gradients_of_running_statistics
from strategies.test_equations import SGD, same_weights


class L2Twin(AnchoredTwin):
    """Hsu et al. 2018: from the second task on every weight is as important."""

    strength = 0.3

    def after_task(self, t):
        self.importance = [torch.ones_like(p) for p in self.net.parameters()]


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_l2(scenario, optimiser):
    run = make("l2(lam=0.3)", scenario, **optimiser)
    same_weights(run, L2Twin(run))


def test_the_first_task_is_learnt_without_and_the_second_near_the_first():
    first, moved = {}, {}
    for spec in ("naive", "l2(lam=30.0)"):
        run = make(spec, seeds=[0, 1], steps=30)
        until(run, 1)
        first[spec] = run.learner.theta.detach().clone()
        run.learn(run.stream.tasks[1])
        moved[spec] = (run.learner.theta.detach() - first[spec]).norm(dim=-1)
    assert torch.equal(*first.values())
    assert (moved["l2(lam=30.0)"] < 0.5 * moved["naive"]).all()


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("l2(lam=1.0)") == 0
