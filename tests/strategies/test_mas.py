"""MAS against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.anchored import AnchoredTwin, gradients_of_running_statistics, same_importances
from strategies.test_equations import SGD, same_weights

from clbench.core.keyed import generator
from clbench.core.part import refusal
from clbench.testing.runs import small_run


class MASTwin(AnchoredTwin):
    """Aljundi et al. 2018: absolute gradients of the squared norm, one example after another."""

    strength, count = 0.05, 48

    def after_task(self, t):
        train = self.stream.tasks[t].train
        order = torch.randperm(len(train), generator=generator(self.seed, "mas", t))[: self.count]
        for sample in train[order]:
            row = self.stream.gather(sample.view(1, 1, 2))
            seen = self.net(row.x[0])[row.mask[0]]
            gradients = torch.autograd.grad((seen**2).sum(), list(self.net.parameters()))
            for omega, g in zip(self.importance, gradients, strict=True):
                omega += g.abs() / len(order)


@pytest.mark.parametrize("scenario", ("class", "task"))
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_mas(scenario, optimiser):
    run = make("mas(lam=0.05, samples=48)", scenario, **optimiser)
    twin = MASTwin(run)
    same_weights(run, twin)
    same_importances(run, twin, within=1e-5)


def test_labels_are_of_no_account():
    run, blind = make("mas(samples=64)"), make("mas(samples=64)")
    gather = blind.stream.gather
    for one in (run, blind):
        one.fit(one.plan(one.stream.tasks[0]))

    def without_labels(samples):
        batch = gather(samples)
        batch.y.fill_(-100)
        return batch

    blind.stream.gather = without_labels
    for one in (run, blind):
        one.parts[0].after_task(0)
    assert torch.equal(run.parts[0].importance, blind.parts[0].importance)
    assert run.parts[0].importance.sum() > 0


def test_the_outputs_of_earlier_examples_stay():
    """The importances are of the outputs themselves."""

    def drift(spec):
        run = make(spec, seeds=[0, 1], steps=30)
        until(run, 1)
        x = run.stream.gather(run.stream.tasks[0].train.expand(2, -1, -1)).x
        before = run.learner.outputs(x).detach()[..., :2]
        run.learn(run.stream.tasks[1])
        return (run.learner.outputs(x)[..., :2] - before).square().mean((1, 2))

    assert (drift("mas(lam=10.0, samples=64)") < 0.5 * drift("naive")).all()


def test_pairs_are_refused():
    run = small_run([], "driftcaps")
    (part,) = make("mas").parts
    assert "class labels" in refusal(part, run.stream, run.learner.net, run.budget)


def test_running_statistics_are_left_alone():
    assert gradients_of_running_statistics("mas") == 0
