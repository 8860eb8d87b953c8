"""Self-supervised features: the losses, a twin alone and as a start, and what the labels do."""

import copy
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import make, parts_of, refused, until
from strategies.test_equations import SGD
from torch import nn

from clbench import registry
from clbench.core.keyed import generator
from clbench.core.part import Part
from clbench.execution.own import OwnStrategy
from clbench.models import by_name
from clbench.models.mlp import MLP
from clbench.models.projected import standardise
from clbench.strategies.parts.probe import probe
from clbench.strategies.parts.two_views import barlow_twins, simsiam
from clbench.strategies.representation.self_supervised import SelfSupervised

LAM, HIDDEN, WIDTH, SIZE, B = 0.03, 0.3, 8, 40, 16
BOTH = pytest.mark.parametrize("method", ["barlow_twins", "simsiam"])


def rows(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- the losses


def test_barlow_twins_against_a_loop():
    z, other = (standardise(rows(9, 5, seed=seed)) for seed in (1, 2))
    loss = 0.0
    for i, j in itertools.product(range(5), repeat=2):
        C = sum(float(z[b, i]) * float(other[b, j]) for b in range(9)) / 9
        loss += (1 - C) ** 2 if i == j else LAM * C**2
    assert float(barlow_twins(z, other, LAM)) == pytest.approx(loss / 5, rel=1e-5)


def test_barlow_twins_is_0_where_views_agree_and_columns_do_not():
    centred = rows(32, 6).double() - rows(32, 6).double().mean(0)
    z = torch.linalg.qr(centred).Q * 32**0.5  # columns of mean 0 and variance 1, at right angles
    assert float(barlow_twins(z, z, LAM)) < 1e-12
    assert float(barlow_twins(z, z.flip(1), LAM)) > 0.9


def test_simsiam_stops_the_gradient_at_the_projections():
    """Against a twin whose targets are numbers; that of a loss without the stop is another one."""
    z, other, p, q = (rows(7, 4, seed=seed).requires_grad_() for seed in range(4))
    simsiam(z, other, p, q).backward()
    assert z.grad is None and other.grad is None
    for one, target in ((p, other), (q, z)):
        for b in range(7):
            own, towards = one.detach()[b].numpy().astype(float), target.detach()[b].numpy().astype(float)
            length, cos = np.linalg.norm(own), own @ towards / np.linalg.norm(own) / np.linalg.norm(towards)
            due = -(towards / np.linalg.norm(towards) - cos * own / length) / length / 2 / 7
            assert np.allclose(one.grad[b], due, atol=1e-6)


# ---- a plain twin


def linear(weight, bias):
    layer = nn.Linear(*weight.shape[::-1])
    with torch.no_grad():
        layer.weight.copy_(weight), layer.bias.copy_(bias)
    return layer


class UnlabelledTwin:
    """A body, a head, a projector and a predictor of torch's own, and views made row by row."""

    def __init__(self, run, tensors, method):
        self.run, self.method = run, method
        layers = {name: linear(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names(tensors)}
        self.body = nn.Sequential(layers["hidden0"], nn.ReLU(), layers["hidden1"], nn.ReLU())
        self.head = layers["head"]
        self.projector = nn.Sequential(layers["projector0"], nn.ReLU(), layers["projector1"])
        learnt = [self.body, self.projector]
        if method == "simsiam":
            self.predictor = nn.Sequential(layers["predictor0"], nn.ReLU(), layers["predictor1"])
            learnt.append(self.predictor)
        self.learnt = nn.ModuleList(learnt)
        self.optimiser = torch.optim.SGD(self.learnt.parameters(), SGD["lr"], momentum=0.9)
        train = run.stream.tasks[0].train
        first = train[torch.randperm(len(train), generator=generator(run.seeds[0], "mean input"))[:256]]
        self.mean = run.stream.gather(first.unsqueeze(0)).x[0].mean(0)

    def learn(self, plan, t):
        seed, (steps, n, _) = self.run.seeds[0], plan[:, 0].shape
        masks = torch.rand(1, 512, len(self.mean), generator=generator(seed, "masks", t))[0] < HIDDEN
        numbers = torch.randint(512, (steps, n, 2), generator=generator(seed, "views", t))
        for samples, number in zip(plan[:, 0], numbers, strict=True):
            x = self.run.stream.gather(samples.unsqueeze(0)).x[0]
            one, other = (self.project(self.view(x, masks[number[:, side]])) for side in (0, 1))
            self.optimiser.zero_grad()
            self.loss(one, other).backward()
            self.optimiser.step()

    def view(self, x, hidden):
        return torch.stack([self.mean * h + row * ~h for row, h in zip(x, hidden, strict=True)])

    def project(self, x):
        z = self.projector(self.body(x))
        return (z - z.mean(0)) / (z.var(0, unbiased=False).sqrt() + 1e-2)

    def loss(self, z, other):
        if self.method == "barlow_twins":
            C = (z.T @ other) / len(z)
            off = C - C.diag().diag()
            return ((1 - C.diag()).pow(2).sum() + LAM * off.pow(2).sum()) / WIDTH
        pairs = ((self.predictor(z), other), (self.predictor(other), z))
        return -sum(F.cosine_similarity(p, target.detach()).mean() for p, target in pairs) / 2


def names(tensors):
    return dict.fromkeys(name.rpartition(".")[0] for name in tensors)


def same(tensor, theirs):
    """Measured: at most 4e-7."""
    return (tensor - theirs).norm() < 1e-5 * theirs.norm()


@BOTH
@pytest.mark.parametrize("scenario", ["class", "domain"])
def test_alone(scenario, method):
    spec = f"self_supervised(method='{method}', memory={SIZE}, lam={LAM}, hidden={HIDDEN}, width={WIDTH})"
    run = make(spec, scenario, benchmark="blobs_{}(tasks=3)", **SGD)
    twin = UnlabelledTwin(run, run.learner.net.layout.views(run.learner.initial[0]), method)
    run.train()
    kept = []
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        plan = run.shuffled(task.train)
        if kept:
            memory = torch.cat(kept).unsqueeze(0)
            plan = torch.cat([plan[:, :, : B // 2], run.shuffled(memory, B // 2, purpose="replay")], 2)
        twin.learn(plan, t)
        order = torch.randperm(len(task.train), generator=generator(0, "memory", t))
        kept = [one[: SIZE // (t + 1)] for one in kept] + [task.train[order[: SIZE // (t + 1)]]]
    ours = run.learner.net.layout.views(run.learner.theta.detach()[0])
    theirs = list(twin.learnt.parameters())
    learnt = [tensor for name, tensor in ours.items() if not name.startswith("head")]
    assert all(same(*pair) for pair in zip(learnt, theirs, strict=True))
    assert torch.equal(run.parts[0].stored[0], torch.cat(kept))
    assert set(ridge_of(twin, torch.cat(kept), ours)) == {True}


def ridge_of(twin, kept, ours):
    """Whether the head is the ridge regression on the stored rows, by numpy's least squares on rows that
    stand for the penalty."""
    batch = twin.run.stream.gather(kept.unsqueeze(0))
    f = twin.body(batch.x[0]).detach().double()
    x = torch.cat([f, torch.ones(len(f), 1, dtype=torch.double)], 1).numpy()
    label = F.one_hot(batch.y[0], twin.run.stream.classes).double().numpy()
    strength = (0.01 * (x**2).sum(0).mean()) ** 0.5
    stacked = np.concatenate([x, strength * np.eye(x.shape[1])])
    W = np.linalg.lstsq(stacked, np.concatenate([label, np.zeros((x.shape[1], label.shape[1]))]))[0]
    for name, due in (("head.weight", W[:-1].T), ("head.bias", W[-1])):
        yield np.allclose(ours[name], due, atol=1e-4)  # after 36 steps of single precision


@BOTH
def test_as_a_start(method):
    """The body of the first task's network is the twin's, then naive steps follow; the head is as it was."""
    spec = f"self_supervised(method='{method}', lam={LAM}, hidden={HIDDEN}, width={WIDTH}, share=0.3)+er"
    run = make(spec, **SGD)
    learner = run.new_learner(run.parts[0].projected(run.stream, run.learner.net), "self-supervised start")
    views = learner.net.layout.views(learner.initial[0]) | run.learner.net.layout.views(
        run.learner.initial[0]
    )
    twin, head = UnlabelledTwin(run, views, method), run.learner.theta[0].clone()
    plan = run.plan(run.stream.tasks[0])
    steps = math.ceil(0.3 * 12)
    task = run.stream.tasks[0].train
    twin.learn(run.shuffled(task, steps=steps, purpose="unlabelled batches"), 0)
    for theta in (run.learner.theta, run.learner.initial):
        ours = run.learner.net.layout.views(theta.detach()[0])
        before = run.learner.net.layout.views(head)
        body = [tensor for name, tensor in ours.items() if not name.startswith("head")]
        assert all(same(*pair) for pair in zip(body, twin.body.parameters(), strict=True))
        assert not torch.allclose(ours["hidden0.weight"], before["hidden0.weight"], atol=1e-3)
        assert all(torch.equal(ours[name], before[name]) for name in ("head.weight", "head.bias"))
    assert torch.equal(plan.samples, run.shuffled(task)[: 12 - steps])
    assert run.updates == steps and run.samples_seen == steps * B


# ---- what it is for


def test_shuffled_labels_change_the_probe_and_nothing_else():
    theta, acc = [], []
    for shuffle in (False, True):
        run = make("self_supervised(memory=100, width=32)", steps=60)
        if shuffle:
            images = run.stream.images
            order = torch.randperm(600, generator=torch.Generator().manual_seed(0))  # of the ten classes
            run.stream.images = replace(images, y=torch.cat([images.y[:600][order], images.y[600:]]))
        acc.append(run.train()[0, -1].mean())
        theta.append(run.learner.net.layout.views(run.learner.theta[0]))
    for name, one in theta[0].items():
        assert torch.equal(one, theta[1][name]) == (not name.startswith("head")), name
    assert acc[0] > 0.8 and acc[1] < 0.4
    assert acc[0] > make("naive", steps=60).train()[0, -1].mean() + 0.3


def test_the_two_views_of_a_row_are_made_of_training_data_and_differ():
    run = make("self_supervised(memory=100, hidden=0.3)", seeds=[0, 1])
    batch = run.batch(until(run, 0).at(0))
    x = run.stream.gather(batch.samples).x
    hidden = [(view != x) for view in batch.x]
    assert all(0.2 < one.float().mean() < 0.4 for one in hidden) and not torch.equal(*hidden)
    mean = run.stream.gather(run.stream.tasks[0].train.unsqueeze(0).expand(2, -1, -1)).x.mean(1, keepdim=True)
    for view, one in zip(batch.x, hidden, strict=True):
        assert torch.allclose(view[one], mean.expand(x.shape)[one], atol=1e-5)


def test_half_of_a_batch_is_replayed_and_labels_are_asked_for_the_memory_alone():
    run = make("self_supervised(memory=60)")
    plan = until(run, 2)
    assert torch.bincount(plan.samples[0, 0, :, 0], minlength=3)[2] == 8
    assert plan.samples.shape[2] == 16 and run.parts[0].labels == 60 / 600


def test_where_the_stream_augments_the_views_are_other_crops():
    run = make("self_supervised(memory=100, hidden=0.0)", benchmark="blobs_{}")
    run.stream.views = torch.stack([torch.arange(16), torch.arange(16).flip(0)])
    batch = run.batch(until(run, 0).at(0))
    plain = run.stream.gather(batch.samples[..., :2]).x
    same, other = ((view == plain).all(-1) | (view == plain.flip(-1)).all(-1) for view in batch.x)
    assert same.all() and other.all() and not torch.equal(*batch.x)


# ---- alone and joined


def test_it_knows_whether_others_stand_beside_it():
    for spec, joined in (("self_supervised", False), ("self_supervised+naive", False)):
        assert parts_of(spec)[0].joined == joined
    for spec in (
        "self_supervised+er",
        "er+self_supervised",
        "self_supervised+naive+ewc",
        "joint+self_supervised",
    ):
        part = next(one for one in parts_of(spec) if isinstance(one, SelfSupervised))
        assert part.joined, spec
    er = registry.strategy("er").build()
    assert not er[0].joined
    assert OwnStrategy("own", (SelfSupervised(), *er)).build()[0].joined
    assert not SelfSupervised().joined


def test_without_a_share_the_start_is_none_at_all():
    theirs = [make(spec) for spec in ("self_supervised(share=0.0)+er", "er")]
    acc = [run.train() for run in theirs]
    assert torch.equal(*acc) and torch.equal(*(run.learner.theta for run in theirs))


def test_a_start_leaves_no_trace_but_the_body():
    """One task's steps are shared, the others' are not touched; nothing is kept."""
    seen = []

    class Watch(Part):
        def after_step(self, batch):
            seen.append(self.run.t)

    run = make("self_supervised+ewc", extra=[Watch()])
    run.train()
    assert [seen.count(t) for t in range(5)] == [9, 12, 12, 12, 12] and run.updates == 60
    assert run.samples_seen == 60 * 16 and run.parts[0].stored is None and run.parts[0].labels is None
    assert run.extra_parameters() == make("ewc").extra_parameters()
    assert not any(isinstance(value, torch.Tensor) for value in vars(run.parts[0]).values())


def test_what_starts_again_starts_from_the_body():
    run = make("joint+self_supervised")
    before = run.learner.initial.clone()
    run.t = 0
    run.plan(run.stream.tasks[0])
    assert torch.equal(run.learner.theta, run.learner.initial) and not torch.equal(run.learner.theta, before)


@pytest.mark.parametrize("other", ["icarl", "ema", "packnet", "head_only", "joint", "lwf", "derpp"])
def test_a_start_goes_with_what_loses_predicts_chooses_or_freezes_in_its_own_way(other):
    registry.strategy(f"self_supervised+{other}")
    scenario = "task" if other == "packnet" else "class"
    assert make(f"self_supervised+{other}", scenario).train().isfinite().all()


@pytest.mark.parametrize("other", ["adapter", "progressive"])
def test_a_start_is_of_the_streams_own_network(other):
    assert "both replace the network" in refused(registry.strategy, f"self_supervised+{other}")


def test_what_it_refuses():
    run = make("naive")
    alone, joined = SelfSupervised(memory=100), SelfSupervised(memory=10**6)
    joined.joined = True
    batch_norm = by_name.network("small_conv", (4, 4, 1), 10, "batch")
    for part in (alone, joined):
        assert part.supports(run.stream, batch_norm) == "needs a network without running statistics"
        assert part.supports(run.stream, run.learner.net) is None
    other = copy.copy(MLP(16, 8, 10))
    other.layout = copy.copy(other.layout)
    other.layout.shapes = {"head.table": (10, 8)}
    assert "no linear head" in alone.supports(run.stream, other)
    assert "larger than the 600" in SelfSupervised(memory=601).supports(run.stream, run.learner.net)


def test_the_probe_of_a_seed_is_its_own():
    x, label = rows(2, 30, 4), torch.eye(3)[torch.arange(60) % 3].view(2, 30, 3)
    both = probe(x, label, 0.1)
    for s in (0, 1):
        assert torch.allclose(probe(x[s : s + 1], label[s : s + 1], 0.1)[0], both[s], atol=1e-6)
