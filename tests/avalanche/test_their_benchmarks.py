"""Benchmarks of Avalanche's, learnt by strategies of ours."""

import pytest
import torch
from helpers import CPU, refused

import clbench
from clbench import registry
from clbench.data.labelled import sources

MAKE = """
import torch
from avalanche.benchmarks import benchmark_from_datasets
from avalanche.benchmarks.scenarios import with_classes_timeline, with_task_labels
from avalanche.benchmarks.utils.classification_dataset import _make_taskaware_tensor_classification_dataset

def make(labels="one", picture=False, sizes=(40, 30, 50), classes=((0, 1), (2, 3), (4, 5))):
    draws = torch.Generator().manual_seed(0)
    def data(n, own, t):
        y = torch.tensor(own)[torch.arange(n) % len(own)]
        x = torch.randn(n, 3, 4, 5, generator=draws) + y.view(-1, 1, 1, 1)
        x = x if picture else x.flatten(1)
        return _make_taskaware_tensor_classification_dataset(x, y, targets=y.tolist(), task_labels=t)
    tasks = [(n, own, t if labels == "own" else 0) for t, (n, own) in enumerate(zip(sizes, classes))]
    train, test = ([data(n // part, own, t) for n, own, t in tasks] for part in (1, 2))
    return with_task_labels(with_classes_timeline(benchmark_from_datasets(train=train, test=test)))

def empty():
    return 3
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(MAKE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stream_of(spec):
    _, made, _ = registry.benchmark(spec, "smoke")
    return made.stream([0], CPU), made.network()


def test_unequal_experiences_are_the_tasks(place):
    stream, net = stream_of("avalanche:theirs.py:make()")
    assert [len(task.train) for task in stream.tasks] == [40, 30, 50]
    assert [len(task.test) for task in stream.tasks] == [20, 15, 25]
    assert stream.scenario == "class" and stream.classes == 6 and str(net) == "mlp 60-400-400-6"
    batch = stream.gather(stream.tasks[1].train[None])
    assert set(batch.y[0].tolist()) == {2, 3}
    assert (batch.x[0].mean(1) - batch.y[0]).abs().max() < 1


def test_pictures_keep_their_places(place):
    stream, net = stream_of("avalanche:theirs.py:make(picture=True)")
    flat, _ = stream_of("avalanche:theirs.py:make()")
    assert stream.images.shape == (4, 5, 3) and "conv" in str(net)
    ours, theirs = stream.images.x.view(-1, 4, 5, 3), flat.images.x.view(-1, 3, 4, 5)
    assert torch.equal(ours.movedim(-1, 1), theirs)


@pytest.mark.parametrize("classes", [((0, 1), (2, 3), (4, 5)), ((0, 1), (0, 1), (0, 1))])
def test_task_labels_make_it_task_incremental(place, classes):
    call = f"theirs.py:make(labels='own', classes={classes})"
    assert "avalanche_task(" in refused(lambda: stream_of(f"avalanche:{call}"))
    stream, _ = stream_of(f'avalanche_task(make="{call}")')
    assert (
        stream.classes == 6
        and torch.stack([task.classes for task in stream.tasks]).sum(0).tolist() == [1] * 6
    )
    result = clbench.run(f'avalanche_task(make="{call}")', "separate", seeds=1, profile="smoke")
    assert result.metrics()["acc"].mean > 0.6  # .68 and more


def test_the_same_classes_make_it_domain_incremental(place):
    call = "theirs.py:make(classes=((0, 1), (0, 1), (0, 1)))"
    assert "avalanche_domain(" in refused(lambda: stream_of(f"avalanche:{call}"))
    assert stream_of(f'avalanche_domain(make="{call}")')[0].classes == 2


def test_native_strategies_learn_it_from_the_command_line(place, here):
    spec = "avalanche:theirs.py:make()"
    done = here(
        "run", "-b", spec, "-s", "naive", "-s", "joint", "--profile", "smoke", "--seeds", 2, cwd=place
    )
    assert done.returncode == 0 and "joint" in done.stdout
    found = clbench.load_results("my_results")
    assert set(found["strategy"]) == {"naive", "joint"}
    assert (
        "2 pairs up to date"
        in here(
            "run", "-b", spec, "-s", "naive", "-s", "joint", "--profile", "smoke", "--seeds", 2, cwd=place
        ).stdout
    )


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("avalanche:", "say which"),
        ("avalanche:1 + 1", "no call"),
        ("avalanche:make(x=y)", "no call"),
        ("avalanche:Nothing()", "has no function Nothing"),
        ("avalanche:nowhere.py:make()", "nowhere.py"),
        ("avalanche:theirs.py:other()", "has no function other"),
        ("avalanche:theirs.py:empty()", "gives no benchmark: AttributeError"),
        ("avalanche:theirs.py:make(sizes=(0, 0, 0))", "theirs.py"),
        ("avalanche_class(make='theirs.py:make()', validation=True)", "validation"),
    ],
)
def test_what_gives_no_benchmark_is_refused_in_a_line(place, spec, said):
    assert said in refused(lambda: stream_of(spec))


def test_a_classic_one_whose_data_are_there(place):
    if sources.available("mnist") is None:
        pytest.skip("MNIST is not here")
    ours = registry.benchmark("split_mnist_class", "smoke")[1].stream([0], CPU)
    raw = place / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for images, labels, name in (
        (ours.images.x, ours.images.y, "train"),
        (ours.images.x_test, ours.images.y_test, "t10k"),
    ):
        head = (2051).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in (len(images), 28, 28))
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + images.numpy().tobytes())
        head = (2049).to_bytes(4, "big") + len(labels).to_bytes(4, "big")
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.byte().numpy().tobytes())
    order = list(range(10))
    call = f"SplitMNIST(n_experiences=5, fixed_class_order={order}, dataset_root='{place}/data')"
    stream, _ = stream_of(f"avalanche:{call}")
    assert [len(task.train) for task in stream.tasks] == [len(task.train) for task in ours.tasks]
    for t in (0, 4):  # sorted by class
        theirs, own = (one.gather(one.tasks[t].train[None]) for one in (stream, ours))
        order = own.y[0].argsort(stable=True)
        assert torch.equal(theirs.y[0], own.y[0][order])
        assert torch.allclose(theirs.x[0] * 0.3081 + 0.1307, own.x[0][order], atol=1e-5)
