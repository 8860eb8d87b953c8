"""Metrics of accuracy within tasks, from a probe's points.

scores [K, E]: accuracy on each slice at K points, NaN on tasks to come; task [K], from 1, and step [K], steps
of the whole run, say which points those are. The example has three tasks of four steps, looked into after
steps 1, 2 and 4 of each:

    task, step   1, 1  1, 2  1, 4 | 2, 5  2, 6  2, 8 | 3, 9  3, 10  3, 12
    slice 1       0.2   0.6   0.8 |  0.4   0.5   0.8 |  0.3   0.5    0.6
    slice 2                       |  0.1   0.7   0.9 |  0.5   0.4    0.8
    slice 3                       |                  |  0.2   0.9    1.0
"""

import numpy as np

TASK = np.repeat([1, 2, 3], 3)
STEP = np.array([1, 2, 4, 5, 6, 8, 9, 10, 12])
_ = np.nan
SCORES = np.array(
    [
        [0.2, 0.6, 0.8, 0.4, 0.5, 0.8, 0.3, 0.5, 0.6],
        [_, _, _, 0.1, 0.7, 0.9, 0.5, 0.4, 0.8],
        [_, _, _, _, _, _, 0.2, 0.9, 1.0],
    ]
).T
RECOVERED = 0.95  # of what was there before the switch; of what joint training reaches


def min_acc(scores: np.ndarray, task: np.ndarray) -> float:
    """Average minimum accuracy: mean over tasks j < T of the lowest accuracy on j at any point after it was
    learnt (De Lange et al. 2023). NaN for one task.

    >>> round(min_acc(SCORES, TASK), 4)  # (0.3 + 0.4) / 2
    0.35
    """
    lowest = [scores[task > j + 1, j].min() for j in range(task[-1] - 1)]
    return float(np.mean(lowest)) if lowest else np.nan


def wc_acc(scores: np.ndarray, task: np.ndarray) -> float:
    """Worst-case accuracy: R[T,T] / T + (1 - 1 / T) min-ACC (De Lange et al. 2023).

    >>> round(wc_acc(SCORES, TASK), 4)  # 1.0 / 3 + 0.35 * 2 / 3
    0.5667
    """
    T = task[-1]
    return float(scores[-1, T - 1] / T + (1 - 1 / T) * min_acc(scores, task))


def anytime(scores: np.ndarray, task: np.ndarray, step: np.ndarray) -> float:
    """Average anytime accuracy: the mean over all steps of the accuracy on the tasks seen so far (Caccia et
    al. 2022). A point stands for the steps since the point before it.

    >>> round(anytime(SCORES[:3], TASK[:3], STEP[:3]), 4)  # (0.2 + 0.6 + 2 * 0.8) / 4
    0.6
    """
    return float(np.average(seen(scores, task), weights=np.diff(step, prepend=0)))


def seen(scores: np.ndarray, task: np.ndarray) -> np.ndarray:
    """[K]: at each point the mean accuracy on the tasks seen so far.

    >>> seen(SCORES, TASK)[-1].round(4).tolist()  # (0.6 + 0.8 + 1.0) / 3
    0.8
    """
    return np.array([row[:t].mean() for row, t in zip(scores, task, strict=True)])


def recovery_steps(scores: np.ndarray, task: np.ndarray, step: np.ndarray) -> float:
    """Recovery: steps after a switch until the mean accuracy on older tasks, having been at its lowest, is
    back at 95 % of what it was before the switch; 0 where it never falls below; mean over the switches. NaN
    where it does not come back after one of them.

    >>> recovery_steps(SCORES[:6], TASK[:6], STEP[:6])  # 0.8 at step 4; again at step 8
    4.0
    """
    needed: list[float] = []
    for t in range(2, task[-1] + 1):
        before, within = np.flatnonzero(task == t - 1)[-1], np.flatnonzero(task == t)
        older = scores[:, : t - 1].mean(axis=1)
        enough, lowest = RECOVERED * older[before], within[older[within].argmin()]
        back = within[(within >= lowest) & (older[within] >= enough)]
        if older[lowest] >= enough:
            needed.append(0)
        else:
            needed.append(step[back[0]] - step[before] if len(back) else np.nan)
    return float(np.mean(needed)) if needed else np.nan


def steps_to(target: float, seen: np.ndarray, task: np.ndarray, step: np.ndarray) -> float:
    """Time to target: steps of the whole run until the mean accuracy on all tasks is at the target, which can
    be in the last task only; NaN where it never is. seen [K]: see above.

    >>> steps_to(0.95 * 0.8, seen(SCORES, TASK), TASK, STEP)
    12.0
    """
    there = np.flatnonzero((task == task[-1]) & (seen >= target))
    return float(step[there[0]]) if len(there) else np.nan


def of_probe(scores: np.ndarray, task: np.ndarray, step: np.ndarray) -> dict[str, float]:
    """name -> value of one seed."""
    return {
        "min_acc": min_acc(scores, task),
        "wc_acc": wc_acc(scores, task),
        "anytime": anytime(scores, task, step),
        "recovery_steps": recovery_steps(scores, task, step),
    }
