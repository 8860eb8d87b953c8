"""Distilled data: the objectives and the whole method against plain twins, and what the samples are worth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import CPU, make, until
from strategies.test_equations import SGD, Twin, same_weights

from clbench import registry
from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.keyed import generator, passes
from clbench.core.part import Part
from clbench.engine.run import Run
from clbench.models.dual_encoder import DualEncoder
from clbench.models.mlp import MLP
from clbench.models.small_conv import SmallConv
from clbench.models.text_encoder import TextEncoder
from clbench.strategies.parts.distillation import Objectives
from clbench.streams.labelled import cross_entropy, same_classes
from clbench.testing.runs import small_run

METHODS = ("match", "second_order", "first_order")

# ---- twins: modules, autograd.grad, one class and one unit at a time


def loss_of(net, x, y, mask, parameters=None):
    names = [name for name, _ in net.named_parameters()]
    out = (
        net(x)
        if parameters is None
        else torch.func.functional_call(net, dict(zip(names, parameters, strict=True)), (x,))
    )
    return F.cross_entropy(out.masked_fill(~mask, -1e9), y)


def gradients(net, rows, **options):
    return torch.autograd.grad(loss_of(net, *rows), list(net.parameters()), **options)


def stepped(net, rows, eta, **options):
    return [p - eta * g for p, g in zip(net.parameters(), gradients(net, rows, **options), strict=True)]


def matched(net, ours, real, eta):
    """Zhao et al. 2021, equation 10, class by class and unit by unit."""
    distance = 0.0
    for c in real[1].unique():
        pairs = zip(
            gradients(net, [part[ours[1] == c] for part in ours], create_graph=True),
            gradients(net, [part[real[1] == c] for part in real]),
            strict=True,
        )
        for a, b in pairs:
            if a.dim() > 1:
                for unit, other in zip(a, b, strict=True):
                    lengths = unit.norm().clamp(min=1e-6) * other.norm().clamp(min=1e-6)
                    distance = distance + 1 - (unit @ other) / lengths
    return distance


def through_the_step(net, ours, real, eta):
    """Wang et al. 2018, algorithm 1, lines 6 and 7."""
    return loss_of(net, *real, stepped(net, ours, eta, create_graph=True))


def by_turned_roles(net, ours, real, eta):
    moved = [p.detach() for p in stepped(net, real, eta)]
    return loss_of(net, *ours, moved) - loss_of(net, *ours)


SLOW = dict(zip(METHODS, (matched, through_the_step, by_turned_roles), strict=True))


def problem(eta=0.3):
    """A network in double precision, rows (x, y, mask) of two classes, of which one output is not seen."""
    net, draws = MLP(6, 8, 7, 4), generator(3, "test")
    theta = net.init(draws).double() * 2
    mask = torch.tensor([True, True, True, False])

    def rows(n):
        return (
            torch.randn(2 * n, 6, generator=draws).double(),
            torch.arange(2).repeat_interleave(n),
            mask.expand(2 * n, 4),
        )

    ours, real = rows(2), rows(9)
    b = Batch(
        theta=theta,
        own=dict(zip(("y", "mask"), ours[1:], strict=True)),
        real=dict(zip(("x", "y", "mask"), real, strict=True)),
    )
    module = net.module(theta.float()).double()
    with torch.no_grad():  # the module's own weights are floats
        for p, view in zip(module.parameters(), net.layout.views(theta).values(), strict=True):
            p.copy_(view)
    return Objectives(net, cross_entropy, 2, eta), ours, real, b, module, eta


def gradient_of(objective, x, *others):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(objective(x, *others), x)[0]


@pytest.mark.parametrize("method", METHODS)
def test_an_objective_and_its_gradient_are_those_of_the_twin_and_of_finite_differences(method):
    objectives, (x, *own), real, b, module, eta = problem()
    ours = getattr(objectives, method)

    def slow(x):
        return SLOW[method](module, (x, *own), real, eta)

    assert abs(ours(x, b) - slow(x)) < 1e-10
    g, e = gradient_of(ours, x, b), 1e-6
    assert g.abs().mean() > 1e-3
    for row, pixel in ((0, 1), (1, 5), (3, 0)):
        nudge = torch.zeros_like(x)
        nudge[row, pixel] = e
        difference = (slow(x + nudge) - slow(x - nudge)) / (2 * e)
        assert abs(g[row, pixel] - difference) < 1e-7 * g.abs().max()  # measured: at most 4e-9


def test_first_and_second_order_agree_for_short_steps_only():
    def cosine(eta):
        objectives, (x, *_), _, b, *_ = problem(eta)
        first, second = (
            gradient_of(getattr(objectives, f"{order}_order"), x, b) for order in ("first", "second")
        )
        return F.cosine_similarity(first.flatten(), second.flatten(), 0)

    assert cosine(1e-2) > 0.999 and cosine(0.3) < 0.9  # measured: 1 - 2e-5, .56


class DistilledTwin(Twin):
    """Zhao et al. 2021, algorithm 1, by torch's own Adam; the samples are a list that grows."""

    def __init__(self, run):
        super().__init__(run)
        self.part, self.learnt = run.parts[0], []  # of (x, y, mask)

    def before_task(self, t):
        count, B, steps = sum(len(y) for _, y, _ in self.learnt), self.run.rows, self.run.steps
        draws = generator(self.seed, "replay", t)
        self.read = iter(passes(count, steps * B, draws).view(steps, B) if count else [None] * steps)

    def cross_entropy(self, x, y, mask):
        if (read := next(self.read)) is not None:
            learnt = [torch.cat(parts)[read] for parts in zip(*self.learnt, strict=True)]
            x, y, mask = (torch.cat(pair) for pair in zip((x, y, mask), learnt, strict=True))
        return super().cross_entropy(x, y, mask)

    def rows(self, t, count, purpose):
        """(x, y, mask) of so many rows of each class of the task."""
        train, images = self.stream.tasks[t].train, self.stream.images
        chosen = []
        for c in (2 * t, 2 * t + 1):
            own = train[images.y[train[:, 1]] == c]
            order = torch.randperm(len(own), generator=generator(self.seed, f"{purpose} {c}", t))
            chosen.append(own[order[:count]])
        batch = self.stream.gather(torch.cat(chosen).unsqueeze(0))
        return batch.x[0], batch.y[0], batch.mask[0]

    def after_task(self, t):
        x, *own = self.rows(t, self.part.per_class, "distilled")
        x.requires_grad_()
        optimiser = torch.optim.Adam([x], self.part.lr)
        for i in range(self.part.iterations):
            if i % self.part.restart == 0:
                draws = generator(self.seed, f"distilled weights {i}", t)
                net = self.run.learner.net.module(self.run.learner.net.init(draws))
            real = self.rows(t, self.part.real, f"distilled {i}")
            x.grad, *_ = torch.autograd.grad(SLOW[self.part.method](net, (x, *own), real, self.part.eta), [x])
            optimiser.step()
            moved = stepped(net, (x.detach(), *own), self.part.eta)
            with torch.no_grad():
                for p, new in zip(net.parameters(), moved, strict=True):
                    p.copy_(new)
        self.learnt.append((x.detach(), *own))


