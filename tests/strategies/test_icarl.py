"""iCaRL against a plain twin, and what it is for."""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import make, until
from strategies.test_equations import SGD, Twin, same_weights

from clbench.core.keyed import generator
from clbench.strategies.parts.herding import herding

MEMORY, HERDED = 60, 40


def slow_herding(phi, m):
    """Algorithm 4 as printed, one example at a time, in double precision."""
    phi, chosen = phi.double(), []
    for k in range(1, m + 1):
        total = phi[chosen].sum(0)
        distances = [
            (phi.mean(0) - (total + one) / k).norm().item() if i not in chosen else float("inf")
            for i, one in enumerate(phi)
        ]
        chosen.append(min(range(len(phi)), key=distances.__getitem__))
    return chosen


class ICaRLTwin(Twin):
    """Rebuffi et al. 2017: losses class by class, exemplars as lists by class."""

    def __init__(self, run):
        super().__init__(run)
        self.exemplars, self.t = {}, 0  # class -> [m, 2]

    def before_task(self, t):
        self.t, self.old = t, copy.deepcopy(self.net)

    def samples(self, t):
        everything = torch.cat([self.stream.tasks[t].train, *self.exemplars.values()])
        return self.run.shuffled(everything)

    def cross_entropy(self, x, y, mask):
        with torch.no_grad():
            targets = self.old(x).sigmoid()
        out, loss = self.net(x), 0.0
        for c in range(2 * self.t + 2):
            if c >= 2 * self.t:
                loss += (
                    F.binary_cross_entropy_with_logits(out[:, c], (y == c).float(), reduction="none")
                    * mask[:, c]
                ).mean()
            else:
                loss += F.binary_cross_entropy_with_logits(out[:, c], targets[:, c])
        return loss

    def features(self, samples):
        return F.normalize(self.net[:-1](self.stream.gather(samples.unsqueeze(0)).x[0]).detach(), dim=-1)

    def after_task(self, t):
        share = MEMORY // (2 * t + 2)
        self.exemplars = {c: kept[:share] for c, kept in self.exemplars.items()}
        train = self.stream.tasks[t].train
        for c in (2 * t, 2 * t + 1):
            own = train[self.stream.images.y[train[:, 1]] == c]
            own = own[torch.randperm(len(own), generator=generator(self.seed, f"herding {c}", t))[:HERDED]]
            self.exemplars[c] = own[slow_herding(self.features(own), share)]


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_icarl(scenario):
    run = make(f"icarl(memory={MEMORY}, herded={HERDED})", scenario, **SGD, steps=8)
    twin = ICaRLTwin(run)
    same_weights(run, twin)
    icarl = run.parts[0]
    assert all(torch.equal(icarl.exemplars[c][0], twin.exemplars[c]) for c in range(10))
    x = run.stream.test(0, slice(0, 20))
    means = torch.stack([F.normalize(twin.features(twin.exemplars[c]).mean(0), dim=0) for c in range(10)])
    nearest = [
        min(range(10), key=lambda c: (one - means[c]).norm().item())
        for one in F.normalize(twin.net[:-1](x[0]), dim=-1)
    ]
    assert run.predict(x, None)[0].argmax(-1).tolist() == nearest


def test_herding_is_the_greedy_choice_and_comes_nearer_than_chance():
    phi = F.normalize(torch.randn(2, 60, 8, generator=generator(0, "herding")) + 1, dim=-1)
    chosen = herding(phi, 20)
    assert [row.tolist() for row in chosen] == [slow_herding(one, 20) for one in phi]
    for one, row in zip(phi, chosen, strict=True):
        draws = generator(1, "herding")
        chance = [
            (one[torch.randperm(60, generator=draws)[:20]].mean(0) - one.mean(0)).norm() for _ in range(200)
        ]
        assert (one[row].mean(0) - one.mean(0)).norm() < 0.3 * sum(chance) / 200  # measured: 0.21 and 0.24


def test_distillation_keeps_the_old_outputs():
    def drift(spec, off):
        run = make(spec, steps=100)
        until(run, 1)
        x = run.stream.gather(run.stream.tasks[1].train.unsqueeze(0)).x
        before = run.learner.outputs(x).detach()[..., :2].sigmoid()
        if off:
            run.parts[0].losses = lambda out, batch: None
        run.learn(run.stream.tasks[1])
        return (run.learner.outputs(x)[..., :2].sigmoid() - before).abs().mean()

    assert drift("icarl", off=False) < 0.5 * drift("icarl", off=True)


def test_every_class_so_far_has_as_many_exemplars():
    run = make("icarl", seeds=[0, 1])
    for t in range(5):
        run.t = t
        run.learn(run.stream.tasks[t])
        stored = run.parts[0].stored
        for s in range(2):
            counts = torch.bincount(run.stream.images.y[stored[s, :, 1]])
            assert counts.tolist() == [100 // (2 * t + 2)] * (2 * t + 2)


def test_too_small_a_memory_gets_a_reason():
    run = make("naive")
    icarl = make("icarl").parts[0]
    icarl.memory = 9
    assert icarl.supports(run.stream, None) == "memory=9 is smaller than the number of classes, 10"
