"""A-GEM against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, until
from strategies.test_equations import SGD, ERTwin, Twin, same_weights

from clbench.core.keyed import generator


class AGEMTwin(ERTwin):
    """Chaudhry et al. 2019: the projection with an `if`; a reference batch drawn anew from ER's memory in
    every step."""

    def __init__(self, run):
        super().__init__(run)
        self.optimiser.register_step_pre_hook(lambda *_: self.project())

    def samples(self, t):
        self.kept = torch.tensor([(k, i) for k, task in enumerate(self.memory) for i in task])
        self.draws = generator(self.seed, "reference", t)
        return Twin.samples(self, t)

    def project(self):
        if not self.memory:
            return
        reference = self.kept[torch.randperm(len(self.kept), generator=self.draws)[:24]]
        batch, parameters = self.stream.gather(reference.unsqueeze(0)), list(self.net.parameters())
        r = torch.autograd.grad(self.cross_entropy(batch.x[0], batch.y[0], batch.mask[0]), parameters)
        dot = sum((p.grad * one).sum() for p, one in zip(parameters, r, strict=True))
        if dot < 0:
            for p, one in zip(parameters, r, strict=True):
                p.grad -= dot / sum(each.square().sum() for each in r) * one


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_agem(scenario):
    run = make("agem(memory=100, rows=24)", scenario, **SGD)
    same_weights(run, AGEMTwin(run))


@pytest.mark.parametrize("spec", ["agem", "lwf+agem", "ewc(lam=1)+agem"])
def test_agem_turns_a_gradient_only_where_it_goes_against_the_memory(spec):
    run = make(spec, "task", seeds=[0, 1, 2])
    plan, conflicts = until(run, 2), []
    for step in range(12):
        draws = plan.at(step)
        batch = run.batch(draws)
        g = run.learner.gradient(run.loss, batch).g
        batch = batch.for_part(len(run.parts) - 1)
        r = run.gradient(run.stream.gather(batch.reference))
        for part in run.parts[:-1]:
            g = part.gradient(g, batch)
        projected = run.parts[-1].gradient(g.clone(), batch)
        against = torch.cosine_similarity(g, r) < 0
        assert torch.equal(projected[~against], g[~against])
        assert (torch.cosine_similarity(projected[against], r[against]).abs() < 1e-5).all()
        conflicts.append(against)
        run.step(draws)
    assert 0 < torch.stack(conflicts).sum() < 36


def test_agem_costs_the_same_after_any_number_of_tasks():
    """As many stored rows of every task, and one reference batch a step."""
    run, seen = make("agem", benchmark="blobs_{}(tasks=20)"), []
    for t in range(20):
        run.t, before = t, run.samples_seen
        run.learn(run.stream.tasks[t])
        seen.append(run.samples_seen - before)
        assert torch.bincount(run.parts[0].stored[0, :, 0]).tolist() == [100 // (t + 1)] * (t + 1)
    assert seen == [12 * 16] + [12 * 32] * 19
