"""GEM against a plain twin with an exact solver, and what it is for."""

import pytest
import torch
from helpers import make, until
from scipy.optimize import nnls
from strategies.test_equations import SGD, Twin, same_weights

from clbench.core.batch import Batch
from clbench.core.keyed import generator
from clbench.strategies.parts.dual import solve_dual

RIDGE = 1e-5


def exact(G, g, margin, solver):
    """The dual variables of the problem that the method states, with a unit diagonal and a ridge, in double
    precision."""
    G, g = G.double(), g.double()
    size = G.norm(dim=1)
    Q = (G @ G.T) / size.outer(size) + RIDGE * torch.eye(len(G))
    return (torch.from_numpy(solver(Q, G @ g / size, margin * size)) / size).float()


def by_nnls(Q, p, low):
    """u = v - low; Q = L L': the least |L' u + L^-1 (p + Q low)|."""
    L = torch.linalg.cholesky(Q)
    target = -torch.linalg.solve_triangular(L, (p + Q @ low).unsqueeze(1), upper=False).squeeze(1)
    return nnls(L.T.numpy(), target.numpy())[0] + low.numpy()


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_the_dual_equals_quadprogs(margin):
    quadprog = pytest.importorskip("quadprog")

    def by_quadprog(Q, p, low):
        return quadprog.solve_qp(Q.numpy(), -p.numpy(), torch.eye(len(p)).double().numpy(), low.numpy())[0]

    draws, inside = generator(0, "gem"), 0
    for t in range(1, 10):
        for _ in range(20):
            common = torch.randn(200, generator=draws)  # in all constraints, and partly in g's way
            G = torch.randn(t, 200, generator=draws) + 6 * torch.rand(1, generator=draws) * common
            G *= (-5 * torch.rand(t, 1, generator=draws)).exp()
            g = torch.randn(200, generator=draws) - torch.randn(1, generator=draws) * common
            v, best = solve_dual((G @ G.T)[None], (G @ g)[None], margin)[0], exact(G, g, margin, by_quadprog)
            ours, theirs = g + v @ G, g + best @ G
            assert (ours - theirs).norm() < 1e-5 * theirs.norm()  # measured: at most 2e-6
            assert torch.cosine_similarity(G, ours.unsqueeze(0)).min() > -1e-4  # the ridge leaves 3e-5
            assert v.min() >= margin
            inside += (v > margin).sum()
    assert inside > 50  # not all at the margin


class GEMTwin(Twin):
    """Lopez-Paz & Ranzato 2017: a list of gradients, an `if`, scipy's solver."""

    def __init__(self, run):
        super().__init__(run)
        self.memory = []
        self.optimiser.register_step_pre_hook(lambda *_: self.project())

    def project(self):
        parameters = list(self.net.parameters())
        g = torch.cat([p.grad.flatten() for p in parameters])
        rows = []
        for kept in self.memory:
            batch = self.stream.gather(kept.unsqueeze(0))
            gradient = torch.autograd.grad(
                self.cross_entropy(batch.x[0], batch.y[0], batch.mask[0]), parameters
            )
            rows.append(torch.cat([one.flatten() for one in gradient]))
        if rows and (torch.stack(rows) @ g < 0).any():
            g = g + exact(torch.stack(rows), g, 0.05, by_nnls) @ torch.stack(rows)
            for p, one in zip(parameters, g.split([p.numel() for p in parameters]), strict=True):
                p.grad.copy_(one.view_as(p))

    def after_task(self, t):
        train = self.stream.tasks[t].train
        self.memory.append(
            train[torch.randperm(len(train), generator=generator(self.seed, "memory", t))[:20]]
        )


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_gem(scenario):
    run = make("gem(memory=100, margin=0.05)", scenario, **SGD)
    same_weights(run, GEMTwin(run))


@pytest.mark.parametrize("spec", ["gem", "lwf+gem"])
def test_gem_keeps_every_constraint_and_leaves_alone_what_violates_none(spec):
    violated = []
    for t in (1, 3):
        run = make(spec, "task", seeds=[0, 1, 2])
        plan, gem = until(run, t), run.parts[-1]
        for step in range(12):
            draws = plan.at(step)
            batch = Batch({**draws, **run.stream.gather(draws.samples)})
            for part in run.parts:
                batch = part.batch(batch)
            g = run.learner.gradient(run.loss, batch).g
            G = torch.stack([run.gradient(run.stream.gather(kept)) for kept in gem.tasks], 1)
            against = (torch.cosine_similarity(G, g.unsqueeze(1), -1) < 0).any(1)
            projected = gem.gradient(g, batch)
            assert torch.equal(projected[~against], g[~against])
            assert torch.cosine_similarity(G, projected.unsqueeze(1), -1).min() > -1e-4
            violated.append(against)
            run.step(draws)
        assert torch.bincount(gem.stored[0, :, 0]).tolist() == [20] * t
    assert 0 < torch.stack(violated).sum() < 72
