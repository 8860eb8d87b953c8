"""Metrics of what evaluation tallies beside accuracy; see `clbench.engine.tally` for how it is counted.

The examples use three classes, one a task:

    CONFUSION  taken for 0  for 1  for 2        FLIPS    slice 1  slice 2  slice 3
    class 0         5         1      4          row 1      0.0      0.0      0.0
    class 1         0         7      3          row 2      0.1      0.0      0.0
    class 2         0         0     10          row 3      0.5      0.3      0.0
"""

import numpy as np

# What a record may hold of it, and of a probe (`clbench.metrics.within`): shares, and a number of steps.
SHARES = (
    "worst_class",
    "recency_bias",
    "negative_flips",
    "calibration_error",
    "min_acc",
    "wc_acc",
    "anytime",
)
STEPS = "recovery_steps"

CONFUSION = np.array([[5, 1, 4], [0, 7, 3], [0, 0, 10]])
FLIPS = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.5, 0.3, 0.0]])  # row 0 first


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """[C]: the share of each class's test rows that are taken for it; NaN for a class without any.

    >>> class_accuracy(CONFUSION).tolist()
    [0.5, 0.7, 1.0]
    """
    rows = confusion.sum(-1).astype(float)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.divide(right, rows, out=np.full_like(rows, np.nan), where=rows > 0)


def worst_class(accuracies: np.ndarray) -> float:
    """Worst-class accuracy: the smallest of the classes' accuracies [C] after the last task (Sagawa et al.
    2020, of groups).

    >>> worst_class(class_accuracy(CONFUSION))
    0.5
    """
    return float(np.nanmin(accuracies)) if np.isfinite(accuracies).any() else np.nan


def recency_bias(confusion: np.ndarray, task_of: np.ndarray) -> float:
    """Recency bias: the share of the test rows of older tasks that are taken for a class of the newest one
    (after Wu et al. 2019, figure 4). task_of [C]: the task of each class, from 0, and -1 for none.

    NaN where there are no older tasks.

    >>> round(recency_bias(CONFUSION, np.array([0, 1, 2])), 4)  # (4 + 3) / 20
    0.35
    """
    newest = task_of == task_of.max()
    older = confusion[(task_of >= 0) & ~newest]
    return float(older[:, newest].sum() / older.sum()) if older.sum() else np.nan


def negative_flips(flips: np.ndarray) -> float:
    """Negative flip rate: of the test rows of older tasks, the share that was right before an update and is
    wrong after it; mean over updates i >= 2 and older tasks j < i (Yan et al. 2021).

    flips [T+1, E]: of each slice, row 0 first. NaN where slices are not tasks, or there is one task.

    >>> round(negative_flips(FLIPS), 4)  # (0.1 + 0.5 + 0.3) / 3
    0.3
    """
    tasks = len(flips) - 1
    if flips.shape[1] != tasks or tasks < 2:
        return np.nan
    return float(flips[1:][np.tril_indices(tasks, -1)].mean())


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of n answers: in bins of confidence, all as wide, the distance of the mean
    confidence from the share that is right, weighted by the answers in each (Guo et al. 2017).

    The engine counts it batch by batch (`clbench.engine.tally`); a test holds it to this.

    >>> confidence = np.array([0.95, 0.95, 0.55, 0.55, 0.55, 0.05])
    >>> right = np.array([True, False, True, True, False, False])
    >>> round(calibration_error(confidence, right, bins=3), 4)  # (2 * 0.45 + 3 * 0.1167 + 1 * 0.05) / 6
    0.2167
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def of_arrays(arrays: dict[str, np.ndarray]) -> dict[str, list[float | None]]:
    """name of METRICS -> a value for each seed, None where there is none. arrays: see `Tally.arrays`."""
    seeds = len(arrays["right"])
    found = {
        "worst_class": np.full(seeds, np.nan),
        "recency_bias": np.full(seeds, np.nan),
        "calibration_error": arrays.get("calibration_error", np.full((seeds, 1), np.nan))[:, -1],
        "negative_flips": np.array([negative_flips(one) for one in arrays["negative_flips"]]),
    }
    if "confusion" in arrays:
        last = arrays["confusion"][:, -1]
        found["worst_class"] = np.array([worst_class(class_accuracy(one)) for one in last])
        if "task_of" in arrays:
            pairs = zip(last, arrays["task_of"], strict=True)
            found["recency_bias"] = np.array([recency_bias(*pair) for pair in pairs])
    elif "class_accuracy" in arrays:
        found["worst_class"] = np.array([worst_class(one) for one in arrays["class_accuracy"][:, -1]])
    return {
        name: [float(value) if np.isfinite(value) else None for value in values]
        for name, values in found.items()
        if np.isfinite(values).any()
    }
