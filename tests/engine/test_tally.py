"""What evaluation sees beside accuracy, and looks into the tasks."""

import numpy as np
import pytest
import torch
from helpers import make

from clbench.engine.prediction import cost_of_predictions
from clbench.engine.probe import Probe
from clbench.engine.tally import Tally
from clbench.metrics import tally, within

DIGITS = "split_digits_{}"  # where plain training forgets


def told(spec: str, scenario: str = "class", seeds=(0, 1), benchmark: str = "blobs_{}"):
    """(run, acc, arrays) of a run on blobs that was tallied."""
    run = make(spec, scenario, seeds, benchmark=benchmark)
    run.looks = [Tally(run.stream, run.gives_probabilities)]
    acc = run.train()
    return run, acc, {name: array.numpy() for name, array in run.looks[0].arrays().items()}


def answers_by_hand(run, s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(guess, label, probability of the guess) of every test row of one seed, from the network as it is."""
    images, guess, label, sure = run.stream.images, [], [], []
    for task in run.stream.tasks:
        x = run.stream.test(len(guess), slice(None)).expand(run.S, -1, -1)
        p = run.learner.outputs(x)[s].double().softmax(-1)
        guess.append(p.argmax(-1))
        sure.append(p.max(-1).values)
        label.append(images.y_test[task.test])
    return tuple(torch.cat(one).detach().numpy() for one in (guess, label, sure))


def test_confusion_flips_and_calibration_are_what_the_last_network_answers():
    run, acc, arrays = told("er")
    for s in range(2):
        guess, label, sure = answers_by_hand(run, s)
        C = run.stream.classes
        expected = np.zeros((C, C), int)
        np.add.at(expected, (label, guess), 1)
        assert (arrays["confusion"][s, -1] == expected).all()
        right = guess == label
        expected_error = tally.calibration_error(sure, right)
        assert arrays["calibration_error"][s, -1] == pytest.approx(expected_error, abs=1e-6)
    # The bits of all rows are kept here, so flips and accuracy follow from them.
    sizes = [len(task.test) for task in run.stream.tasks]
    bits = np.split(arrays["right"], np.cumsum(sizes)[:-1], axis=-1)
    for j, of_slice in enumerate(bits):
        assert of_slice.mean(-1) == pytest.approx(acc[:, :, j].numpy())
        lost = (of_slice[:, :-1] & ~of_slice[:, 1:]).mean(-1)
        assert arrays["negative_flips"][:, 1:, j] == pytest.approx(lost)


def test_two_strategies_differ_in_each_measure():
    """Plain training takes what is old for what is new; a memory does so less."""
    found = {spec: tally.of_arrays(told(spec, benchmark=DIGITS)[2]) for spec in ("naive", "er")}
    naive, er = ({name: np.mean(values) for name, values in one.items()} for one in found.values())
    assert naive["recency_bias"] > er["recency_bias"] + 0.2
    assert naive["negative_flips"] > er["negative_flips"] + 0.1
    assert naive["worst_class"] < er["worst_class"]
    assert naive["calibration_error"] > er["calibration_error"]


def test_scores_that_are_no_probabilities_have_no_calibration():
    assert "calibration_error" not in tally.of_arrays(told("ncm")[2])
    assert "calibration_error" in tally.of_arrays(told("er")[2])


def test_no_recency_where_tasks_share_their_classes_or_the_task_is_told():
    for scenario in ("domain", "task"):
        assert "recency_bias" not in tally.of_arrays(told("naive", scenario)[2])


def test_of_many_classes_the_accuracy_of_each_is_kept(monkeypatch):
    from clbench.engine import tally as counting

    whole = told("er")[2]["confusion"]
    monkeypatch.setattr(counting, "CLASSES", 2)
    arrays = told("er")[2]
    assert "confusion" not in arrays
    assert arrays["class_accuracy"] == pytest.approx(tally.class_accuracy(whole))


def test_few_bits_are_kept_of_many_rows(monkeypatch):
    from clbench.engine import tally as counting

    whole = told("er")[2]["right"]
    monkeypatch.setattr(counting, "BITS", whole[0].size // 3)
    few = told("er")[2]["right"]
    assert few[0].size <= whole[0].size / 3 + whole.shape[1] * 10


def test_kept_bytes_and_moved_weights_after_each_task():
    run, _, _ = told("er")
    assert run.kept_bytes[-1] == run.memory_bytes() and len(run.kept_bytes) == len(run.stream.tasks)
    assert all(0.5 < share <= 1 for share in run.moved)
    head_only = told("head_only")[0]
    assert max(head_only.moved[1:]) < 0.2 < head_only.moved[0]  # it learns its body in the first task alone


def test_a_prediction_costs_what_the_network_does():
    run, _, _ = told("naive")
    sheet = cost_of_predictions(run.stream, run.scores, run.clock)
    weights = sum(np.prod(shape) for shape in run.learner.net.layout.shapes.values() if len(shape) == 2)
    assert sheet["predict_flops"] == 2 * weights * run.S
    assert sheet["predict_ms"] > sheet["predict_batch_ms"] > 0


def test_a_probe_sees_what_evaluation_sees_at_the_end_of_a_task():
    run = make("naive", seeds=(0, 1))
    run.looks = [Probe(run.stream, 10_000)]  # all rows
    acc = run.train()
    arrays = run.looks[0].arrays()
    task, step = (arrays[f"probe_{name}"][0].numpy() for name in ("task", "step"))
    T = len(run.stream.tasks)
    for t in range(T):
        (*_, end) = np.flatnonzero(task == t + 1)
        assert torch.allclose(arrays["probe"][:, end, : t + 1].double(), acc[:, t + 1, : t + 1], atol=1e-6)
        assert arrays["probe"][:, end, t + 1 :].isnan().all()
    assert run.steps == 12
    assert step[task == 2].tolist() == [12 + since for since in (1, 2, 4, 8, 12)]


def test_a_memory_keeps_the_worst_case_up():
    found = {}
    for spec in ("naive", "er"):
        run = make(spec, benchmark=DIGITS)
        run.looks = [Probe(run.stream, 100)]
        run.train()
        arrays = {name: array[0].numpy() for name, array in run.looks[0].arrays().items()}
        found[spec] = within.of_probe(arrays["probe"], arrays["probe_task"], arrays["probe_step"])
    for name in ("min_acc", "wc_acc", "anytime"):
        assert found["er"][name] > found["naive"][name] + 0.05
    assert np.isnan(found["naive"]["recovery_steps"])


def test_a_probe_takes_no_part_in_times_and_counts():
    def sheet(rows):
        run = make("er")
        run.looks = [Probe(run.stream, rows)] if rows else []
        run.train()
        return run.clock.sheet(), run.samples_seen

    (without, seen), (probed, again) = sheet(None), sheet(100)
    assert "probe_s" not in without and probed["probe_s"] > 0
    assert probed["flops"] == without["flops"] and seen == again
