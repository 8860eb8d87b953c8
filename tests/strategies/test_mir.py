"""MIR against a plain twin, and what it is for."""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import make, until
from strategies.test_equations import SGD, ERTwin, Twin, same_weights

from clbench.core.keyed import generator


class MIRTwin(ERTwin):
    """Aljundi et al. 2019: a copy of the network and its optimiser takes the virtual step, the candidates,
    drawn anew in every step, are looked at one by one."""

    def samples(self, t):
        current = Twin.samples(self, t)
        return self.with_the_most_interfered(current) if self.memory else current

    def with_the_most_interfered(self, current):
        kept = torch.tensor([(k, i) for k, task in enumerate(self.memory) for i in task])
        draws = generator(self.seed, "candidates", self.run.t)
        for new in current:
            candidates = kept[torch.randperm(len(kept), generator=draws)[:40]].unsqueeze(0)
            rises = torch.tensor(self.rises(new, candidates))
            yield torch.cat([new, candidates[:, rises.argsort(descending=True)[:10]]], 1)

    def rises(self, new, candidates):
        """How much the loss on each candidate rises by a step on the new rows."""
        batch, (virtual, optimiser) = self.stream.gather(new), copy.deepcopy((self.net, self.optimiser))
        optimiser.zero_grad()
        F.cross_entropy(virtual(batch.x[0]).masked_fill(~batch.mask[0], -1e9), batch.y[0]).backward()
        optimiser.step()

        def loss_on(net, sample):
            row = self.stream.gather(sample.view(1, 1, 2))
            return F.cross_entropy(net(row.x[0]).masked_fill(~row.mask[0], -1e9), row.y[0]).item()

        return [loss_on(virtual, sample) - loss_on(self.net, sample) for sample in candidates[0]]


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_mir(scenario):
    # Few steps: rounding may let the tenth and the eleventh candidate change places.
    run = make("mir(memory=100, candidates=40, rows=10)", scenario, **SGD, steps=6)
    same_weights(run, MIRTwin(run))


def test_mir_replays_the_rows_whose_loss_would_rise_most():
    run = make("mir(memory=100, candidates=40)", seeds=[0, 1], steps=20)
    plan = until(run, 2)
    batch, draws = run.batch(plan.at(0)), plan.at(0).for_part(0)
    theta, g = run.learner.theta.detach(), run.gradient(run.stream.gather(draws.samples))
    virtual = run.learner.foresee(g)
    candidates = run.stream.gather(draws.candidates)
    rise = run.row_losses(candidates, virtual) - run.row_losses(candidates, theta)
    replayed = run.stream.gather(batch.samples[:, 16:])
    chosen = run.row_losses(replayed, virtual) - run.row_losses(replayed, theta)
    assert batch.samples.shape == (2, 32, 2) and draws.candidates.shape == (2, 40, 2)
    assert torch.allclose(chosen.sort().values, rise.sort().values[:, -16:], atol=1e-6)
    assert (rise.std(-1) > 1e-3).all()


@pytest.mark.parametrize(
    ("arguments", "candidates", "replayed"),
    [("memory=100", 80, 16), ("memory=50", 50, 16), ("memory=100, rows=4", 20, 4), ("memory=6", 6, 6)],
)
def test_five_candidates_for_each_row_that_is_replayed_where_the_memory_has_as_many(
    arguments, candidates, replayed
):
    run = make(f"mir({arguments})")
    plan = until(run, 1)
    assert plan.at(0).for_part(0).candidates.shape[1] == candidates
    assert run.batch(plan.at(0)).y.shape[1] == 16 + replayed
