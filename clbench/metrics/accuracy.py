"""Metrics of one seed's accuracy matrix R [T+1, E], and the names of all metrics and costs for records and
tables.

Row i of R is measured after training on task i; row 0 is the untrained network of that seed. Column j is
evaluation slice j, counted from 1 as in the papers. Where E = T, slice j is the test set of task j. Values
are fractions.

A cell that does not exist is NaN and makes every metric that needs it NaN. A metric that needs an older
task is NaN when T = 1. When the slices are not the tasks (E != T), every metric is NaN but ACC and, given
`step_of`, the means of streams. No function changes its input.

The examples use three tasks:

    EXAMPLE   slice 1  slice 2  slice 3
    row 0       0.0      0.0      0.4
    row 1       0.8      0.1      0.3
    row 2       0.9      0.6      0.2
    row 3       0.5      0.7      1.0
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

EXAMPLE = np.array([[0.0, 0.0, 0.4], [0.8, 0.1, 0.3], [0.9, 0.6, 0.2], [0.5, 0.7, 1.0]])
EXAMPLE.setflags(write=False)


def acc(R: np.ndarray) -> float:
    """ACC: mean over j of R[T,j] (Lopez-Paz & Ranzato 2017).

    >>> round(acc(EXAMPLE), 4)  # (0.5 + 0.7 + 1.0) / 3
    0.7333
    """
    return _mean(R[-1])


def acc_by_example(R: np.ndarray, sizes: Sequence[int]) -> float:
    """ACC with every example counted once, not every task: mean over j of R[T,j], weighted by sizes [E].

    >>> round(acc_by_example(EXAMPLE, [10, 10, 20]), 4)  # (10 * 0.5 + 10 * 0.7 + 20 * 1.0) / 40
    0.8
    """
    return float(np.average(R[-1], weights=sizes)) if sum(sizes) else np.nan


def aia(R: np.ndarray) -> float:
    """Average incremental accuracy: mean over i >= 1 of the mean over j <= i of R[i,j] (Rebuffi et al. 2017).

    >>> round(aia(EXAMPLE), 4)  # (0.8 + (0.9 + 0.6) / 2 + (0.5 + 0.7 + 1.0) / 3) / 3
    0.7611
    """
    R = _by_task(R)
    return _mean(np.array([R[i, :i].mean() for i in range(1, len(R))]))


def la(R: np.ndarray) -> float:
    """Learning accuracy: mean over j of R[j,j] (Riemer et al. 2019).

    >>> round(la(EXAMPLE), 4)  # (0.8 + 0.6 + 1.0) / 3
    0.8
    """
    return _mean(_just_learnt(R))


def bwt(R: np.ndarray) -> float:
    """Backward transfer: mean over j < T of R[T,j] - R[j,j] (Lopez-Paz & Ranzato 2017).

    >>> round(bwt(EXAMPLE), 4)  # ((0.5 - 0.8) + (0.7 - 0.6)) / 2
    -0.1
    """
    return _mean(_by_task(R)[-1, :-1] - _just_learnt(R)[:-1])


def forgetting(R: np.ndarray) -> float:
    """Forgetting: mean over j < T of (max over 1 <= i <= T-1 of R[i,j]) - R[T,j].

    At least -BWT, and negative where the last task helped the older ones (Chaudhry et al. 2018; Wang et al.
    2024).

    >>> round(forgetting(EXAMPLE), 4)  # ((0.9 - 0.5) + (0.6 - 0.7)) / 2
    0.15
    """
    R = _by_task(R)
    return _mean(_best(R[1:-1, :-1]) - R[-1, :-1])


def forgetting_last(R: np.ndarray) -> float:
    """Forgetting since the task was learnt: mean over j < T of R[j,j] - R[T,j] (as Avalanche prints it).

    >>> round(forgetting_last(EXAMPLE), 4)  # ((0.8 - 0.5) + (0.6 - 0.7)) / 2
    0.1
    """
    return _mean(_just_learnt(R)[:-1] - _by_task(R)[-1, :-1])


def forgetting_max(R: np.ndarray) -> float:
    """Forgetting, never negative: mean over j < T of (max over 1 <= i <= T of R[i,j]) - R[T,j].

    This is the variant of Mammoth and PILOT.

    >>> round(forgetting_max(EXAMPLE), 4)  # ((0.9 - 0.5) + (0.7 - 0.7)) / 2
    0.2
    """
    R = _by_task(R)
    return _mean(_best(R[1:, :-1]) - R[-1, :-1])


def fwt(R: np.ndarray) -> float:
    """Forward transfer: mean over j >= 2 of R[j-1,j] - R[0,j] (Lopez-Paz & Ranzato 2017).

    The reference is the same seed's untrained network, never 1 / number of classes.

    >>> round(fwt(EXAMPLE), 4)  # ((0.1 - 0.0) + (0.2 - 0.4)) / 2
    -0.05
    """
    R = _by_task(R)
    return _mean(np.diagonal(R[:-1])[1:] - R[0, 1:])


def old(R: np.ndarray) -> float:
    """Final accuracy on the older tasks: mean over j < T of R[T,j] (ours).

    >>> round(old(EXAMPLE), 4)  # (0.5 + 0.7) / 2
    0.6
    """
    return _mean(_by_task(R)[-1, :-1])


def new(R: np.ndarray) -> float:
    """Final accuracy on the last task: R[T,T] (ours).

    >>> new(EXAMPLE)
    1.0
    """
    return float(_by_task(R)[-1, -1])


def old_kept(R: np.ndarray) -> float:
    """Share kept of the older tasks: mean over j < T of R[T,j] / mean over j < T of R[j,j] (ours).

    >>> round(old_kept(EXAMPLE), 4)  # (0.5 + 0.7) / (0.8 + 0.6)
    0.8571
    """
    learnt = _mean(_just_learnt(R)[:-1])
    return old(R) / learnt if learnt else np.nan


def stream_id(R: np.ndarray, step_of: Sequence[int] | None = None) -> float:
    """In-domain: mean of the scores on slices of the step just learnt (Garg et al. 2024; CLEAR).

    step_of [E]: the step, from 1, whose data each slice is like; None: slice j is that of step j, and this
    is `la`. It is a plain mean over cells, so a step with three slices counts three times. Likewise below.

    >>> round(stream_id(EXAMPLE), 4)  # (0.8 + 0.6 + 1.0) / 3
    0.8
    """
    return _mean(_cells(R, step_of, np.equal))


def stream_backward(R: np.ndarray, step_of: Sequence[int] | None = None) -> float:
    """Backward: mean of R[i,j] on slices of steps before i (Garg et al. 2024; CLEAR).

    A mean of scores, where `bwt` is one of differences.

    >>> round(stream_backward(EXAMPLE), 4)  # (0.9 + 0.5 + 0.7) / 3
    0.7
    """
    return _mean(_cells(R, step_of, np.less))


def stream_forward(R: np.ndarray, step_of: Sequence[int] | None = None) -> float:
    """Forward: mean of R[i,j] on slices of steps after i (Garg et al. 2024; CLEAR).

    A mean of scores, where `fwt` is one of differences.

    >>> round(stream_forward(EXAMPLE), 4)  # (0.1 + 0.3 + 0.2) / 3
    0.2
    """
    return _mean(_cells(R, step_of, np.greater))


def stream_next(R: np.ndarray, step_of: Sequence[int] | None = None) -> float:
    """Next domain: mean of R[i,j] on slices of step i + 1 (CLEAR).

    >>> round(stream_next(EXAMPLE), 4)  # (0.1 + 0.2) / 2
    0.15
    """
    return _mean(_cells(R, step_of, lambda step, i: step == i + 1))


def plasticity_gap(R: np.ndarray, R_joint: np.ndarray) -> float:
    """Plasticity gap: mean over k of R_joint[k,k] - R[k,k].

    Called intransigence by Chaudhry et al. 2018; see also Wang et al. 2024.
    R_joint is the same seed's matrix of `joint`, or of `joint_equal` for `plasticity_gap_equal`.

    >>> R_joint = np.array([[0.0, 0.0, 0.4], [0.8, 0.1, 0.3], [0.9, 0.9, 0.2], [0.9, 0.9, 1.0]])
    >>> round(plasticity_gap(EXAMPLE, R_joint), 4)  # ((0.8 - 0.8) + (0.9 - 0.6) + (1.0 - 1.0)) / 3
    0.1
    """
    _same_shape(R, R_joint)
    return la(R_joint) - la(R)


def joint_gap(R: np.ndarray, R_joint: np.ndarray) -> float:
    """Gap to joint training: ACC(joint) - ACC, same seed (ours).

    >>> R_joint = np.array([[0.0, 0.0, 0.4], [0.8, 0.1, 0.3], [0.9, 0.9, 0.2], [0.9, 0.9, 1.0]])
    >>> round(joint_gap(EXAMPLE, R_joint), 4)  # (0.9 + 0.9 + 1.0) / 3 - (0.5 + 0.7 + 1.0) / 3
    0.2
    """
    _same_shape(R, R_joint)
    return acc(R_joint) - acc(R)


def new_share(R: np.ndarray, R_joint: np.ndarray) -> float:
    """Share of full retraining on the new data: R[T,T] / R_joint[T,T], same seed (ours).

    >>> R_joint = np.array([[0.0, 0.0, 0.4], [0.8, 0.1, 0.3], [0.9, 0.9, 0.2], [0.9, 0.9, 0.8]])
    >>> new_share(EXAMPLE, R_joint)  # 1.0 / 0.8
    1.25
    """
    _same_shape(R, R_joint)
    return new(R) / new(R_joint) if new(R_joint) else np.nan


def per_seed(array: np.ndarray, step_of: Sequence[int] | None = None) -> dict[str, np.ndarray]:
    """name -> [S]: every metric of METRICS that needs one matrix only, from the array [S, T+1, E] of a run.

    The array may be nested lists, with None for a missing cell. step_of [E]: see `stream_id`.

    >>> per_seed([EXAMPLE, EXAMPLE + 0.1])["acc"].round(4).tolist()
    [0.7333, 0.8333]
    """
    array = np.asarray(array, dtype=np.float64)
    if array.ndim != 3 or array.shape[1] < 2:
        raise ValueError(f"expected an accuracy array [S, T+1, E] with T >= 1, got shape {list(array.shape)}")
    values = {}
    for name, metric in METRICS.items():
        if metric.function in STREAM_METRICS:
            values[name] = np.array([metric.function(R, step_of) for R in array], dtype=np.float64)
        elif metric.function is not None:
            values[name] = np.array([metric.function(R) for R in array], dtype=np.float64)
    return values


STREAM_METRICS = (stream_id, stream_backward, stream_forward, stream_next)  # those that take `step_of`


@dataclass(frozen=True)
class Metric:
    """A metric's name in records, its title in tables, and which way is better."""

    name: str
    title: str
    higher_is_better: bool
    description: str
    function: Callable[..., float] | None = None  # None: needs other records, so `per_seed` leaves it out


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in [
        Metric("acc", "ACC", True, "mean accuracy over all tasks after the last one", acc),
        Metric(
            "acc_by_example",
            "ACC by example",
            True,
            "the same with every example, not every task, counted once",
        ),
        Metric("aia", "AIA", True, "accuracy on the tasks seen so far, averaged over the stream", aia),
        Metric("la", "LA", True, "accuracy on each task right after learning it", la),
        Metric("bwt", "BWT", True, "change on older tasks since each was learnt", bwt),
        Metric(
            "forgetting",
            "forgetting",
            False,
            "best earlier accuracy minus the final one, older tasks",
            forgetting,
        ),
        Metric(
            "forgetting_last",
            "forgetting (last)",
            False,
            "accuracy right after learning minus the final one, older tasks",
            forgetting_last,
        ),
        Metric(
            "forgetting_max",
            "forgetting (max)",
            False,
            "best accuracy at any time minus the final one, older tasks; never negative",
            forgetting_max,
        ),
        Metric(
            "fwt",
            "FWT",
            True,
            "accuracy on each next task before learning it, above the untrained network",
            fwt,
        ),
        Metric("old", "old", True, "final accuracy on all tasks but the last", old),
        Metric("new", "new", True, "final accuracy on the last task", new),
        Metric(
            "old_kept", "old kept", True, "share of the just-learnt accuracy that older tasks keep", old_kept
        ),
        Metric("stream_id", "in-domain", True, "score on each slice right after learning it", stream_id),
        Metric(
            "stream_backward",
            "all past",
            True,
            "score on all slices before, averaged over the stream (backward)",
            stream_backward,
        ),
        Metric(
            "stream_forward",
            "forward",
            True,
            "score on the slices to come, averaged over the stream",
            stream_forward,
        ),
        Metric(
            "stream_next",
            "next slice",
            True,
            "score on the next slice, averaged over the stream (next domain)",
            stream_next,
        ),
        Metric(
            "plasticity_gap", "plasticity gap", False, "what joint learns of each task and this row does not"
        ),
        Metric(
            "plasticity_gap_equal",
            "plasticity gap (equal)",
            False,
            "the same, joint having as many steps as this row",
        ),
        Metric("joint_gap", "gap to joint", False, "ACC of joint minus ACC"),
        Metric(
            "new_share",
            "new, of joint",
            True,
            "final accuracy on the last task as a share of what joint has there",
        ),
        Metric(
            "backward_left_right",
            "backward R@1 left to right",
            True,
            "backward of recall at 1, the right sides ranked",
        ),
        Metric("backward_right_left", "backward R@1 right to left", True, "the same, the left sides ranked"),
        Metric("backward_five", "backward R@5", True, "the same of recall at 5, mean of both directions"),
        Metric(
            "worst_class", "worst class", True, "accuracy on the class with the lowest, after the last task"
        ),
        Metric(
            "recency_bias",
            "recency bias",
            False,
            "share of older tasks' test rows taken for a class of the newest task",
        ),
        Metric(
            "negative_flips",
            "negative flips",
            False,
            "share of older tasks' test rows right before an update and wrong after it",
        ),
        Metric(
            "calibration_error",
            "calibration error",
            False,
            "mean distance of confidence from accuracy, in 15 bins (ECE)",
        ),
        Metric("min_acc", "min-ACC", True, "lowest accuracy within later tasks, older tasks (needs --probe)"),
        Metric(
            "wc_acc", "WC-ACC", True, "worst case: min-ACC and the final accuracy on the last task (--probe)"
        ),
        Metric(
            "anytime", "anytime", True, "accuracy on the tasks seen so far, mean over all steps (--probe)"
        ),
        Metric(
            "recovered", "recovered", True, "share of the ACC lost between joint and naive that is won back"
        ),
    ]
}


