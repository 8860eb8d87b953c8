"""The contract battery: every benchmark whose data are here passes all of it without further test code."""
import subprocess
import sys

import pytest
import torch
from helpers import LABELLED, PAIRS

from clbench import registry
from clbench.errors import Unavailable
from clbench.profiles import PROFILES

CPU = torch.device("cpu")
every = pytest.mark.parametrize("name", LABELLED)
pairs = pytest.mark.parametrize("name", PAIRS)


def loaded(name, seeds=(0, 1), profile="smoke", arguments=""):
    _, benchmark, _ = registry.benchmark(name + arguments, profile)
    try:
        return benchmark, benchmark.stream(list(seeds), CPU)
    except Unavailable as missing:
        pytest.skip(str(missing))


@every
def test_tasks_partition_the_training_data(name):
    _, stream = loaded(name)
    train = torch.cat([task.train for task in stream.tasks])
    assert len(train.unique(dim=0)) == len(train)                            # no (task, example) pair twice
    assert all((task.train[:, 0] == t).all() for t, task in enumerate(stream.tasks))
    counts = torch.bincount(train[:, 1], minlength=len(stream.images.y))
    everything = name.startswith(("permuted", "rotated"))
    assert (counts == len(stream.tasks)).all() if everything else counts.max() == 1
    if not name.startswith("blobs"):                                         # it has more classes than tasks use
        assert (counts > 0).all()


@every
def test_train_and_test_are_disjoint(name):
    _, stream = loaded(name)
    rows = {row.tobytes() for row in stream.images.x.numpy()}
    shared = sum(row.tobytes() in rows for row in stream.images.x_test.numpy())
    assert shared <= {"split_fashion_mnist_class": 20}.get(name, 0)          # a few published pictures stand in both


@every
def test_labels_are_in_the_mask_and_scores_can_be_perfect(name):
    _, stream = loaded(name)
    for j, task in enumerate(stream.tasks):
        batch = stream.gather(task.train[:200].expand(2, -1, 2))
        assert batch.mask.gather(-1, batch.y.unsqueeze(-1)).all()
        assert batch.x.shape[:2] == (2, min(200, len(task.train))) and batch.x.dtype == torch.float32
        labels = stream.images.y_test[task.test] + stream.offset[j]
        perfect = torch.nn.functional.one_hot(labels, stream.classes).float().expand(2, -1, -1)
        assert stream.score(j, perfect).tolist() == [[1.0], [1.0]]
        assert stream.score(j, -perfect).tolist() == [[0.0], [0.0]]


@every
@pytest.mark.parametrize("profile", PROFILES)
def test_network_and_budget_fit_the_stream(name, profile):
    benchmark, stream = loaded(name, profile=profile)
    net = benchmark.network()
    theta = net.init(torch.Generator().manual_seed(0))
    x = stream.test(0, slice(0, 3))[0]
    assert net(theta, x).shape == (3, stream.classes)
    assert torch.allclose(net.module(theta)(x), net(theta, x), atol=1e-6)
    assert benchmark.budget(profile).rows <= min(len(task.train) for task in stream.tasks)


@every
def test_a_seed_sees_the_same_stream_in_any_group(name):
    _, alone = loaded(name, [1])
    _, among = loaded(name, [4, 1])
    for j in range(len(alone.tasks)):
        a, b = alone.test(j, slice(0, 5)), among.test(j, slice(0, 5))
        assert torch.equal(a[0], b.expand(2, *b.shape[1:])[1])


@every
def test_validation_never_touches_the_test_set(name):
    benchmark, stream = loaded(name)
    _, held = loaded(name, arguments="(validation=True)")
    test = {row.tobytes() for row in stream.images.x_test.numpy()}
    assert sum(row.tobytes() in test for row in held.images.x_test.numpy()) <= {"split_fashion_mnist_class": 20}.get(name, 0)
    assert len(held.images.y) + len(held.images.y_test) == len(stream.images.y)


