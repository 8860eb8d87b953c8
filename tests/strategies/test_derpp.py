"""DER++ against a plain twin, and what it is for."""

import pytest
import torch
import torch.nn.functional as F
from helpers import make, until
from strategies.test_equations import SGD, Twin, same_weights

from clbench.core.keyed import generator
from clbench.strategies.parts.memory import reservoir

SIZE, ALPHA, BETA, B = 50, 0.3, 0.7, 16


class DERppTwin(Twin):
    """Buzzega et al. 2020: the reservoir as a list, filled row by row after each step."""

    draws = 2

    def __init__(self, run):
        super().__init__(run)
        self.kept, self.count, self.replayed = [], 0, None  # of (sample, outputs)

    def samples(self, t):
        plan, filled = super().samples(t), min(self.count, SIZE)
        u = iter(
            torch.rand(
                len(plan) * B, generator=generator(self.seed, "reservoir", t), dtype=torch.double
            ).tolist()
        )
        places = (len(plan), self.draws * B)
        reads = torch.randint(max(filled, 1), places, generator=generator(self.seed, "replay", t))
        for new, read in zip(plan, reads, strict=True):
            self.replayed = [self.kept[i] for i in read] if t > 0 else None
            yield new
            for sample, out in zip(new[0], self.out, strict=True):
                self.store(sample, out, next(u))

    def store(self, sample, out, u):
        place = self.count if self.count < SIZE else int(u * (self.count + 1))
        if self.count < SIZE:
            self.kept.append(None)
        if place < SIZE:
            self.kept[place] = (sample, out)
        self.count += 1

    def cross_entropy(self, x, y, mask):
        out = self.net(x)
        self.out = out.detach().clone()
        return F.cross_entropy(out.masked_fill(~mask, -1e9), y)

    def penalty(self, x, t):
        if self.replayed is None:
            return 0.0
        batch = self.stream.gather(torch.stack([sample for sample, _ in self.replayed]).unsqueeze(0))
        z, out = torch.stack([z for _, z in self.replayed[:B]]), self.net(batch.x[0])
        labelled = F.cross_entropy(out[B:].masked_fill(~batch.mask[0, B:], -1e9), batch.y[0, B:])
        return ALPHA * F.mse_loss(out[:B], z) + BETA * labelled


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_derpp(scenario):
    run = make(f"derpp(memory={SIZE}, alpha={ALPHA}, beta={BETA})", scenario, **SGD)
    same_weights(run, DERppTwin(run))


def test_every_row_so_far_is_kept_with_the_same_probability():
    run = make("naive", seeds=list(range(500)))
    slots = reservoir(run, 10, 0, 5, 8)  # [5, 500, 8]: 40 rows into 10 slots
    kept = torch.full((500, 11), -1)
    for step, rows in enumerate(slots):
        kept.scatter_(1, rows, torch.arange(8 * step, 8 * step + 8).expand(500, -1))
    counts = torch.bincount(kept[:, :10].flatten(), minlength=40)
    assert counts.sum() == 5000  # all slots filled
    assert (counts - 125).abs().max() < 4.5 * (500 * 0.25 * 0.75) ** 0.5


def test_the_outputs_kept_are_those_of_the_step_that_stored_them():
    run = make("derpp", seeds=[0, 1])
    plan = until(run, 0)
    derpp, draws = run.parts[0], plan.at(0)
    before = run.learner.outputs(run.stream.gather(draws.samples).x).detach()
    run.step(draws)
    assert torch.equal(derpp.stored[:, :16], draws.samples)  # the first rows fill the first slots
    assert torch.allclose(derpp.z[:, :16], before, atol=1e-6)
    assert not torch.allclose(run.learner.outputs(run.stream.gather(draws.samples).x), before, atol=1e-6)


def test_the_memory_holds_as_many_as_it_says():
    run = make("derpp")
    run.train()
    assert run.parts[0].stored.shape == (1, 100, 2) and run.parts[0].stored[0].unique(dim=0).shape[0] > 60
    assert run.parts[0].stored[0, :, 0].unique().tolist() == [0, 1, 2, 3, 4]