@pytest.mark.parametrize("method", METHODS)
def test_the_whole_method_is_its_twin(method):
    spec = f"distilled(per_class=2, method='{method}', iterations=5, restart=3, real=20, eta=0.2, most=1)"
    run = make(spec, **SGD, benchmark="blobs_{}(tasks=3)")
    twin = DistilledTwin(run)
    same_weights(run, twin)
    part, (x, y, _) = run.parts[0], (torch.cat(parts) for parts in zip(*twin.learnt, strict=True))
    assert torch.equal(part.y[0], y) and y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert (part.samples[0] - x).abs().max() < 1e-5  # measured: 5e-7
    start = torch.cat([twin.rows(t, 2, "distilled")[0] for t in range(3)])
    assert (x - start).abs().mean() > 0.01


# ---- what it is for


def scores(spec, benchmark, seeds, profile="smoke"):
    """ACC of each seed."""
    _, made, _ = registry.benchmark(benchmark, profile)
    stream, net = made.stream(list(seeds), torch.device("cpu")), made.network()
    return Run(stream, net, registry.strategy(spec).build(), made.budget(profile)).train()[:, -1].mean(-1)


SHORT = "restart=5, lr=0.06, real=32"


def test_learnt_samples_are_worth_more_than_the_real_rows_that_they_started_from():
    learnt, real = (
        scores(f"distilled(iterations={count}, {SHORT})", "split_digits_class", range(5)) for count in (10, 0)
    )
    assert (learnt > real + 0.05).all()  # measured: .690 and .543, by .104 at least


def test_alone_a_fresh_network_sees_nothing_but_learnt_samples():
    seen = []

    class Watch(Part):
        def after_step(self, batch):
            part = self.run.parts[0]
            known = (batch.x.unsqueeze(2) == part.samples[:, : part.filled].unsqueeze(1)).all(-1)
            assert known.any(-1).all() and (batch.samples[..., 1] == -1).all()
            assert batch.y.shape[1] == self.run.rows and torch.allclose(batch.weight.sum(-1), torch.ones(2))
            seen.append(part.filled)

        def before_task(self, t, plan):
            self.run.learner.theta.add_(1)  # gone once the task begins
            return plan

    run = make("distilled(alone=True, iterations=3, most=1)", seeds=[0, 1], extra=[Watch()])
    plan = until(run, 2)
    assert torch.equal(run.learner.theta, run.learner.initial)
    run.fit(plan)
    assert seen == [2] * 12 + [4] * 12 + [6] * 12


def test_alone_learnt_samples_teach_another_network_too():
    learnt, real = (
        scores(
            f"distilled(alone=True, iterations={count}, width=30, {SHORT})", "split_digits_class", range(3)
        )
        for count in (8, 0)
    )
    assert (learnt > real + 0.03).all()  # measured: .775 and .661