@pairs
def test_slices_of_pairs_are_apart_and_tested_alike(name):
    """No pair in two slices or on two sides; equally many test pairs, no two of which are right answers for each other."""
    _, stream = loaded(name)
    sides = [torch.cat([task.train[:, 1] for task in stream.tasks]), torch.cat([task.test for task in stream.tasks])]
    assert len(torch.cat(sides).unique()) == sum(map(len, sides))
    assert len({len(task.test) for task in stream.tasks}) == 1
    groups = [stream.pairs.group[task.test] for task in stream.tasks]
    assert all(len(group.unique()) >= 0.99 * len(group) for group in groups)
    if name != "driftcaps":                                                  # where a caption may be said again
        assert not set(stream.pairs.group[sides[0]].tolist()) & set(stream.pairs.group[sides[1]].tolist())


@pairs
@pytest.mark.parametrize("profile", PROFILES)
def test_two_towers_fit_the_pairs(name, profile):
    arguments = "(n=300, n_test=50)" if name == "driftcaps" else ""
    benchmark, stream = loaded(name, profile=profile, arguments=arguments)
    net, x = benchmark.network(), stream.test(0, slice(0, 30))
    theta = net.init(torch.Generator().manual_seed(0))
    left, right = net(theta, tuple(side[0] for side in x))
    assert left.shape == right.shape == (30, 64)
    assert torch.allclose(left.norm(dim=-1), torch.tensor(10.0)) and torch.allclose(right.norm(dim=-1), torch.tensor(1.0))
    assert benchmark.budget(profile).fixed_compute
    batch = stream.gather(stream.tasks[1].train[:7].expand(2, -1, 2))
    assert batch.y.shape == (2, 7) and all(side.shape[:2] == (2, 7) for side in batch.x)


@pairs
def test_validation_pairs_come_from_training_pairs(name):
    _, stream = loaded(name)
    _, held = loaded(name, arguments="(validation=True)")
    for whole, part in zip(stream.tasks, held.tasks, strict=True):
        assert set(part.test.tolist()) <= set(whole.train[:, 1].tolist()) - set(part.train[:, 1].tolist())


FINGERPRINTS = {"split_digits_class": "8785892c4369f262", "blobs_class": "gaussian blobs 1", "driftcaps": "42b26b6165db8021",
                "icons": "f924fe62fd0c51aa"}                                 # as on any other platform


def test_fingerprints_are_stable_across_processes():
    code = (f"from clbench import registry\n"
            f"for name in {[*FINGERPRINTS]}: print(registry.benchmark(name, 'smoke')[1].fingerprint())")
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [loaded(name)[0].fingerprint() for name in FINGERPRINTS] == other == [*FINGERPRINTS.values()]


def test_permutations_differ_by_task_and_seed_but_not_the_first():
    _, stream = loaded("permuted_mnist_domain")
    image = stream.images.x_test[0].float() / 255
    views = torch.stack([stream.test(j, slice(0, 1))[:, 0] for j in range(3)])                # [task, seed, d]
    assert torch.equal(views[0, 0], image) and torch.equal(views[0, 1], image)
    assert not torch.equal(views[1, 0], views[1, 1]) and not torch.equal(views[1, 0], views[2, 0])
    assert torch.equal(views[2, 1].sort().values, image.sort().values)
    batch = stream.gather(torch.tensor([[[0, 7], [2, 7]], [[1, 7], [2, 7]]]))
    pixels = stream.images.x[7].float() / 255
    assert torch.equal(batch.x[0, 0], pixels)
    assert torch.equal(batch.x[1, 0], pixels[stream.pixels[1, 1]])


def test_rotation_is_counter_clockwise_and_black_outside():
    from clbench.benchmarks.rotated_mnist import rotation
    image = torch.arange(1, 785).view(28, 28)
    padded = torch.cat([image.flatten(), torch.zeros(1, dtype=torch.long)])

    def turned(degrees):
        return padded[rotation(degrees)].view(28, 28)
    assert torch.equal(turned(0), image)
    assert torch.equal(turned(90), image.rot90(1))                           # counter-clockwise, as torch.rot90
    assert torch.equal(turned(180), image.rot90(2))
    assert turned(45)[0, 0] == 0 and turned(45)[14, 14] > 0
