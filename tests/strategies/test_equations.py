"""Every method against a slow twin in plain PyTorch: nn.Module, torch.optim, autograd, one seed, one task at
a time.

Under SGD with momentum: Adam's g / sqrt(v) blows up the rounding of gradients that are zero but for it (LwF's
first step).
"""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import make, until

from clbench.core.keyed import generator
from clbench.core.part import Part

SCENARIOS = ("class", "task")
SGD = {
    "optimiser": "sgd",
    "lr": 0.02,
    "momentum": 0.9,
}  # at 0.05 weights move by 10, and rounding grows with them


class Twin:
    """The plain loop. Subclasses override `penalty` (beside cross-entropy) and `after_task`."""

    def __init__(self, run):
        self.run, self.stream, self.seed = run, run.stream, run.seeds[0]
        self.net = run.learner.net.module(run.learner.initial[0])
        self.optimiser = self.new_optimiser(self.net.parameters())

    def new_optimiser(self, parameters):
        if self.run.budget.optimiser == "adam":
            return torch.optim.Adam(parameters, 1e-3)
        return torch.optim.SGD(parameters, self.run.budget.lr, momentum=0.9)

    def train(self):
        for t in range(len(self.stream.tasks)):
            self.run.t = t
            self.before_task(t)
            for samples in self.samples(t):
                batch = self.stream.gather(samples)
                x, y, mask = batch.x[0], batch.y[0], batch.mask[0]
                self.optimiser.zero_grad()
                (self.cross_entropy(x, y, mask) + self.penalty(x, t)).backward()
                self.optimiser.step()
            self.after_task(t)
        return self

    def cross_entropy(self, x, y, mask):
        return F.cross_entropy(self.net(x).masked_fill(~mask, -1e9), y)

    def samples(self, t):
        return self.run.shuffled(self.stream.tasks[t].train)

    def penalty(self, x, t):
        return 0.0

    def before_task(self, t):
        pass

    def after_task(self, t):
        pass


def same_weights(run, twin):
    run.train()
    ours = run.learner.net.layout.views(run.learner.theta.detach()[0])
    theirs = list(twin.train().net.parameters())
    assert (
        max((a - b).abs().max() for a, b in zip(ours.values(), theirs, strict=True)) < 5e-6
    )  # measured: at most 5e-7


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_naive(scenario, optimiser):
    run = make("naive", scenario, **optimiser)
    same_weights(run, Twin(run))


class EWCTwin(Twin):
    """Kirkpatrick et al. 2017, equation 3: every anchor apart, the penalty through autograd, batches of
    one."""

    lam, count = 100.0, 64

    def __init__(self, run):
        super().__init__(run)
        self.anchors = []

    def penalty(self, x, t):
        return (
            self.lam
            / 2
            * sum(
                (fisher * (p - anchor).square()).sum()
                for past in self.anchors
                for p, fisher, anchor in zip(self.net.parameters(), *past, strict=True)
            )
        )

    def after_task(self, t):
        samples = self.run.shuffled(self.stream.tasks[t].train, rows=self.count, steps=1, purpose="fisher")[0]
        batch = self.stream.gather(samples)
        u = torch.rand(self.count, 1, generator=generator(self.seed, "fisher labels", t))
        fisher = [torch.zeros_like(p) for p in self.net.parameters()]
        for x, mask, place in zip(batch.x[0], batch.mask[0], u, strict=True):
            log_p = self.net(x).masked_fill(~mask, -1e9).log_softmax(-1)
            y = int((log_p.exp().cumsum(-1) < place).sum())
            for total, g in zip(fisher, torch.autograd.grad(log_p[y], self.net.parameters()), strict=True):
                total += g.square() / self.count
        self.anchors.append((fisher, [p.detach().clone() for p in self.net.parameters()]))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ewc(scenario):
    run = make("ewc", scenario, **SGD | {"lr": 0.01})
    same_weights(run, EWCTwin(run))


class LwFTwin(Twin):
    """Li & Hoiem 2016: one softmax per set of old outputs, torch's own kl_div."""

    T = 2.0

    def before_task(self, t):
        self.teacher = copy.deepcopy(self.net)

    def penalty(self, x, t):
        old, T = [task.classes for task in self.stream.tasks[:t]], self.T
        heads = old if self.stream.scenario == "task" else [torch.stack(old).any(0)] if old else []
        with torch.no_grad():
            targets = self.teacher(x)
        out = self.net(x)
        return sum(
            T**2
            * F.kl_div(
                F.log_softmax(out[:, head] / T, -1),
                F.softmax(targets[:, head] / T, -1),
                reduction="batchmean",
            )
            for head in heads
        )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_lwf(scenario):
    run = make("lwf", scenario, **SGD)
    same_weights(run, LwFTwin(run))


