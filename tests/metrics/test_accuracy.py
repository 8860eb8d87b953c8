"""Accuracy metrics against values worked out by hand."""

import doctest

import numpy as np
import pytest

from clbench.core.costs import COSTS
from clbench.metrics import accuracy, statistics
from clbench.metrics.accuracy import EXAMPLE, METRICS, joint_gap, per_seed, plasticity_gap

BY_HAND = {
    "acc": 2.2 / 3,
    "aia": (0.8 + 0.75 + 2.2 / 3) / 3,
    "la": 0.8,
    "bwt": -0.1,
    "forgetting": 0.15,
    "forgetting_last": 0.1,
    "forgetting_max": 0.2,
    "fwt": -0.05,
    "old": 0.6,
    "new": 1.0,
    "old_kept": 0.6 / 0.7,
    "stream_id": 0.8,
    "stream_backward": 0.7,
    "stream_forward": 0.2,
    "stream_next": 0.15,
}


@pytest.mark.parametrize("module", [accuracy, statistics])
def test_documented_examples(module):
    failed, attempted = doctest.testmod(module)
    assert attempted >= 3 and failed == 0


def test_every_seed_is_measured_alone():
    other = np.full((4, 3), 0.5)
    values = per_seed(np.stack([EXAMPLE, other]))
    assert {name: v[0] for name, v in values.items()} == pytest.approx(BY_HAND)
    assert values["acc"][1] == values["la"][1] == 0.5
    assert values["forgetting"][1] == values["bwt"][1] == 0 and values["old_kept"][1] == 1


def test_forgetting_uses_every_earlier_row_also_before_the_task_is_learnt():
    R = np.array([[1.0, 1.0, 0.0], [0.5, 0.9, 0.0], [0.5, 0.6, 0.0], [0.5, 0.6, 0.7]])  # row 0 must not count
    values = per_seed(R[None])
    assert values["forgetting"][0] == pytest.approx((0.0 + 0.3) / 2)
    assert values["forgetting_last"][0] == 0


def test_one_task_has_no_older_task():
    values = {name: v[0] for name, v in per_seed([[[0.1], [0.9]]]).items()}
    assert {name for name, value in values.items() if not np.isnan(value)} == {
        "acc",
        "aia",
        "la",
        "new",
        "stream_id",
    }
    assert values["acc"] == values["aia"] == values["la"] == values["new"] == 0.9


def test_nothing_learnt_leaves_no_share_to_keep():
    assert np.isnan(per_seed(np.zeros((1, 3, 2)))["old_kept"][0])


def needs(row: int, column: int) -> set[str]:
    """The metrics that become NaN when this cell of the 3-task example is missing."""
    array = EXAMPLE.tolist()
    array[row][column] = None
    return {name for name, v in per_seed([array]).items() if np.isnan(v[0])}


def test_a_missing_cell_voids_the_metrics_that_need_it_and_no_other():
    assert needs(0, 0) == set()
    assert needs(0, 2) == {"fwt"}
    assert needs(2, 2) == {"fwt", "stream_forward", "stream_next"}
    assert needs(1, 1) == {"forgetting", "forgetting_max", "fwt", "stream_forward", "stream_next"}
    assert needs(2, 0) == {"aia", "forgetting", "forgetting_max", "stream_backward"}
    assert needs(1, 0) == {
        "aia",
        "la",
        "bwt",
        "forgetting",
        "forgetting_last",
        "forgetting_max",
        "old_kept",
        "stream_id",
    }
    assert needs(3, 2) == {"acc", "aia", "la", "new", "stream_id"}


def test_slices_that_are_not_tasks_have_an_acc_only():
    values = per_seed([[[0.0, 0.0, 0.0], [0.1, 0.2, 0.6]]])
    assert values["acc"][0] == pytest.approx(0.3)
    assert all(np.isnan(v[0]) for name, v in values.items() if name != "acc")


def test_means_of_a_stream_with_three_slices_in_the_first_of_seven_steps():
    """TiC-DataComp: the first step is 2014 to 2016, tested are nine years. Slice j of row i scores 10 i +
    j."""
    R = np.array([[10 * i + j for j in range(1, 10)] for i in range(8)], float)
    step_of = [1, 1, 1, 2, 3, 4, 5, 6, 7]
    found = {name: values[0] for name, values in per_seed([R], step_of).items()}
    assert found["stream_id"] == pytest.approx((11 + 12 + 13 + 24 + 35 + 46 + 57 + 68 + 79) / 9)
    before = [sum(10 * i + j for j in range(1, i + 2)) for i in range(2, 8)]  # i + 1 slices before step i
    assert found["stream_backward"] == pytest.approx(sum(before) / (3 + 4 + 5 + 6 + 7 + 8))
    after = [sum(10 * i + j for j in range(i + 3, 10)) for i in range(1, 7)]
    assert found["stream_forward"] == pytest.approx(sum(after) / (6 + 5 + 4 + 3 + 2 + 1))
    assert found["stream_next"] == pytest.approx((14 + 25 + 36 + 47 + 58 + 69) / 6)
    assert found["acc"] == pytest.approx(75) and np.isnan(found["forgetting"])
    assert np.isnan(per_seed([R])["stream_id"][0])  # nobody has said which slices


def test_gaps_to_joint():
    joint = np.array([[0.0, 0.0, 0.4], [0.7, 0.0, 0.0], [0.9, 0.9, 0.0], [0.9, 0.9, 0.9]])
    assert plasticity_gap(EXAMPLE, joint) == pytest.approx((-0.1 + 0.3 - 0.1) / 3)
    assert joint_gap(EXAMPLE, joint) == pytest.approx(0.9 - 2.2 / 3)
    joint[1:3] = np.nan  # trained at the last row only
    assert np.isnan(plasticity_gap(EXAMPLE, joint)) and not np.isnan(joint_gap(EXAMPLE, joint))
    with pytest.raises(ValueError, match="not the same stream"):
        plasticity_gap(EXAMPLE, joint[:2, :1])


@pytest.mark.parametrize("array", [[[0.1, 0.2]], [[[0.1, 0.2]]]])
def test_an_array_without_seeds_or_tasks_is_refused(array):
    with pytest.raises(ValueError, match=r"\[S, T\+1, E\]"):
        per_seed(array)


def test_tables_of_names():
    titles = [one.title for one in METRICS.values()] + [f"{one.title} {one.unit}" for one in COSTS.values()]
    assert len(set(titles)) == len(titles)
    assert {m.name for m in METRICS.values() if not m.higher_is_better} == {
        "forgetting",
        "forgetting_last",
        "forgetting_max",
        "plasticity_gap",
        "plasticity_gap_equal",
        "joint_gap",
        "recency_bias",
        "negative_flips",
        "calibration_error",
    }
    assert {m.name for m in METRICS.values() if m.function is None} == {
        "acc_by_example",
        "plasticity_gap",
        "plasticity_gap_equal",
        "joint_gap",
        "worst_class",
        "recency_bias",
        "negative_flips",
        "calibration_error",
        "min_acc",
        "wc_acc",
        "anytime",
        "recovered",
        "new_share",
        "backward_left_right",
        "backward_right_left",
        "backward_five",
    }
    assert {"energy_wh", "labels", "growth"} <= set(COSTS)
