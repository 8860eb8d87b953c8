"""L2P against a plain twin, which reads one row at a time, and what prompts are for."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import CPU, make, until
from models.test_text_transformer import plain_tower
from models.test_tiny_vit import PlainViT
from torch import nn

from clbench.benchmarks.blobs import gaussian_blobs
from clbench.core.part import Part
from clbench.data.pairs.pairs import Pairs
from clbench.engine.run import Run
from clbench.models.mlp import MLP
from clbench.models.text_transformer import TextTransformer
from clbench.models.tiny_vit import TinyViT
from clbench.strategies.representation.prompt_pool import PromptPool
from clbench.streams.labelled import split_by_class
from clbench.streams.pairs import PairStream, budget

SPEC = "prompt_pool(pool=5, length=3, chosen=2, pull=0.7)"
SGD = {"optimiser": "sgd", "lr": 0.02, "momentum": 0.9}


class Twin(nn.Module):
    """Wang et al. 2022 in torch's own layers: rows one by one, sorted cosines, the task's own columns."""

    def __init__(self, run):
        super().__init__()
        self.run, self.stream = run, run.stream
        views = run.learner.net.layout.views(run.learner.initial[0])
        self.keys, self.prompts = (
            nn.Parameter(views[f"head.{name}0"].clone()) for name in ("keys", "prompts")
        )
        self.vit = PlainViT((4, 4, 1), {name: view for name, view in views.items() if name[-1] != "0"})

    def answer(self, x):
        """(the outputs of one row, the sum of its cosines)."""
        with torch.no_grad():
            query = self.vit.features(x.unsqueeze(0))[0]
        cosines = [F.cosine_similarity(query, key, dim=0) for key in self.keys]
        best = sorted(range(5), key=lambda i: -float(cosines[i].detach()))[:2]
        features = self.vit.features(x.unsqueeze(0), torch.cat([self.prompts[i] for i in best]))
        return self.vit.head(features)[0], sum(cosines[i] for i in best)

    def loss(self, samples):
        batch, own = self.stream.gather(samples), self.stream.tasks[self.run.t].classes
        terms = []
        for x, y in zip(batch.x[0], batch.y[0], strict=True):
            out, cosine = self.answer(x)
            place = int(own[: int(y)].sum())  # among the task's own classes
            terms.append(F.cross_entropy(out[own], torch.tensor(place)) - 0.7 * cosine)
        return sum(terms) / len(terms)

    def train(self):
        for t, task in enumerate(self.stream.tasks):
            self.run.t = t
            if t == 0:
                learns = list(self.parameters())
            if t == 1:
                learns = [self.keys, self.prompts, *self.vit.head.parameters()]
            if t < 2:  # freezing makes the optimiser anew
                optimiser = self.optimiser(learns)
            for samples in self.run.shuffled(task.train):
                self.zero_grad()
                self.loss(samples).backward()
                optimiser.step()
        return self

    def optimiser(self, parameters):
        if self.run.budget.optimiser == "adam":
            return torch.optim.Adam(parameters, self.run.budget.lr)
        return torch.optim.SGD(parameters, 0.02, momentum=0.9)


@pytest.mark.parametrize("scenario", ["class", "domain"])
@pytest.mark.parametrize("optimiser", [{}, SGD], ids=["adam", "sgd"])
def test_prompt_pool(scenario, optimiser):
    run = make(SPEC, scenario, benchmark="blobs_{}(tasks=3)", steps=5, rows=6, **optimiser)
    run.train()
    twin, views = Twin(run).train(), run.learner.net.layout.views(run.learner.theta[0])
    embed = twin.vit.embed.weight.permute(0, 2, 3, 1).flatten(1)
    for name, theirs in {
        "head.keys0": twin.keys,
        "head.prompts0": twin.prompts,
        "head.weight": twin.vit.head.weight,
        "body.place": twin.vit.place,
        "body.embed.weight": embed,
        "body.blocks.0.qkv.weight": twin.vit.blocks[0].self_attn.in_proj_weight,
    }.items():
        assert (views[name] - theirs).norm() < 1e-5 * theirs.norm(), name
    moved = (run.learner.theta - run.learner.initial).norm() / run.learner.initial.norm()
    assert moved > 1e-2


class MaskedAsInTraining(Part):
    """Classes compete within their task alone."""

    def batch(self, batch):
        batch.mask = batch.mask & self.run.stream.tasks[self.run.t].classes
        return batch


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_without_prompts_it_is_head_only(scenario):
    on = "blobs_{}(net='tiny_vit')"
    off = make("prompt_pool(length=0)", scenario, benchmark=on, seeds=[0, 1])
    head_only = make("head_only", scenario, benchmark=on, seeds=[0, 1], extra=[MaskedAsInTraining()])
    assert torch.equal(off.train(), head_only.train())
    ours, theirs = (run.learner.net.layout.views(run.learner.theta) for run in (off, head_only))
    assert all(torch.equal(ours[name], view) for name, view in theirs.items())


def test_only_what_a_row_chose_learns_from_it():
    run = make(SPEC)
    batch = run.batch(until(run, 1).at(0))
    net, theta = run.learner.net, run.learner.theta
    for i in range(6):
        row = type(batch)({name: tensor[:, i : i + 1] for name, tensor in batch.items()})
        g = net.layout.views(run.learner.gradient(run.loss, row).g[0])
        query = net.net.features(theta[0, : net.net.layout.P], row.x[0])
        cosines = F.cosine_similarity(query, net.layout.views(theta)["head.keys0"][0], dim=-1)
        chosen = set(cosines.topk(2).indices.tolist())
        for name in ("head.keys0", "head.prompts0"):
            learns = {j for j in range(5) if g[name][j].abs().sum() > 0}
            assert learns == chosen, name


def test_an_answer_does_not_depend_on_the_rows_beside_it():
    run = make("prompt_pool(pool=8, length=3, chosen=1)", seeds=[0, 1])
    until(run, 1)
    x = torch.cat([run.stream.test(j, slice(0, 4)) for j in range(5)], 1).expand(2, -1, -1)
    net, views = run.learner.net, run.learner.net.layout.views(run.learner.theta)
    for s in range(2):  # every prompt is some row's, and most of another place
        queries = net.net.features(run.learner.theta[s, : net.net.layout.P], x[s])
        views["head.keys0"][s] = queries[::2][:8]
    views["head.prompts0"].mul_(5)
    together = run.predict(x, None)
    alone = torch.cat([run.predict(x[:, i : i + 1], None) for i in range(x.shape[1])], 1)
    assert torch.allclose(together, alone, atol=1e-5)
    views["head.prompts0"][:, 1:] = views["head.prompts0"][:, :1]  # one prompt for all
    assert (run.predict(x, None) - together).abs().amax((0, 2)).gt(0.1).sum() > 10


def test_keys_move_towards_the_queries_that_choose_them_and_only_by_the_pull():
    nearer = {}
    for pull in (0, 1.0):
        run = make(f"prompt_pool(pool=5, length=3, chosen=2, pull={pull})", steps=30)
        until(run, 1)  # from here on the queries stay as they are
        x, net = run.stream.test(1, slice(0, 20))[0], run.learner.net
        before = run.learner.theta.clone()
        run.learn(run.stream.tasks[1])
        cosines = [net.with_aside(theta[0], x)[1].mean() for theta in (before, run.learner.theta)]
        keys = [net.layout.views(theta)["head.keys0"] for theta in (before, run.learner.theta)]
        assert torch.equal(*keys) == (pull == 0)
        nearer[pull] = float(cosines[1] - cosines[0])
    assert nearer[0] == 0 and nearer[1.0] > 0.05


def test_a_replayed_row_competes_within_its_own_task():
    run = make("er(memory=100)+prompt_pool(pool=5, length=2, chosen=2)")
    batch = run.batch(until(run, 2).at(0))
    seen = [mask.nonzero().flatten().tolist() for mask in batch.mask[0]]
    assert seen == [[2 * t, 2 * t + 1] for t in batch.task[0].tolist()]
    assert set(batch.task[0, 16:].tolist()) == {0, 1}


def test_refuses_what_has_no_tokens_or_nothing_to_tell_apart():
    images = gaussian_blobs()
    pairs, ones = (
        split_by_class(images, groups, "class", [0]) for groups in ([[0, 1], [2, 3]], [[0], [1, 2]])
    )
    vit = TinyViT((4, 4, 1), 4, 16, 1)
    for part, stream, net, said in (
        (PromptPool(), pairs, MLP(16, 8, 4), "no tokens that prompts could stand before"),
        (PromptPool(pool=3, chosen=4), pairs, vit, "cannot choose 4 of 3"),
        (PromptPool(sides="both"), pairs, vit, "no two sides of tokens"),
        (PromptPool(), ones, vit, "here a task has one class"),
    ):
        assert said in part.supports(stream, net)
    assert PromptPool().supports(pairs, vit) is None


# ---- pairs


def texts(strategy: PromptPool, steps: int = 10) -> Run:
    """Three slices of queries, which are a few of the words of their passages."""
    draws, n = np.random.default_rng(0), 120
    passages = draws.integers(1, 40, (n, 7))
    queries = draws.permuted(passages, axis=1) * (np.arange(7) < 3)
    rows = np.arange(n).reshape(3, 40)
    train, test = tuple(rows[:, :30]), tuple(rows[:, 30:])
    pairs = Pairs(queries, passages, np.arange(n), train, test, ("1", "2", "3"), None, "", {})
    net = TextTransformer(np.linspace(0.5, 2, 40, dtype=np.float32), 7, 16)
    return Run(PairStream(pairs.to(CPU), [0]), net, [strategy], budget(steps, rows=16))


def embeddings(run: Run):
    with torch.no_grad():
        return run.predict(run.stream.test(0, slice(0, 10)), None)


@pytest.mark.parametrize("sides", ["query", "both"])
def test_an_index_of_passages_stays_valid_where_queries_alone_have_prompts(sides):
    run = texts(PromptPool(pool=5, length=3, chosen=2, sides=sides), steps=40)
    until(run, 1)
    queries, passages = embeddings(run)
    for t in (1, 2):
        run.t = t
        run.learn(run.stream.tasks[t])
    later, others = embeddings(run)
    assert F.cosine_similarity(queries, later, dim=-1).min() < 1 - 1e-4
    assert torch.equal(passages, others) == (sides == "query")
    learns = {
        name for name, frozen in run.learner.net.layout.views(run.learner.frozen).items() if not frozen.any()
    }
    pools = {f"head.{name}{side}" for name in ("keys", "prompts") for side in range(1 + (sides == "both"))}
    assert learns == {"head.log_scale", *pools}


def test_a_step_on_pairs_is_that_of_the_twin():
    run = texts(PromptPool(pool=5, length=3, chosen=2, pull=0.7))
    plan = until(run, 1)
    layout, batch = run.learner.net.layout, run.batch(plan.at(0))
    views = {name: view[0].clone().requires_grad_() for name, view in layout.views(run.learner.theta).items()}
    towers = {name: nn.Parameter(view.detach().clone()) for name, view in views.items() if "body" in name}
    left, right = (side[0] for side in batch.x)
    features, cosines = [], []
    for text in left:
        (query,) = plain_tower(towers, "body.tower", text.unsqueeze(0)).detach()
        near = [F.cosine_similarity(query, key, dim=0) for key in views["head.keys0"]]
        best = sorted(range(5), key=lambda i: -float(near[i].detach()))[:2]
        prompts = torch.cat([views["head.prompts0"][i] for i in best])
        features.append(plain_tower(towers, "body.tower", text.unsqueeze(0), prompts)[0])
        cosines.append(sum(near[i] for i in best))
    queries, passages = (
        F.normalize(f + residual(views, f), dim=-1)
        for f in (torch.stack(features), plain_tower(towers, "body.tower", right))
    )
    scores = views["head.log_scale"].exp() * queries @ passages.T
    truth = torch.arange(16)
    data = (F.cross_entropy(scores, truth) + F.cross_entropy(scores.T, truth)) / 2
    (data - 0.7 * sum(cosines) / 16).backward()
    g = layout.views(run.learner.gradient(run.loss, batch).g[0])
    for name in ("head.prompts0", "head.keys0", "head.log_scale"):
        theirs = views[name].grad
        assert (g[name] - theirs).norm() < 1e-4 * theirs.norm() and theirs.norm() > 1e-3, name


def residual(views, features):
    """The head's hidden layer."""
    inner = F.layer_norm(features, (16,), views["head.inner.0.weight"], views["head.inner.0.bias"])
    inner = F.gelu(inner @ views["head.inner.1.weight"].T + views["head.inner.1.bias"])
    return inner @ views["head.last.weight"].T + views["head.last.bias"]


def test_an_image_has_no_prompts_and_the_steps_pay_for_queries_and_longer_texts():
    on = "driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=30, net='transformer')"
    run, naive = make("prompt_pool", benchmark=on), make("naive", benchmark=on)
    net = run.learner.net
    assert net.sides == (1,) and net.added == ["head.keys1", "head.prompts1"]
    until(run, 1)
    images = embeddings(run)[0]
    run.learn(run.stream.tasks[1])
    until(naive, 1)
    naive.learn(naive.stream.tasks[1])
    assert 0.9 * naive.clock.flops < run.clock.flops < 1.05 * naive.clock.flops
    assert run.steps <= 20  # of 30
    assert torch.allclose(F.normalize(images, dim=-1), F.normalize(embeddings(run)[0], dim=-1), atol=1e-6)
    said = PromptPool(sides="both").supports(run.stream, net.net)
    assert "no two sides of tokens" in said
