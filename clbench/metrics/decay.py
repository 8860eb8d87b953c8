"""How a model ages on a stream in time, what an update buys, and what a calendar of updates costs.

From the accuracy matrix R [T+1, E] of `clbench.metrics.accuracy`, by its rules. Row k is the model as it was
after its update with slice k; how it does on later slices says what would happen had it been left alone.
Degradation of this kind is what Lazaridou et al. 2021, Luu et al. 2022 and Vela et al. 2022 measure.

A calendar skips the training on the slices between its updates, and that is all it says: the model in use is
the one that did train on every slice up to its last update. A model that really is updated every second time
would have seen less data in between; that takes a run of its own.

step_of [E]: the step, from 1, whose data each slice is like; None: slice j is that of step j. Means are plain
means over cells, so a step with three slices counts three times.
"""

from collections.abc import Sequence

import numpy as np

from clbench.metrics.accuracy import EXAMPLE, Metric  # noqa: F401    # EXAMPLE is for the doctests

Steps = Sequence[int] | None


def curve(R: np.ndarray, step_of: Steps = None) -> np.ndarray:
    """[A] accuracy by age, without update: for age a = 0, 1, … the mean over k of R[k,k+a].

    Age 0 is the slice that a model was just updated with (Luu et al. 2022). The mean has T - a terms: the
    later an age, the fewer models and slices speak for it (`terms`).

    >>> curve(EXAMPLE).round(4).tolist()  # (0.8 + 0.6 + 1.0) / 3; (0.1 + 0.2) / 2; 0.3
    [0.8, 0.15, 0.3]
    """
    return _by_age(R[1:], R, step_of)


def above_untrained(R: np.ndarray, step_of: Steps = None) -> np.ndarray:
    """[A] the same above the untrained network on the same slices: the mean over k of R[k,k+a] - R[0,k+a].

    >>> above_untrained(EXAMPLE).round(4).tolist()  # (0.8 + 0.6 + 0.6) / 3; (0.1 - 0.2) / 2; 0.3 - 0.4
    [0.6667, -0.05, -0.1]
    """
    return _by_age(R[1:] - R[0], R, step_of)


def terms(R: np.ndarray, step_of: Steps = None) -> list[int]:
    """[A] over how many cells the mean of each age is.

    >>> terms(EXAMPLE)
    [3, 2, 1]
    """
    ages = _ages(R, step_of)
    return [] if ages is None else np.bincount(ages[ages >= 0]).tolist()


def half_life(R: np.ndarray, step_of: Steps = None) -> float:
    """Half-life in slices: the age at which `above_untrained` has first fallen to half of what it is at age 0
    (ours), on straight lines between ages.

    inf where it never falls so far within the stream; NaN where nothing was learnt, or with one slice.

    >>> round(half_life(EXAMPLE), 4)  # from 0.6667 down to -0.05: 0.3333 at 0.3333 / 0.7167
    0.4651
    >>> half_life(np.array([[0.2, 0.2], [0.8, 0.6], [0.8, 0.8]]))  # 0.4 at age 1 is more than 0.6 / 2
    inf
    """
    kept = above_untrained(R, step_of)
    if len(kept) < 2 or not np.isfinite(kept).all() or kept[0] <= 0:
        return np.nan
    half = kept[0] / 2
    fallen = np.flatnonzero(kept <= half)
    if not fallen.size:
        return np.inf
    age = fallen[0]
    return float(age - 1 + (kept[age - 1] - half) / (kept[age - 1] - kept[age]))


def update_gain(R: np.ndarray, step_of: Steps = None) -> float:
    """What an update buys: mean over k of R[k+1,k+1] - R[k,k+1], the accuracy on a slice with the update on
    it minus that without (ours; a fixed and an updated model are compared by Lazaridou et al. 2021).

    >>> round(update_gain(EXAMPLE), 4)  # ((0.6 - 0.1) + (1.0 - 0.2)) / 2
    0.65
    """
    ages = _ages(R, step_of)
    if ages is None:
        return np.nan
    gains = (R[2:] - R[1:-1])[ages[1:] == 0]
    return float(gains.mean()) if gains.size else np.nan


