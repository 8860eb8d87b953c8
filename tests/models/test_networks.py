"""Every network against torch's own modules, for one seed and for several at once."""

import pytest
import torch
import torch.nn.functional as F

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.engine.learner import Learner
from clbench.models import by_name
from clbench.models.mlp import MLP
from clbench.streams.labelled import cross_entropy

SHAPE, CLASSES, CPU = (8, 8, 3), 4, torch.device("cpu")
NETWORKS = {"mlp": lambda: MLP(192, 16, 16, CLASSES)} | {
    f"{name}, {norm} norm": (lambda name=name, norm=norm: by_name.network(name, SHAPE, CLASSES, norm))
    for name in by_name.NETWORKS
    for norm in ("group", "batch")
    if (name, norm) != ("tiny_vit", "batch")  # refused
}
every = pytest.mark.parametrize("name", NETWORKS)


def learner(net, seeds, **budget) -> Learner:
    return Learner(net, seeds, CPU, Budget(steps=3, optimiser="sgd", lr=1e-3, momentum=0.9, **budget))


def batches(seeds: int, count: int = 3) -> list[Batch]:
    """Other rows for every seed."""
    draws, made = torch.Generator().manual_seed(0), []
    for _ in range(count):
        x, y = (
            torch.randn(seeds, 6, 192, generator=draws),
            torch.randint(CLASSES, (seeds, 6), generator=draws),
        )
        made.append(
            Batch(
                x=x,
                y=y,
                mask=torch.ones(seeds, 6, CLASSES, dtype=torch.bool),
                weight=torch.full((seeds, 6), 1 / 6),
            )
        )
    return made


def loss(out, batch):
    return (batch.weight * cross_entropy(out, batch)).sum()


def train(one: Learner, rows: list[Batch]) -> Learner:
    for batch in rows:
        one.step(one.gradient(loss, batch))
    return one


@every
def test_trains_like_the_module(name):
    """Weights, and under batch norm running means and variances, after three steps; then outputs at
    evaluation."""
    one, rows = learner(NETWORKS[name](), [3]), batches(1)
    module = one.net.module(one.theta.detach()[0])
    optimiser = torch.optim.SGD(module.parameters(), 1e-3, momentum=0.9)
    for batch in rows:
        optimiser.zero_grad()
        F.cross_entropy(module(batch.x[0]), batch.y[0]).backward()
        optimiser.step()
    train(one, rows)
    views = one.net.layout.views(one.theta.detach()[0])
    theirs = dict([*module.named_parameters(), *module.named_buffers()])
    assert len(theirs) == len(views)
    for ours, (_, other) in zip(views.values(), theirs.items(), strict=True):
        assert torch.allclose(ours, other, atol=1e-6)
    assert torch.allclose(one.outputs(rows[0].x)[0], module.eval()(rows[0].x[0]), atol=1e-5)


@pytest.fixture
def double():
    """Batch norm over six rows of a deep network makes float32's rounding 1e-4 on some processors."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@every
def test_a_seed_in_a_group_is_the_seed_alone(name, double):
    rows = batches(2, 2)  # two steps: momentum has acted
    together = train(learner(NETWORKS[name](), [5, 3]), rows)
    alone = train(
        learner(NETWORKS[name](), [3]),
        [Batch({key: tensor[1:2] for key, tensor in batch.items()}) for batch in rows],
    )
    distance = (together.theta[1] - alone.theta[0]).norm() / alone.theta.norm()
    assert alone.theta.dtype == torch.float64 and distance < 1e-12


@every
def test_features_feed_the_head(name):
    one = learner(NETWORKS[name](), [0])
    views, x = one.net.layout.views(one.theta.detach()[0]), batches(1)[0].x
    head = F.linear(one.features(x)[0], views["head.weight"], views["head.bias"])
    assert torch.allclose(head, one.outputs(x)[0], atol=1e-6)


@every
def test_bf16_is_near_and_not_the_same(name):
    net, rows = NETWORKS[name](), batches(2)
    plain, short = learner(net, [0, 1]), learner(net, [0, 1], precision="bf16")
    g, other = (one.gradient(loss, rows[0]) for one in (plain, short))
    assert other.out.dtype == other.g.dtype == torch.float32
    assert 0 < (g.out - other.out).abs().max() < 0.1 * g.out.abs().max() + 0.05
    assert F.cosine_similarity(g.g, other.g, dim=-1).min() > 0.9


def test_frozen_running_statistics_stay():
    one = learner(by_name.network("small_conv", SHAPE, CLASSES, "batch"), [0])
    train(one, batches(1, 1))
    place, before = one.net.layout.buffers, one.theta.detach().clone()
    one.freeze(torch.ones(one.net.layout.P, dtype=torch.bool))
    assert torch.equal(train(one, batches(1)).theta, before)
    one.freeze(torch.zeros(one.net.layout.P, dtype=torch.bool))
    assert not torch.equal(train(one, batches(1)).theta[:, place], before[:, place])


def test_an_extra_gradient_leaves_running_statistics_and_their_gradient_alone():
    one = learner(by_name.network("small_conv", SHAPE, CLASSES, "batch"), [0, 1])
    before, place = one.theta.detach().clone(), one.net.layout.buffers
    gradient = one.gradient(loss, batches(2)[0])
    assert torch.equal(one.theta, before) and (gradient.g[:, place] == 0).all()
    assert not torch.equal(gradient.buffers, before[:, place])


def test_pictures_are_seen_with_their_channels():
    net = by_name.network("small_conv", (2, 3, 3), CLASSES, "group")
    x = torch.arange(18.0).unsqueeze(0)
    seen = net._module.body[0](x)
    assert seen.shape == (1, 3, 2, 3) and seen.is_contiguous(memory_format=torch.channels_last)
    assert seen[0, 1, 0].tolist() == [1, 4, 7]