@pytest.mark.parametrize("scenario", ("class", "domain"))
def test_samples_and_labels_of_all_tasks_are_there_in_the_end(scenario):
    run = make("distilled(per_class=3, iterations=3, most=1)", scenario, seeds=[0, 1])
    run.train()
    part, labels = run.parts[0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] if scenario == "class" else [0, 1] * 5
    assert part.samples.shape == (2, 30, 16) and part.samples.abs().sum(-1).min() > 0
    assert part.y.tolist() == [[label for label in labels for _ in range(3)]] * 2
    assert part.task[0].tolist() == [t for t in range(5) for _ in range(6)]
    assert part.stored is None


def test_pictures_are_what_the_samples_would_be_as_data():
    _, made, _ = registry.benchmark("split_digits_class", "smoke")
    digits, net = made.stream([3], CPU).images, made.network()
    pixels = torch.stack([torch.randperm(64) for _ in range(2)]).unsqueeze(0)  # [S, T, d]
    pixels[..., :5] = 64  # black
    for images in (digits, replace(digits, mean=(0.1, 0.2), std=(0.3, 0.4))):
        stream = same_classes(images, pixels, "domain", [3], 100)
        parts = registry.strategy("distilled(iterations=0, per_class=2, most=1)").build()
        run = Run(stream, net, parts, Budget(steps=1, rows=8))
        run.train()
        shown = parts[0].pictures()
        assert shown.dtype == torch.uint8 and shown.shape == (20, 2, 8, 8, 1)
        for t, own in enumerate(shown.view(2, 20, 64)):
            black = ~torch.isin(torch.arange(64), pixels[0, t])
            real = (digits.x.float() / 16 * 255).masked_fill(black, 0)
            apart = (own.unsqueeze(1) - real).abs().amax(-1)
            assert apart.amin(1).max() <= 0.5  # iterations=0: each is a real one
            assert torch.equal(digits.y[apart.argmin(1)], parts[0].y[0].view(2, 20)[t])


def test_more_than_the_share_of_the_data_and_more_than_a_class_has_are_refused():
    _, made, _ = registry.benchmark("split_digits_class", "smoke")
    stream, net = made.stream([0], torch.device("cpu")), made.network()

    def reason(spec, net=net):
        (part,) = registry.strategy(spec).build()
        return part.supports(stream, net)

    assert reason("distilled") is None
    assert (
        reason("distilled(per_class=2)") == "20 learnt samples are more than 1% of the 1442 training examples"
    )
    assert reason("distilled(per_class=2, most=0.02)") is None
    assert "a class has fewer" in reason("distilled(per_class=143, most=1)")
    assert "width=20" in reason("distilled(width=20)", SmallConv((8, 8, 1), 10))


# ---- pairs

SMALL = "driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=12)"


@pytest.mark.parametrize("words_on_both_sides", (False, True))
def test_a_network_reads_what_stands_behind_its_embedding_as_it_reads_the_pairs(words_on_both_sides):
    draws = generator(0, "test")
    words = torch.randint(50, (5, 7), generator=draws)
    if words_on_both_sides:
        net, x = TextEncoder(np.linspace(1, 2, 50, dtype=np.float32), 8), (words.flip(0), words)
    else:
        net = DualEncoder((8, 8, 3), 50, 8)
        x = torch.randint(256, (5, 192), generator=draws, dtype=torch.uint8), words
    theta = net.init(draws) + 0.01
    sums = net.embed(theta, x)
    assert all(torch.equal(a, b) for a, b in zip(net(theta, x), net(theta, sums), strict=True))
    g = torch.func.grad(lambda theta: net(theta, sums)[0].sum())(theta)
    assert all(not net.layout.views(g)[name].any() for name in net.embedding)


@pytest.mark.parametrize("alone", (False, True))
def test_learnt_pairs_enter_behind_an_embedding_that_no_longer_moves(alone):
    run = small_run(
        registry.strategy(f"distilled(iterations=3, real=8, most=1, pairs=4, alone={alone})").build(), SMALL
    )
    part, net = run.parts[0], run.learner.net
    plan = until(run, 1)

    def table():
        return net.layout.views(run.learner.theta.detach()[0])["body.right.0.table"].clone()

    before, rows = table(), run.batch(plan.at(0))
    start = part.samples.clone()
    run.fit(plan)
    assert torch.equal(table(), before)
    own = 0 if alone else 8  # half of a batch of 16
    x = torch.cat(rows.x, -1)[0]
    assert x.shape == (16, 192 + 96) and rows.y.shape == (1, 16)
    known = (x[own:].unsqueeze(1) == start[0, : 8 if alone else 4]).all(-1)
    assert known.any(-1).all() and part.filled == (8 if alone else 4)
    run.parts[0].after_task(1)
    assert part.filled == 8 and part.samples.shape == (1, 12, 288)


def test_pairs_pay_for_iterations_a_tenth_of_their_steps_unless_told():
    run = small_run(registry.strategy("distilled").build(), "driftcaps", steps=100)
    part = run.parts[0]
    assert part.sizes.of_task == [6] * 3 and part.rounds(1) == int(10 / ((64 + 18) / 64)) == 7
    assert 0.07 < part.extra_cost(1) < 1 / 9
