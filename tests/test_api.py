"""`clbench.run` and `clbench.load_results`."""
import numpy as np
import pytest

import clbench
from clbench.errors import InputError, Unavailable


def test_a_result_has_the_seeds_that_were_asked_for(tmp_path):
    four = clbench.run("blobs_class", "er(memory=100)", seeds=4, profile="smoke", out=tmp_path)
    assert four.acc.shape == (4, 6, 5) and four.seeds == [0, 1, 2, 3]
    two = clbench.run("blobs_class", "er(memory=100)", seeds=[3, 1], profile="smoke", out=tmp_path)
    assert two.seeds == [3, 1] and np.array_equal(two.acc, four.acc[[3, 1]])
    acc = two.metrics()["acc"]
    assert acc.n == 2 and acc.mean == pytest.approx(two.acc[:, -1].mean())
    frame = clbench.load_results(tmp_path)
    mine = frame[(frame.metric == "acc") & (frame.strategy == "er(memory=100)")].set_index("seed").value
    assert mine[3] == pytest.approx(two.acc[0, -1].mean()) and len(mine) == 4


def test_nothing_is_written_without_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clbench.run("blobs_class", "naive", seeds=1, profile="smoke")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("asked", "said"), [
    ({"seeds": [0, 0]}, "a seed is there twice"), ({"seeds": 0}, "at least one seed"), ({"seeds": [-1]}, "each 0 or more"),
    ({"seeds": []}, "give at least one"), ({"strategy": "ewcc"}, "did you mean"), ({"profile": "huge"}, "unknown profile"),
    ({"device": "tpu"}, "use auto, cpu, cuda or cuda:N")])
def test_mistakes_are_input_errors(asked, said):
    with pytest.raises(InputError, match=said):
        clbench.run(**{"benchmark": "blobs_class", "strategy": "naive", "profile": "smoke", "seeds": 1} | asked)


def test_a_strategy_that_cannot_learn_the_stream_says_why():
    with pytest.raises(RuntimeError, match="memory=5000 is larger than the 600 training examples"):
        clbench.run("blobs_class", "er(memory=5000)", seeds=1, profile="smoke")


def test_absent_data_are_unavailable(monkeypatch, tmp_path, unread):
    monkeypatch.setenv("CLBENCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="MNIST is not here: put"):
        clbench.run("split_mnist_class", "naive", seeds=1, profile="smoke")
