"""ER-ACE against a plain twin, and what it is for."""

import pytest
import torch
import torch.nn.functional as F
from helpers import make, reason, until
from strategies.test_equations import SGD, ERTwin, Twin, same_weights

B = 16


class ERACETwin(ERTwin):
    """Caccia et al. 2022: the two cross-entropies apart, each over outputs that are cut out."""

    def samples(self, t):
        ERTwin.after_task(self, t)  # the present task's share is there from the start
        current = Twin.samples(self, t)
        if t == 0:
            return current
        memory = torch.tensor([(k, i) for k, kept in enumerate(self.memory) for i in kept]).unsqueeze(0)
        return torch.cat([current, self.run.shuffled(memory, purpose="replay")], 2)

    def cross_entropy(self, x, y, mask):
        classes = self.stream.tasks[self.run.t].classes.nonzero().flatten()
        out = self.net(x)
        new = F.cross_entropy(out[:B, classes], (y[:B, None] == classes).int().argmax(-1))
        return (new + F.cross_entropy(out[B:], y[B:])) / 2 if len(x) > B else new

    def after_task(self, t):
        pass


@pytest.mark.parametrize("budget", [{}, SGD], ids=["adam", "sgd"])
def test_er_ace(budget):
    run = make("er_ace(memory=100)", **budget)
    same_weights(run, ERACETwin(run))


def test_new_rows_leave_the_outputs_of_other_classes_alone():
    """The gradient at the head's rows of old classes comes from stored rows only."""
    run = make("er_ace", seeds=[0, 1])
    batch = run.batch(until(run, 2).at(0))
    stored = torch.arange(2 * B) >= B
    of_new, of_stored = (
        run.learner.gradient(run.loss, batch | {"weight": batch.weight * rows}) for rows in (~stored, stored)
    )
    old = torch.stack([task.classes for task in run.stream.tasks[:2]]).any(0)
    heads = [run.learner.net.layout.views(one.g)["head.weight"] for one in (of_new, of_stored)]
    assert (heads[0][:, old] == 0).all() and (heads[0].abs().sum((1, 2)) > 0.1).all()
    assert (heads[1][:, old].abs().sum((1, 2)) > 0.1).all()


def test_stored_rows_of_the_present_task_see_all_classes():
    run = make("er_ace", seeds=[0, 1])
    batch = run.batch(until(run, 2).at(0))
    assert torch.equal(batch.mask[:, :B], run.stream.tasks[2].classes.expand(2, B, -1))
    assert batch.mask[:, B:].all() and (batch.task[:, B:] == 2).any(-1).all()


def test_old_outputs_fall_less_than_under_er_when_a_task_begins():
    """Three steps into a task, the mean output of old classes on their own data."""

    def fall(spec):
        run = make(spec, seeds=[0, 1, 2], lr=0.01)
        plan, (old, *_) = until(run, 1), run.stream.tasks
        x = run.stream.gather(old.train.expand(3, -1, 2)).x
        before = run.learner.outputs(x).detach()[..., old.classes].mean()
        for step in range(3):
            run.step(plan.at(step))
        return before - run.learner.outputs(x).detach()[..., old.classes].mean()

    assert fall("er_ace") < 0.5 * fall("er")  # measured: 0.22


def test_an_old_row_among_the_new_ones_sees_its_own_class():
    """As beside `joint`, which trains on all data so far: a masked label would cost 1e9."""
    run = make("joint+er_ace")
    run.train()
    assert float(run.row_losses(run.batch(until(run, 3).at(0))).max()) < 100


def test_refuses_streams_whose_tasks_do_not_compete():
    assert {reason("er_ace", scenario) for scenario in ("task", "domain")} == {
        "is er where tasks do not compete for outputs"
    }
    assert reason("er_ace", "class") is None
