"""Online EWC against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, parts_of, until
from strategies.anchored import AnchoredTwin, gradients_of_running_statistics
from strategies.test_equations import SGD, same_weights

from clbench.core.keyed import generator
from clbench.core.part import Part
from clbench.testing.runs import small_run


class OnlineEWCTwin(AnchoredTwin):
    """Schwarz et al. 2018: one importance and one anchor, the penalty through autograd, batches of one."""

    strength, gamma, count = 300.0 / 2, 0.6, 48

    def after_task(self, t):
        train = self.stream.tasks[t].train
        order = torch.randperm(len(train), generator=generator(self.seed, "fisher", t))[: self.count]
        u = torch.rand(len(order), 1, generator=generator(self.seed, "fisher labels", t))
        for importance in self.importance:
            importance *= self.gamma
        for sample, place in zip(train[order], u, strict=True):
            row = self.stream.gather(sample.view(1, 1, 2))
            log_p = self.net(row.x[0]).masked_fill(~row.mask[0], -1e9).log_softmax(-1)[0]
            y = int((log_p.exp().cumsum(-1) < place).sum())
            squares = torch.autograd.grad(log_p[y], list(self.net.parameters()))
            for importance, g in zip(self.importance, squares, strict=True):
                importance += g.square() / len(order)


SPEC = "online_ewc(lam=300.0, gamma=0.6, samples=48)"


SLOWER = SGD | {"lr": 0.003}  # with a penalty as strong as this


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SLOWER], ids=["adam", "sgd"])
def test_online_ewc(scenario, optimiser):
    run = make(SPEC, scenario, **optimiser)
    same_weights(run, OnlineEWCTwin(run))


class Shrink(Part):
    """Moves the weights between tasks."""

    def before_task(self, t, plan):
        if t:
            self.run.learner.theta.detach().mul_(0.7)
        return plan


class ShrunkTwin(OnlineEWCTwin):
    def before_task(self, t):
        with torch.no_grad():
            for p in self.net.parameters():
                p *= 0.7 if t else 1.0
        super().before_task(t)


def test_behind_a_part_that_moves_the_weights_it_holds_on_to_the_moved_ones():
    run = small_run([Shrink(), *parts_of(SPEC)], "blobs_class", **SLOWER)
    same_weights(run, ShrunkTwin(run))


def test_it_holds_on_to_the_last_weights_and_ewc_to_all():
    """In the second task they are the same; in the third ewc has two anchors."""
    runs = [make(f"{name}(lam=300.0, samples=48)") for name in ("online_ewc", "ewc")]
    apart = []
    for t in range(3):
        for run in runs:
            run.t = t
            run.learn(run.stream.tasks[t])
        online, plain = (run.learner.theta.detach() for run in runs)
        apart.append(float((online - plain).norm() / plain.norm()))
    assert apart[0] == 0 and apart[1] < 1e-5 and apart[2] > 1e-3


def test_without_memory_only_the_last_importances_count():
    forgetful, keeping = (make(f"online_ewc(gamma={gamma}, samples=48)") for gamma in (0, 1))
    for run in (forgetful, keeping):
        until(run, 2)
    last = make("online_ewc(samples=48)")
    last.learner.theta.detach().copy_(forgetful.learner.theta)
    last.t = 1
    last.parts[0].after_task(1)
    assert torch.equal(forgetful.parts[0].importance, last.parts[0].importance)
    assert keeping.parts[0].importance.sum() > 1.05 * last.parts[0].importance.sum() > 0


def test_important_weights_stay():
    """A part that does nothing would give what lam = 0 gives."""

    def distance(lam):
        run = make(f"online_ewc(lam={lam}, samples=64)", steps=30, seeds=[0, 1])
        until(run, 1)
        anchor, importance = run.learner.theta.detach().clone(), run.parts[0].importance.clone()
        run.learn(run.stream.tasks[1])
        return (importance * (run.learner.theta.detach() - anchor).square()).sum(-1)

    assert (distance(1000) < 0.1 * distance(0)).all()


def test_more_samples_than_a_task_has_are_all_of_them():
    all_of_them, too_many = (make(f"online_ewc(samples={samples})") for samples in (120, 1000))
    for run in (all_of_them, too_many):
        until(run, 1)
    assert torch.equal(all_of_them.parts[0].importance, too_many.parts[0].importance)


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("online_ewc") == 0