def _by_task(R: np.ndarray) -> np.ndarray:
    """R as [T+1, T]; all NaN when the slices are not the tasks, since R[j,j] then means nothing."""
    tasks = R.shape[0] - 1
    return R if R.shape[1] == tasks else np.full((tasks + 1, tasks), np.nan)


def _cells(R: np.ndarray, step_of: Sequence[int] | None, related: Callable) -> np.ndarray:
    """The cells R[i,j] with i >= 1 for which related(step of slice j, i) holds."""
    tasks = R.shape[0] - 1
    slices = R.shape[1]
    if step_of is None and slices != tasks:
        return np.full(1, np.nan)
    step = np.arange(1, slices + 1) if step_of is None else np.asarray(step_of)
    return R[1:][related(step[None, :], np.arange(1, tasks + 1)[:, None])]


def _just_learnt(R: np.ndarray) -> np.ndarray:
    """R[j,j] for j = 1..T."""
    return np.diagonal(_by_task(R)[1:])


def _best(rows: np.ndarray) -> np.ndarray:
    """The maximum of each column. `initial` matters only for T = 1, where there is no row and no column."""
    return rows.max(axis=0, initial=-np.inf)


def _mean(values: np.ndarray) -> float:
    """The mean of all values; NaN where there is none."""
    return float(values.mean()) if values.size else np.nan


def _same_shape(R: np.ndarray, R_joint: np.ndarray) -> None:
    if R.shape != R_joint.shape:
        raise ValueError(
            f"R has shape {list(R.shape)} but R_joint {list(R_joint.shape)}: not the same stream"
        )
