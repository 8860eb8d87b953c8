"""OGD against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.test_equations import Twin, same_weights

from clbench.core.batch import Batch
from clbench.core.keyed import generator
from clbench.strategies.optimisation.ogd import OGD, orthonormal

SGD = {"optimiser": "sgd", "lr": 0.02}
SCENARIOS = ("class", "task", "domain")


class OGDTwin(Twin):
    """Farajtabar et al. 2020, algorithm 1: a list of vectors, one gradient after another, and gradients
    projected before plain SGD."""

    samples_of_task = 10

    def __init__(self, run):
        self.basis = []
        super().__init__(run)
        last = 2 if self.stream.scenario == "task" else 0  # weights and biases of heads of tasks' own
        self.shared = list(self.net.parameters())[: 6 - last]

    def new_optimiser(self, parameters):
        optimiser = torch.optim.SGD(parameters, self.run.budget.lr)
        optimiser.register_step_pre_hook(lambda *_: self.project())
        return optimiser

    def project(self):
        g = torch.cat([p.grad.flatten() for p in self.shared])
        for v in self.basis:
            g = g - (g @ v) * v
        for p, piece in zip(self.shared, g.split([p.numel() for p in self.shared]), strict=True):
            p.grad = piece.view_as(p)

    def after_task(self, t):
        train, draws = self.stream.tasks[t].train, generator(self.seed, "ogd", t)
        chosen = train[torch.randperm(len(train), generator=draws)[: self.samples_of_task]]
        batch = self.stream.gather(chosen.unsqueeze(0))
        for x, y in zip(batch.x[0], batch.y[0], strict=True):
            v = torch.cat([g.flatten() for g in torch.autograd.grad(self.net(x)[y], self.shared)])
            for _ in range(2):
                for u in self.basis:
                    v = v - (v @ u) * u
            self.basis.append(v / v.norm())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ogd(scenario):
    run = make("ogd(samples=10)", scenario, benchmark="blobs_{}(tasks=3)", **SGD)
    twin = OGDTwin(run)
    same_weights(run, twin)
    # What the last task leaves is used by none, and not kept.
    assert run.parts[0].V.shape[1] == 20 and len(twin.basis) == 30


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_steps_are_orthogonal_to_stored_gradients_whose_basis_is_orthonormal(scenario):
    """Of Adam, whose steps leave the space of its gradients."""
    run = make("ogd(samples=10)", scenario, [0, 1])
    plan = until(run, 2)
    before = run.learner.theta.detach().clone()
    for step in range(3):
        run.step(plan.at(step))
    V, step = run.parts[0].V, (run.learner.theta.detach() - before).unsqueeze(-1)
    assert torch.allclose(V[:, :20] @ V[:, :20].mT, torch.eye(20).expand(2, -1, -1), atol=2e-6)
    assert not V[:, 20:].any()
    assert (V @ step).abs().max() < 1e-5 * step.norm(dim=1).min()
    head = torch.cat(
        [run.learner.net.layout.views(V)[f"head.{kind}"].flatten() for kind in ("weight", "bias")]
    )
    assert head.any() == (scenario != "task")


def test_old_outputs_stay_to_first_order():
    def moved(spec):
        run = make(spec, "domain", [0, 1], steps=30, lr=1e-4)
        until(run, 1)
        run.t = 0  # the draw of the first task
        batch = run.stream.gather(run.subset(run.stream.tasks[0].train, 40, "ogd"))
        true = batch.y.unsqueeze(-1)
        before = run.learner.outputs(batch.x).gather(-1, true).detach()
        run.t = 1
        run.learn(run.stream.tasks[1])
        return (run.learner.outputs(batch.x).gather(-1, true) - before).norm(dim=(1, 2))

    ogd, naive = moved("ogd(samples=40)"), moved("naive")
    assert (ogd < naive / 20).all()  # measured: .006 and .007 against .21 and .40


def test_a_gradient_that_adds_nothing_is_left_out():
    draws = generator(0, "test")
    old = torch.linalg.qr(torch.randn(2, 128, 3, generator=draws))[0].mT
    fresh = torch.randn(2, 2, 128, generator=draws)
    nothing = torch.zeros(2, 1, 128)
    rows = torch.cat([fresh[:, :1], nothing, old[:, :1] + 2 * old[:, 2:], fresh[:, 1:], fresh[:, :1]], 1)
    basis = orthonormal(rows, old)
    used = torch.diag(torch.tensor([1.0, 0, 0, 1, 0]))
    assert torch.allclose(basis @ basis.mT, used.expand(2, -1, -1), atol=1e-5)
    assert torch.allclose(basis @ old.mT, torch.zeros(2, 5, 3), atol=1e-5)


def test_frozen_weights_keep_their_bits():
    run = make("packnet+ogd", "task", [0, 1])
    until(run, 2)
    theta, frozen = run.learner.theta.detach().clone(), run.learner.frozen
    run.fit(Batch(samples=run.shuffled(run.stream.tasks[2].train)))
    kept = run.learner.theta.detach() == theta
    assert frozen.any() and kept[frozen].all() and not kept[~frozen].all()


def test_a_basis_of_more_than_a_gigabyte_is_refused():
    run = make("naive", "domain", benchmark="blobs_{}(width=1000)")
    one = 4 * run.learner.net.layout.P * 4  # a gradient of each task but the last
    most = 10**9 // one
    assert OGD(most).supports(run.stream, run.learner.net) is None
    reason = OGD(10 * most).supports(run.stream, run.learner.net)
    assert (
        reason
        == f"samples={10 * most} takes {10 * most * one / 1e9:.1f} GB a seed, more than 1: at most {most}"
    )