def on_calendar(R: np.ndarray, every: int, step_of: Steps = None) -> float:
    """Mean accuracy on the current slice where only every n-th update is made, the first one among them: the
    mean over j of R[u,j], u = 1 + n floor((j - 1) / n) being the last update (ours).

    every = 1 is `la`; every >= T never updates again.

    >>> round(on_calendar(EXAMPLE, 2), 4)  # updated at 1 and 3: (0.8 + 0.1 + 1.0) / 3
    0.6333
    """
    ages = _ages(R, step_of)
    if ages is None:
        return np.nan
    step = ages[0] + 1
    current = np.flatnonzero((step >= 1) & (step < len(R)))
    last_update = 1 + every * ((step[current] - 1) // every)
    return float(R[last_update, current].mean()) if current.size else np.nan


def lost_on_calendar(R: np.ndarray, every: int, step_of: Steps = None) -> float:
    """Accuracy lost on the current slice by that calendar: `on_calendar` of 1 minus that of n.

    >>> round(lost_on_calendar(EXAMPLE, 3), 4)  # 0.8 - (0.8 + 0.1 + 0.3) / 3
    0.4
    """
    return on_calendar(R, 1, step_of) - on_calendar(R, every, step_of)


def every_second_loss(R: np.ndarray, step_of: Steps = None) -> float:
    """Accuracy lost on the current slice where every second update is skipped (ours); NaN with one slice.

    >>> round(every_second_loss(EXAMPLE), 4)  # 0.8 - 0.6333
    0.1667
    """
    return lost_on_calendar(R, 2, step_of) if len(R) > 2 else np.nan


def saved(tasks: int, every: int) -> float:
    """Share of the trainings on T slices that a calendar skips; of the FLOPs too where all cost the same.

    >>> [round(saved(3, every), 4) for every in (1, 2, 3)]
    [0.0, 0.3333, 0.6667]
    """
    return 1 - -(-tasks // every) / tasks


DECAY: dict[str, Metric] = {
    metric.name: metric
    for metric in [
        Metric(
            "half_life",
            "half-life (slices)",
            True,
            "slices without update after which half of what was learnt above the untrained network is gone",
            half_life,
        ),
        Metric(
            "update_gain",
            "update gain",
            True,
            "accuracy on a slice with the update on it minus that without",
            update_gain,
        ),
        Metric(
            "update_gain_per_gflop",
            "update gain per GFLOP",
            True,
            "the same for each GFLOP that an update takes, on average over all tasks",
        ),
        Metric(
            "update_gain_per_item",
            "update gain per 1,000 stored",
            True,
            "the same for each stored example",
        ),
        Metric(
            "every_second_loss",
            "lost by every second",
            False,
            "accuracy on the current slice that is lost where every second update is skipped",
            every_second_loss,
        ),
    ]
}  # of streams in time only


def _by_age(values: np.ndarray, R: np.ndarray, step_of: Steps) -> np.ndarray:
    """[A] the mean of values [T, E] over the cells of each age; NaN where slices are not tasks."""
    ages = _ages(R, step_of)
    if ages is None:
        return np.full(1, np.nan)
    later = ages >= 0
    counts = np.bincount(ages[later])
    sums = np.bincount(ages[later], weights=values[later])
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _ages(R: np.ndarray, step_of: Steps) -> np.ndarray | None:
    """[T, E] by how many steps slice j lies ahead of model i; None where slices are not tasks, or steps leave
    more out than a stream has."""
    tasks, slices = len(R) - 1, R.shape[1]
    if step_of is None and slices != tasks:
        return None
    step = np.arange(1, slices + 1) if step_of is None else np.asarray(step_of)
    return None if step.max() > tasks + slices else step - np.arange(1, tasks + 1)[:, None]
