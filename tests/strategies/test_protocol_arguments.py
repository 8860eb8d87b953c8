"""What published protocols do otherwise, each against a few plain lines."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import make, refused, until
from strategies.test_equations import same_weights
from strategies.test_si import SITwin

from clbench import MLP, registry
from clbench.core.batch import Batch
from clbench.core.keyed import generator
from clbench.streams.labelled import cross_entropy

SEEN = "blobs_{}(sees='seen', tasks=3)"


# ---- how long a task is, and what its passes are made of


def samples_of(run, t=0):
    """[steps * rows]: which example each row of a task's plan is."""
    run.t = t
    return run.plan(run.stream.tasks[t]).samples[:, 0, :, 1]


@pytest.mark.parametrize("remainder, steps", [("carry", 3 * 8), ("drop", 3 * 7)])
def test_epochs(remainder, steps):
    """120 examples in batches of 16: 7 whole ones and 8 rows more."""
    run = make("naive", rows=16, epochs=3, remainder=remainder)
    assert len(run.stream.tasks[0].train) == 120
    drawn = samples_of(run)
    assert drawn.shape == (steps, 16)
    first = drawn.flatten()[: 112 if remainder == "drop" else 120]
    assert len(first.unique()) == len(first)
    if remainder == "drop":
        assert all(len(one.unique()) == 112 for one in drawn.flatten().split(112))


def test_dropping_without_epochs_keeps_the_number_of_steps():
    run = make("naive", rows=16, steps=17, remainder="drop")
    drawn = samples_of(run)
    assert len(drawn) == 17 and len(drawn[:7].unique()) == len(drawn[7:14].unique()) == 112
    small = make(
        "er(memory=100)", rows=150, steps=4, remainder="drop"
    )  # more rows than examples: all of them
    assert samples_of(small).shape == (4, 150)


@pytest.mark.parametrize("spec, examples", [("joint", 240), ("gdumb(memory=100)", 100)])
def test_epochs_are_of_what_is_trained_on(spec, examples):
    run = make(spec, rows=16, epochs=2)
    plan = until(run, 1)
    assert len(plan.samples) == 2 * math.ceil(examples / 16)


# ---- what the loss sees


def test_a_loss_that_sees_the_classes_so_far():
    run = make("naive", benchmark=SEEN)
    until(run, 2)
    run.stream.open_outputs(1)
    batch = run.stream.gather(run.stream.tasks[0].train[:3].expand(1, -1, 2))  # rows of an earlier task, too
    assert batch.mask.tolist() == [[[True] * 4 + [False] * 2] * 3]
    out = torch.randn(3, 6)
    own = Batch({name: tensor[0] for name, tensor in batch.items()})
    assert torch.allclose(cross_entropy(out, own), F.cross_entropy(out[:, :4], own.y, reduction="none"))
    last = torch.zeros(1, len(run.stream.tasks[0].test), 6)
    last[..., 5] = 1  # answers are among all outputs
    assert run.stream.score(0, last).item() == 0
    whole = make("naive", benchmark="blobs_{}(tasks=3)")
    assert whole.stream.shown is whole.stream.masks and whole.stream.masks.all()


def test_domains_and_tasks_see_what_they_saw():
    for scenario in ("task", "domain"):
        run = make("naive", scenario, benchmark=SEEN)
        assert run.stream.shown is run.stream.masks


# ---- penalties


@pytest.mark.parametrize(
    "strategy, label, scenario",
    [
        ("ewc", "predicted", "class"),
        ("ewc", "expected", "class"),
        ("ewc", "expected", "task"),
        ("ewc", "true", "domain"),
        ("online_ewc", "predicted", "task"),
    ],
)
def test_labels_of_the_fisher_information(strategy, label, scenario):
    """One example at a time, by autograd, over the outputs that the loss sees."""
    run = make(f"{strategy}(label='{label}', samples=1000)", scenario, benchmark=SEEN)
    until(run, 1)
    part = run.parts[0]
    found = run.learner.net.layout.views(part.fisher if strategy == "ewc" else part.importance)
    net = run.learner.net.module(run.learner.theta.detach()[0])
    due = [torch.zeros_like(p) for p in net.parameters()]
    train = run.stream.tasks[0].train
    for sample in train:
        row = run.stream.gather(sample.view(1, 1, 2))
        log_p = net(row.x[0])[0, row.mask[0, 0]].log_softmax(-1)
        p = log_p.exp().detach()
        of_label = {
            "predicted": F.one_hot(p.argmax(), 2),
            "true": F.one_hot(row.y[0, 0] % 2, 2),
            "expected": p,
        }
        for y, share in enumerate(of_label[label]):
            g = torch.autograd.grad(log_p[y], list(net.parameters()), retain_graph=True)
            for sum_, one in zip(due, g, strict=True):
                sum_ += share * one.square() / len(train)
    for ours, theirs in zip(found.values(), due, strict=True):
        assert torch.allclose(ours[0], theirs, rtol=1e-3, atol=1e-9)


