"""Weight aligning against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, reason, until
from strategies.test_equations import SGD, ERTwin, same_weights

from clbench.strategies.replay.wa import WA


class WATwin(ERTwin):
    """Zhao et al. 2020, equations 8 to 10, row by row of the last nn.Linear."""

    def after_task(self, t):
        super().after_task(t)
        rows = list(self.net[-1].weight.data)
        new = self.stream.tasks[t].classes.nonzero().flatten().tolist()
        old = [c for task in self.stream.tasks[:t] for c in task.classes.nonzero().flatten().tolist()]
        if old:
            mean_old, mean_new = (
                sum(float(rows[c].norm()) for c in classes) / len(classes) for classes in (old, new)
            )
            for c in new:
                rows[c] *= mean_old / mean_new


@pytest.mark.parametrize("budget", [{}, SGD], ids=["adam", "sgd"])
def test_wa(budget):
    run = make("er(memory=100)+wa", **budget)
    same_weights(run, WATwin(run))


class AlignLater(WA):
    def after_task(self, t):
        """The test does it."""


def test_old_classes_keep_their_outputs_and_new_ones_get_their_length():
    run = make("er", seeds=[0, 1], extra=[AlignLater()], lr=0.01)
    until(run, 2)
    run.learn(run.stream.tasks[2])
    old = torch.stack([task.classes for task in run.stream.tasks[:2]]).any(0)
    new = run.stream.tasks[2].classes
    x = run.stream.gather(run.stream.tasks[0].train.expand(2, -1, 2)).x
    before, w = (
        run.learner.outputs(x).detach(),
        run.learner.net.layout.views(run.learner.theta)["head.weight"],
    )
    of_old, of_new = (w[:, some].norm(dim=-1).mean(-1) for some in (old, new))
    assert ((of_new / of_old - 1).abs() > 0.01).all()  # there is something to align
    WA.after_task(run.parts[1], 2)
    after = run.learner.outputs(x).detach()
    assert torch.equal(before[..., ~new], after[..., ~new])
    assert (before[..., new] - after[..., new]).abs().max() > 0.01
    assert torch.allclose(w[:, new].norm(dim=-1).mean(-1), of_old, rtol=1e-5)


def test_answers_the_newest_classes_less_often_where_training_favours_them():
    """On split digits with a buffer whose batches are mostly new rows; measured: .53 and .45, .2 is right."""

    def newest(spec):
        run = make(spec, seeds=[0, 1, 2], benchmark="split_digits_{}")
        run.train()
        x = torch.cat([run.stream.test(t, slice(None)) for t in range(5)], 1).expand(3, -1, -1)
        return run.stream.tasks[-1].classes[run.learner.outputs(x).argmax(-1)].float().mean(-1)

    biased, aligned = newest("er(memory='all')"), newest("er(memory='all')+wa")
    assert (biased > 0.4).all() and (aligned < biased).all() and aligned.mean() < biased.mean() - 0.04


def test_a_class_that_comes_back_is_old():
    run = make("er+wa", seeds=[0, 1])
    for t in range(2):
        run.t = t
        run.learn(run.stream.tasks[t])
    run.stream.tasks[2] = run.stream.tasks[0]
    run.t = 2
    before = run.learner.theta.clone()
    run.parts[1].after_task(2)
    assert torch.equal(before, run.learner.theta)


def test_refuses_streams_whose_classes_do_not_compete_and_networks_without_a_last_layer():
    for scenario in ("task", "domain"):
        assert "compete in class-incremental streams only" in reason("wa", scenario)
    assert reason("wa", "class") is None
    columns = make("progressive", "task").learner.net
    assert WA().supports(make("naive").stream, columns).endswith("has no linear last layer")
