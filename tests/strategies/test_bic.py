"""BiC against a plain twin, and what it is for."""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import make, reason, until
from strategies.test_equations import SGD, Twin, same_weights

from clbench.core.keyed import generator
from clbench.core.part import Part
from clbench.strategies.replay.bic import BiC

SIZE, HELD, T, STEPS, RATE = 43, 0.3, 3.0, 25, 0.05
SPEC = f"bic(memory={SIZE}, held={HELD}, temperature={T}, iterations={STEPS}, rate={RATE})"


class BiCTwin(Twin):
    """Wu et al. 2019: lists of indices; the two stages one after the other, alpha and beta as leaves."""

    def __init__(self, run):
        super().__init__(run)
        self.memory = []  # of each task: a list, the first of which are held out

    def samples(self, t):
        train = self.stream.tasks[t].train
        order = train[torch.randperm(len(train), generator=generator(self.seed, "memory", t))].tolist()
        seen, places = [], []
        for pair in order:
            c = int(self.stream.labels(torch.tensor(pair)))
            places.append(seen.count(c))
            seen.append(c)
        self.order = [order[i] for i in sorted(range(len(order)), key=places.__getitem__)]
        self.held = [kept[: self.count(len(kept))] for kept in self.memory]
        self.held.append(self.order[: self.count(SIZE // max(1, t))])
        current = self.run.shuffled(torch.tensor(self.order[len(self.held[-1]) :]))
        if t == 0:
            return current
        stored = [
            pair for kept, held in zip(self.memory, self.held, strict=False) for pair in kept[len(held) :]
        ]
        return torch.cat([current, self.run.shuffled(torch.tensor(stored), purpose="replay")], 2)

    @staticmethod
    def count(kept):
        return max(1, int(HELD * kept))

    def before_task(self, t):
        self.teacher = copy.deepcopy(self.net)
        self.old, self.new = 2 * t, 2

    def cross_entropy(self, x, y, mask):
        return self.new / (self.old + self.new) * super().cross_entropy(x, y, mask)

    def penalty(self, x, t):
        if t == 0:
            return 0.0
        with torch.no_grad():
            target = F.softmax(self.teacher(x)[:, : self.old] / T, 1)
        distilled = F.cross_entropy(self.net(x)[:, : self.old] / T, target)
        return self.old / (self.old + self.new) * distilled

    def after_task(self, t):
        if t:
            self.correct(slice(self.old, self.old + self.new))
        share = SIZE // (t + 1)
        self.memory = [kept[:share] for kept in (*self.memory, self.order)]

    def correct(self, new):
        rows = torch.tensor([pair for held in self.held for pair in held]).unsqueeze(0)
        batch = self.stream.gather(rows)
        o = self.net(batch.x[0]).detach()
        alpha, beta = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
        optimiser = torch.optim.Adam([alpha, beta], RATE)
        for _ in range(STEPS):
            q = torch.cat([o[:, : new.start], alpha * o[:, new] + beta, o[:, new.stop :]], 1)
            optimiser.zero_grad()
            F.cross_entropy(q, batch.y[0]).backward()
            optimiser.step()
        head = self.net[-1]
        head.weight.data[new] *= alpha.detach()
        head.bias.data[new] = alpha.detach() * head.bias.data[new] + beta.detach()


@pytest.mark.parametrize("budget", [{}, SGD], ids=["adam", "sgd"])
def test_bic(budget):
    run = make(SPEC, **budget)
    same_weights(run, BiCTwin(run))


class CorrectLater(BiC):
    """Does without stage 2, so that a test can do it."""

    stage_2 = BiC.correct

    def correct(self, new):
        pass


def test_the_correction_brings_new_outputs_nearer_to_the_old_ones():
    """On split digits, on test data of all ten classes, as many of each: at least .45 of the answers are one
    of the two newest before, at most .28 afterwards; .2 is right."""
    run = make(
        "naive", extra=[CorrectLater(memory=200, held=0.3)], seeds=[0, 1, 2], benchmark="split_digits_{}"
    )
    run.train()
    part, new = run.parts[1], run.stream.tasks[-1].classes
    x = torch.cat([run.stream.test(t, slice(None)) for t in range(5)], 1).expand(3, -1, -1)

    def gap_and_share():
        out = run.learner.outputs(x).detach()
        gap = out[..., new].mean((1, 2)) - out[..., ~new].mean((1, 2))
        return gap, new[out.argmax(-1)].float().mean(-1)

    before, biased = gap_and_share()
    old_outputs = run.learner.outputs(x).detach()[..., ~new]
    part.kept = part.kept[:-1]  # as before the last task ended
    part.stage_2(new)
    after, corrected = gap_and_share()
    assert (before > 0).all() and (after.abs() < 0.8 * before).all()
    assert (biased > 0.3).all() and ((corrected - 0.2).abs() < 0.7 * (biased - 0.2)).all()
    assert torch.equal(run.learner.outputs(x).detach()[..., ~new], old_outputs)


def test_held_out_rows_are_balanced_and_never_trained_on():
    trained = set()

    class Watch(Part):
        def after_step(self, batch):
            trained.update(map(tuple, batch.samples[0].tolist()))

    run = make("bic(memory=100, held=0.2)", extra=[Watch()], steps=20)
    bic = run.parts[0]
    for t, task in enumerate(run.stream.tasks):
        run.t, before = t, bic.kept
        run.learn(task)
        held = torch.cat([bic.held_out(kept) for kept in (*before, bic.new)], 1)[0]
        assert not trained & set(map(tuple, held.tolist()))
        counts = torch.bincount(run.stream.labels(held), minlength=10)[: 2 * (t + 1)]
        assert counts.max() - counts.min() <= 1 and counts.min() >= 1
        assert bic.stored.shape == (1, 100 // (t + 1) * (t + 1), 2)
    assert len(trained) > 400


def test_the_distillation_is_weighed_by_the_share_of_old_classes():
    run = make("bic", seeds=[0, 1])
    batch = run.batch(until(run, 3).at(0))
    assert torch.allclose(batch.weight.sum(1), torch.tensor(1 - 6 / 8))
    assert run.parts[0].lam == 6 / 8 and make("bic").parts[0].kept == []


def test_refuses_what_it_cannot_correct():
    for scenario in ("task", "domain"):
        assert "compete in class-incremental streams only" in reason("bic", scenario)
    assert reason("bic", "class") is None
    stream, net = make("naive").stream, make("naive").learner.net
    assert BiC(memory=9).supports(stream, net) == "memory=9 is smaller than two for each of 5 tasks"
    assert "larger than the 600" in BiC(memory=601).supports(stream, net)
    columns = make("progressive", "task").learner.net
    assert BiC().supports(stream, columns).endswith("has no linear last layer")
    stream.tasks[1] = stream.tasks[0]
    assert BiC().supports(stream, net) == "every task has to bring new classes; here one comes back"