class ERTwin(Twin):
    """Chaudhry et al. 2019: a list of indices per task, cut to size // tasks as tasks come."""

    size = 100

    def __init__(self, run):
        super().__init__(run)
        self.memory = []

    def samples(self, t):
        current = super().samples(t)
        if not self.memory:
            return current
        memory = torch.tensor([(k, i) for k, kept in enumerate(self.memory) for i in kept]).unsqueeze(0)
        return torch.cat([current, self.run.shuffled(memory, purpose="replay")], 2)

    def after_task(self, t):
        share, train = self.size // (t + 1), self.stream.tasks[t].train
        self.memory = [kept[:share] for kept in self.memory]
        order = torch.randperm(len(train), generator=generator(self.seed, "memory", t))
        self.memory.append(train[order[:share], 1].tolist())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_er(scenario):
    run = make("er", scenario, **SGD)
    same_weights(run, ERTwin(run))


class JointTwin(Twin):
    """A new network with the same initial weights on all data so far, for k N steps."""

    def before_task(self, t):
        self.__class__.__base__.__init__(self, self.run)

    def samples(self, t):
        seen = torch.cat([task.train for task in self.stream.tasks[: t + 1]])
        return self.run.shuffled(seen, steps=self.steps(t))

    def steps(self, t):
        return self.run.steps * (t + 1)


class JointEqualTwin(JointTwin):
    def steps(self, t):
        return self.run.steps


class CumulativeTwin(JointEqualTwin):
    def before_task(self, t):
        pass


class CumulativeSeenTwin(JointTwin):
    def before_task(self, t):
        pass


@pytest.mark.parametrize(
    ("spec", "twin"),
    [
        ("joint", JointTwin),
        ("joint_equal", JointEqualTwin),
        ("cumulative", CumulativeTwin),
        ("cumulative(budget='seen')", CumulativeSeenTwin),
    ],
)
def test_training_on_all_data(spec, twin):
    run = make(spec, **SGD)
    same_weights(run, twin(run))


class HeadOnlyTwin(Twin):
    """After the first task a new optimiser over the head alone."""

    def before_task(self, t):
        if t == 1:
            self.optimiser = self.new_optimiser(list(self.net.parameters())[-2:])


def test_head_only():
    run = make("head_only", **SGD)
    same_weights(run, HeadOnlyTwin(run))


# ---- what each method is for


@pytest.mark.parametrize("name", ["joint", "joint_equal", "cumulative"])
def test_the_first_row_of_joint_is_naive_bit_for_bit(name):
    assert torch.equal(make(name, seeds=[0, 1]).train()[:, 1], make("naive", seeds=[0, 1]).train()[:, 1])


def test_ewc_holds_important_weights_in_place():
    def moved(spec):
        run = make(spec, steps=30)
        until(run, 1)
        anchor = run.learner.theta.detach().clone()
        run.learn(run.stream.tasks[1])
        return (run.learner.theta - anchor).norm()

    assert moved("ewc(lam=1e5, samples=64)") < 0.5 * moved("naive")


def test_lwf_keeps_the_old_outputs():
    def drift(spec):
        run = make(spec, "task", steps=30)
        until(run, 1)
        x, old = run.stream.gather(run.stream.tasks[1].train.unsqueeze(0)).x, run.stream.tasks[0].classes
        before = run.learner.outputs(x).detach()[..., old].softmax(-1)
        run.learn(run.stream.tasks[1])
        return (run.learner.outputs(x)[..., old].softmax(-1) - before).abs().mean()

    assert drift("lwf(lam=10)") < 0.5 * drift("naive")


def test_er_replays_as_many_stored_rows_as_new_ones():
    rows = []

    class Watch(Part):
        def after_step(self, batch):
            rows.append((batch.task[0] == self.run.t).sum().item())
            assert batch.y.shape[1] == (16 if self.run.t == 0 else 32)

    run = make("er", extra=[Watch()], steps=60)
    acc = run.train()
    assert rows == [16] * 300
    assert acc[:, -1, :4].mean() > make("naive", steps=60).train()[:, -1, :4].mean() + 0.2
    assert run.parts[0].stored.shape == (1, 100, 2)
    assert torch.bincount(run.parts[0].stored[0, :, 0]).tolist() == [20] * 5


def test_head_only_leaves_the_body_alone():
    run = make("head_only")
    until(run, 1)
    before = run.learner.net.layout.views(run.learner.theta.detach().clone())
    run.learn(run.stream.tasks[1])
    for name, after in run.learner.net.layout.views(run.learner.theta.detach()).items():
        assert torch.equal(before[name], after) == (not name.startswith("head"))


@pytest.mark.parametrize(("spec", "taught"), [("er+lwf", 32), ("lwf+er", 32)])
def test_parts_compose(spec, taught):
    """er changes the plan, so its rows are there before any `batch` hook, whatever the order."""
    run = make(spec, seeds=[0, 1])
    plan = until(run, 1)
    lwf = next(part for part in run.parts if hasattr(part, "temperature"))
    seen, distance = [], lwf.distance
    lwf.distance = lambda out, teacher: seen.append(len(teacher)) or distance(out, teacher)
    run.step(plan.at(0))
    assert seen == [taught]
    assert torch.isfinite(make("er+ewc+lwf").train()).all()
