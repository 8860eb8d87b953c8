"""The contract: every benchmark whose data are here passes all of it without further test code."""

import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
import torch
from helpers import LABELLED, PAIRS

from clbench import MLP, Benchmark, Budget, Images, PairStream, registry, split_by_class
from clbench.benchmarks.blobs import Blobs, gaussian_blobs
from clbench.benchmarks.driftcaps import Driftcaps
from clbench.errors import Unavailable
from clbench.profiles import OWN_PROFILES
from clbench.testing import benchmark_checks, check_benchmark

CPU = torch.device("cpu")
BLOBS = {
    name: {"unused": True} for name in LABELLED if name.startswith("blobs")
}  # more classes than tasks use
MEANT = BLOBS | {
    "split_fashion_mnist_class": {"shared": 20},  # a few published pictures stand in both
    "driftcaps(n=300, n_test=50)": {"repeats": True},
}  # a caption may be said again
ALL = [*LABELLED, *("driftcaps(n=300, n_test=50)" if name == "driftcaps" else name for name in PAIRS)]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{name}: {check}")
        for name in ALL
        for check in benchmark_checks(name, **MEANT.get(name, {}))
    ],
)
def test_contract(check):
    try:
        check()
    except Unavailable as missing:
        pytest.skip(str(missing))


def loaded(name, seeds=(0, 1), profile="smoke", arguments=""):
    _, benchmark, _ = registry.benchmark(name + arguments, profile)
    try:
        return benchmark, benchmark.stream(list(seeds), CPU)
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("profile", OWN_PROFILES)
def test_our_towers_give_unit_vectors_times_a_scale_at_fixed_compute(name, profile):
    arguments = "(n=300, n_test=50)" if name == "driftcaps" else ""
    benchmark, stream = loaded(name, profile=profile, arguments=arguments)
    net, x = benchmark.network(), stream.test(0, slice(0, 30))
    left, right = net(net.init(torch.Generator().manual_seed(0)), tuple(side[0] for side in x))
    assert left.shape == right.shape == (30, 64)
    assert torch.allclose(left.norm(dim=-1), torch.tensor(10.0)) and torch.allclose(
        right.norm(dim=-1), torch.tensor(1.0)
    )
    assert benchmark.budget(profile).fixed_compute


FINGERPRINTS = {
    "split_digits_class": "8785892c4369f262",
    "driftcaps": "42b26b6165db8021",
    "icons": "0c8c32a8114a195c",
}  # as on any other platform


def test_fingerprints_are_stable_across_processes():
    names = [*FINGERPRINTS, "blobs_class"]
    code = (
        f"from clbench import registry\n"
        f"for name in {names}: print(registry.benchmark(name, 'smoke')[1].fingerprint())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [loaded(name)[0].fingerprint() for name in names] == other
    assert other == [*FINGERPRINTS.values(), "gaussian blobs 1"]


def test_permutations_differ_by_task_and_seed_but_not_the_first():
    _, stream = loaded("permuted_mnist_domain")
    image = stream.images.x_test[0].float() / 255
    views = torch.stack([stream.test(j, slice(0, 1))[:, 0] for j in range(3)])  # [task, seed, d]
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
    assert torch.equal(turned(90), image.rot90(1))  # counter-clockwise, as torch.rot90
    assert torch.equal(turned(180), image.rot90(2))
    assert turned(45)[0, 0] == 0 and turned(45)[14, 14] > 0


# ---- what each check is there for


@dataclass
class Small(Benchmark):
    """Holds the contract; each culprit derives from it and breaks one thing."""

    scenarios = ("class", "task")
    budgets = {"smoke": Budget(steps=2, rows=16)}

    @staticmethod
    def data() -> Images:
        return gaussian_blobs(classes=4)

    def make_stream(self, images, seeds):
        return split_by_class(images, [[0, 1], [2, 3]], self.scenario, seeds)

    def network(self):
        return MLP(16, 8, 4)


class LeavesOut(Small):
    def make_stream(self, images, seeds):
        return split_by_class(images, [[0, 1], [2]], self.scenario, seeds)

    def network(self):
        return MLP(16, 8, 3)


class Overlaps(Small):
    def make_stream(self, images, seeds):
        return split_by_class(images, [[0, 1], [1, 2, 3]], self.scenario, seeds)

    def network(self):
        return MLP(16, 8, 5)


class ShowsItsTest(Small):
    @staticmethod
    def data():
        images = gaussian_blobs(classes=4)
        return replace(images, x_test=images.x, y_test=images.y)


class Narrow(Small):
    def network(self):
        return MLP(16, 8, 2)


class TooLarge(Small):
    budgets = {"smoke": Budget(steps=2, rows=1000)}


class Careless(Small):
    def network(self):
        class Net(MLP):
            def init(self, generator):
                return torch.rand(self.layout.P)

        return Net(16, 8, 4)


class Loses(Small):
    def make_stream(self, images, seeds):
        stream = super().make_stream(images, seeds)
        stream.masks = stream.shown = ~stream.masks
        return stream


class PeeksWhenValidating(Small):
    def stream(self, seeds, device):
        images = self.data()
        if self.validation:
            images = replace(images.validation(), x_test=images.x_test, y_test=images.y_test)
        return self.make_stream(images, seeds)


class NoFingerprint(Small):
    def fingerprint(self):
        return ""


class ShowsItsTestPairs(Driftcaps):
    def make_stream(self, pairs, seeds):
        return PairStream(replace(pairs, test=tuple(rows[:8] for rows in pairs.train)), seeds)


class Uneven(Driftcaps):
    def make_stream(self, pairs, seeds):
        return PairStream(replace(pairs, test=(pairs.test[0][:5], *pairs.test[1:])), seeds)


def test_what_holds_the_contract_passes():
    check_benchmark(Small)
    check_benchmark(Small(), "task")
    check_benchmark(Blobs, unused=True)
    names = [str(check) for check in benchmark_checks(Small)]
    assert len(names) == len(set(names)) == 2 * len(list(benchmark_checks(Small, "task")))


@pytest.mark.parametrize(
    ("culprit", "check", "said"),
    [
        (LeavesOut, "tasks partition", "no task has 60 of the training examples"),
        (Overlaps, "tasks partition", "stands in two tasks"),
        (ShowsItsTest, "train and test", "240 test examples stand among the training examples"),
        (Narrow, "the network", "not \\(3, 4\\)"),
        (TooLarge, "the network", "a batch has 1000 rows, more than the 120"),
        (Careless, "the network", "something else than the generator"),
        (Loses, "labels are in the mask", "a label that its softmax does not see"),
        (PeeksWhenValidating, "validation", "80 of the examples held out for validation are test examples"),
        (ShowsItsTestPairs, "slices of pairs", "among training and test pairs"),
        (Uneven, "slices of pairs", "different numbers of test pairs"),
        (NoFingerprint, "its data", "a fingerprint is a text"),
    ],
)
def test_a_culprit_fails_the_check_that_is_there_for_it(culprit, check, said):
    scenario = "task" if issubclass(culprit, Small) else None
    small = culprit if scenario else culprit(slices=2, n=64, n_test=8, size=8, rows=16)
    there = next(one for one in benchmark_checks(small, scenario) if one.name.startswith(check))
    with pytest.raises(AssertionError, match=said):
        there()