class UnclampedTwin(SITwin):
    def after_task(self, t):
        moved = zip(self.importance, self.path, self.weights(), self.anchor, strict=True)
        for omega, path, p, anchor in moved:
            omega += path / ((p - anchor) ** 2 + self.xi)


def test_importances_of_si_may_be_negative():
    run = make("si(c=2.0, xi=0.05, cut='none')", benchmark="blobs_{}(tasks=2)")
    same_weights(run, UnclampedTwin(run))
    part = run.parts[0]
    part.omega.fill_(-1.0)  # steps uphill alone
    part.after_task(0)
    assert part.importance.min() < 0


def test_mas_of_the_mean_over_outputs():
    """Half of that of the sum, where a row may see two outputs."""
    importance = {}
    for norm in ("sum", "mean"):
        run = make(f"mas(estimate='batches', norm='{norm}')", "task")
        until(run, 1)
        importance[norm] = run.parts[0].importance
    assert torch.allclose(importance["mean"], importance["sum"] / 2)


# ---- distillation


def distilled(arguments, scenario, t=2):
    """(weight of a row's CE by that of a plain mean, weighted distillation of each row, outputs of student
    and teacher) in task t."""
    run = make(f"lwf({arguments})", scenario, benchmark=SEEN)
    plan = until(run, t)
    run.stream.open_outputs(t)
    batch = run.batch(plan.at(0)).for_part(0)
    own = Batch({name: tensor[0] for name, tensor in batch.items()})
    out = torch.randn(own.teacher.shape, generator=generator(0, "student"))
    term = own.weight * run.parts[0].losses(out, own)
    return float(own.weight.sum()), term * len(own.y), out, own.teacher


def kl(teacher, student, T=2.0):
    p, q = (teacher / T).softmax(-1), (student / T).softmax(-1)
    return (p * (p.log() - q.log()).nan_to_num(neginf=0)).sum(-1)


@pytest.mark.parametrize("scenario", ["class", "task", "domain"])
def test_lwf_of_2018_and_2019(scenario):
    own, term, out, teacher = distilled("weights='shares', student='seen', over_outputs='mean'", scenario)
    assert own == pytest.approx(1 / 3)
    if scenario == "class":  # four old outputs and zeros against six
        p = F.pad((teacher[:, :4] / 2).softmax(-1), (0, 2))
        log_q = (out / 2).log_softmax(-1)
        distance = (p * ((p + 1e-45).log() - log_q)).sum(-1) / 6
    elif scenario == "domain":
        distance = kl(teacher, out) / 2
    else:  # the mean over both old heads
        distance = (kl(teacher[:, :2], out[:, :2]) + kl(teacher[:, 2:4], out[:, 2:4])) / 2 / 2
    assert torch.allclose(term, 2 / 3 * 4 * distance, rtol=1e-4, atol=1e-6)


def test_lwf_of_2022():
    own, term, out, teacher = distilled("weights='past', scale='one'", "task")
    both = (kl(teacher[:, :2], out[:, :2]) + kl(teacher[:, 2:4], out[:, 2:4])) / 2
    assert own == pytest.approx(1) and torch.allclose(term, 2 * both, rtol=1e-4, atol=1e-6)
    run = make("lwf(weights='one', scale='one', student='both')", benchmark="blobs_{}(tasks=3)")
    plan = until(run, 2)
    batch = run.batch(plan.at(0)).for_part(0)
    one = Batch({name: tensor[0] for name, tensor in batch.items()})
    out = torch.randn(one.teacher.shape, generator=generator(0, "student"))
    assert torch.allclose(run.parts[0].losses(out, one), kl(one.teacher, out), rtol=1e-4, atol=1e-6)


def test_lwf_of_avalanches_example():
    own, term, out, teacher = distilled("weights='steep', scale='one'", "class")
    assert own == pytest.approx(1 / 3)
    assert torch.allclose(term, 4 / 3 * kl(teacher[:, :4], out[:, :4]), rtol=1e-4, atol=1e-6)


def test_lwf_refuses_what_pairs_have_not():
    part = registry.strategy("lwf(student='seen')").build()[0]
    run = make("naive", benchmark="driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=6)")
    assert "class labels" in part.supports(run.stream, run.learner.net)


# ---- replay


def test_one_mixed_batch():
    """The memory of 60, twice, and the 120 of the task: half of a batch is old on average."""
    run = make("er(memory=60, mix='one')", rows=16, epochs=2)
    plan = until(run, 1)
    assert plan.samples.shape[:3] == (2 * 240 // 16, 1, 16)
    drawn = plan.samples[:, 0].flatten(0, 1)
    first = drawn[:240]
    assert (first[:, 0] == 0).sum() == (first[:, 0] == 1).sum() == 120
    assert len(first[first[:, 0] == 0].unique(dim=0)) == 60 == run.parts[0].stored.shape[1]
    assert len(run.batch(plan.at(0)).weight.unique()) == 1


@pytest.mark.parametrize("scenario, sizes", [("class", {0: 16}), ("task", {0: 8, 1: 8})])
def test_replay_weighed_by_tasks(scenario, sizes):
    """As many of every past task where it is known, and of all of them otherwise; 1/3 new, 2/3 stored."""
    run = make("er(memory=60, mix='tasks', share='class')", scenario, benchmark="blobs_{}(tasks=3)", rows=16)
    plan = until(run, 2)
    batch = run.batch(plan.at(0))
    old = batch.task[0, 16:]
    assert batch.weight[0, :16].sum() == pytest.approx(1 / 3) and len(old) == 16
    assert batch.weight[0, 16:].sum() == pytest.approx(2 / 3) and batch.weight[0, 16:].std() < 1e-7
    if scenario == "task":
        assert {t: int((old == t).sum()) for t in (0, 1)} == sizes


@pytest.mark.parametrize("strategy", ["er", "agem"])
def test_as_many_examples_of_every_class(strategy):
    run = make(f"{strategy}(memory=60, share='class')", benchmark="blobs_{}(tasks=3)")
    kept = []
    for t in (1, 2):
        run = make(f"{strategy}(memory=60, share='class')", benchmark="blobs_{}(tasks=3)")
        until(run, t)
        kept.append(run.parts[0].stored)
        labels = run.stream.labels(kept[-1])[0]
        assert labels.bincount().tolist() == [10] * 2 * t
    assert torch.equal(kept[0], kept[1][:, :20])  # nothing is given up


def test_memories_that_make_no_sense():
    def why(spec, scenario="class"):
        run = make("naive", scenario)
        return registry.strategy(spec).build()[0].supports(run.stream, run.learner.net)

    assert why("er(memory=9, share='class')") == "memory=9 is smaller than the 10 classes of all tasks"
    for argument in ("mix='one'", "share='class'"):
        assert "memory of some size" in why(f"er(memory='all', {argument})")
    assert "takes 'rows' or 'one' or 'tasks'" in refused(registry.strategy, "er(mix='two')")
    assert 'has no argument "mix"' in refused(registry.strategy, "mir(mix='one')")


def test_cumulative_training_on_as_many_rows_of_every_task():
    run = make("cumulative(rows='tasks')", "task", rows=16)
    plan = until(run, 2)
    assert plan.samples.shape[0] == run.steps
    assert all((plan.samples[:, 0, :, 0] == t).sum(-1).unique().tolist() == [6] for t in range(3))


def test_every_old_head_labels_what_is_generated():
    run = make("generative_replay(heads='all', code=4)", "task", benchmark="blobs_{}(tasks=3)", rows=16)
    plan = until(run, 2)
    batch = run.batch(plan.at(0))
    made, y = batch.x[0, 16:], batch.y[0, 16:]
    assert len(made) == 2 * 16 and torch.equal(made[:16], made[16:])
    assert batch.task[0, 16:].tolist() == [0] * 16 + [1] * 16
    scores = run.learner.outputs(made.unsqueeze(0))[0]
    assert torch.equal(y[:16], scores[:16, :2].argmax(-1)) and torch.equal(
        y[16:], 2 + scores[16:, 2:4].argmax(-1)
    )
    assert batch.weight[0, 16:].sum() == pytest.approx(2 / 3)
    part = run.parts[0]
    weight = part.learnt(batch.weight) * torch.tensor([1.0] * 16 + [2.0] * 16)
    assert weight.sum().item() == pytest.approx(1)  # of the generator, which sees each once


def test_labels_among_all_outputs():
    run = make("generative_replay(answers='all', code=4)", benchmark="blobs_{}(tasks=3)")
    until(run, 1)
    assert run.parts[0].answered.all()


# ---- projections


def test_gpm_by_layer_and_one_direction_fewer():
    ranks = {}
    for first in ("reached", "below"):
        run = make(f"gpm(by_layer=[0.8, 0.9, 0.99], rise=0.0, first='{first}')", "domain")
        until(run, 1)
        ranks[first] = [M.shape[-1] for M in run.parts[0].bases.values()]
    run = make("naive", "domain")
    until(run, 1)
    train = run.stream.gather(run.stream.tasks[0].train.unsqueeze(0)).x[0]
    read = run.learner.net.inputs_of(run.learner.theta.detach()[0], train)
    due = []
    for share, R in zip((0.8, 0.9, 0.99), read.values(), strict=True):
        sizes = np.linalg.svd(np.c_[R.numpy(), np.ones(len(R))], compute_uv=False) ** 2
        due.append(int((np.cumsum(sizes) / sizes.sum() < share).sum()))
    assert ranks["below"] == due and ranks["reached"] == [rank + 1 for rank in due]
    why = registry.strategy("gpm(by_layer=[2.0])").build()[0].supports(run.stream, run.learner.net)
    assert why == "by_layer takes shares between 0 and 1, not [2.0]"


# ---- networks and inputs


@pytest.mark.parametrize("bias, activation", [(False, "relu"), (True, "tanh"), (False, "tanh")])
def test_networks_without_biases_or_with_tanh(bias, activation):
    net = MLP(5, 7, 6, 3, bias=bias, activation=activation)
    theta, x = net.init(generator(0, "init")), torch.randn(4, 5)
    module = net.module(theta)
    assert torch.allclose(net(theta, x), module(x)) and len(list(module.parameters())) == 3 * (1 + bias)
    assert str(net) != str(MLP(5, 7, 6, 3)) and net.layout.parameters == sum(
        p.numel() for p in module.parameters()
    )
    rows = Batch(x=x, y=torch.tensor([0, 1, 2, 0]))
    powers = net.gradient_powers(
        theta, rows, lambda out, rows: F.cross_entropy(out, rows.y, reduction="none"), 2
    )
    due = [torch.zeros_like(p) for p in module.parameters()]
    for one, y in zip(x, rows.y, strict=True):
        g = torch.autograd.grad(F.cross_entropy(module(one), y), list(module.parameters()))
        due = [a + b.square() for a, b in zip(due, g, strict=True)]
    assert all(
        torch.allclose(a, b, atol=1e-6) for a, b in zip(net.layout.views(powers).values(), due, strict=True)
    )


def stream_of(text, seeds=(0,)):
    """The stream of a benchmark of MNIST on pictures that are made up, and these."""
    from clbench.data.labelled.sources import as_images

    draws = np.random.default_rng(0)
    x = draws.integers(0, 256, (40, 784), dtype=np.uint8)
    y = np.arange(40) % 10
    images = as_images(x, y, x[:20], y[:20], scale=255.0, shape=(28, 28, 1))
    made = registry.benchmark(text, "quick")[1]
    return made.make_stream(images, list(seeds)), made, x


def test_padding_normalisation_and_images_left_out():
    stream, made, x = stream_of("split_mnist_class(pad=2, mean=0.1, std=0.25)")
    sample = stream.tasks[0].train[3]
    seen = stream.gather(sample.view(1, 1, 2)).x[0, 0].view(32, 32)
    picture = np.pad(x[int(sample[1])].reshape(28, 28) / 255, 2)
    assert np.allclose(seen.numpy(), (picture - 0.1) / 0.25, atol=1e-6)
    assert made.network().inputs == 1024 and stream.test(0, slice(1))[0].shape == (1, 1024)
    stream, _, x = stream_of("permuted_mnist_domain(skip=10, tested=20)")
    assert len(stream.tasks[0].train) == 30 and len(stream.tasks[0].test) == 20
    first = stream.gather(torch.tensor([[[0, 0]]])).x[0, 0]
    assert np.allclose(first.numpy(), x[10] / 255, atol=1e-6)


def test_what_makes_no_sense_of_inputs_and_networks():
    assert refused(stream_of, "permuted_mnist_domain(skip=40)") == (
        "skip=40 leaves none of the 40 training images"
    )
    said = refused(registry.benchmark, "split_mnist_class(net='tiny_vit', depth=1)", "quick")
    assert said.startswith("depth and activation are of the perceptron")


def test_permutations():
    def of(text, *seeds):
        return stream_of(f"permuted_mnist_domain({text})", seeds)[1].permutations(list(seeds))

    plain = torch.arange(784)
    assert torch.equal(of("tasks=3", 0)[0, 0], plain)
    begun = of("tasks=3, begins='permuted', pad=1", 0)
    assert begun.shape == (1, 3, 900) and not torch.equal(begun[0, 0], torch.arange(900))
    shared = of("tasks=4, begins='permuted', drawn='shared'", 1, 2)
    sets = [sorted(map(tuple, own.tolist())) for own in shared]
    assert sets[0] == sets[1] and not torch.equal(shared[0], shared[1])
