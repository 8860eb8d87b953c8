"""Describes a user's pairs for people, as `clbench data inspect` prints it."""

import numpy as np

from clbench.data.pairs.pairs import Pairs

MAX_BUCKETS = 1 << 16  # numbers that words may have, for the date probe
PROBE_PAIRS = 1000  # training pairs of a slice for the date probe


def describe(pairs: Pairs) -> list[str]:
    """The lines to print: about all pairs, each slice, each reason why rows are left out, and each note."""
    kind = "images {1}x{0} with texts".format(*pairs.shape) if pairs.shape else "texts with texts"
    used = sum(map(len, pairs.train)) + sum(map(len, pairs.test))
    lines = [
        f"{len(pairs.right)} pairs, {kind}, in {len(pairs.names)} slices; {used} are used; "
        f"fingerprint {pairs.fingerprint}"
    ]
    width = max(map(len, pairs.names))
    for name, train, test in zip(pairs.names, pairs.train, pairs.test, strict=True):
        lines.append(f"  {name:{width}}  {len(train):6} for training  {len(test):5} for testing")
    lines += [f"left out: {count} {why}" for why, count in pairs.skipped.items()]
    lines.append(_tokens(pairs))
    left, right = date_probe(pairs)
    lines.append(
        f"date probe: a linear classifier tells the slice of {left:.0%} of the test pairs by their "
        f"left side, of {right:.0%} by their right side; chance {1 / len(pairs.names):.0%}"
    )
    return lines + [f"note: {note}" for note in pairs.notes]


def _tokens(pairs: Pairs) -> str:
    """How many tokens the texts have that are used, and how many are cut off."""
    rows = np.concatenate([*pairs.train, *pairs.test])
    said = []
    for side, name in ((pairs.left, "left"), (pairs.right, "right")):
        if side is pairs.left and pairs.shape:
            continue
        counts = (np.asarray(side[rows]) != 0).sum(1)
        full = np.mean(counts == side.shape[1])
        said.append(f"{np.median(counts):g} {name} (at the limit of {side.shape[1]}: {full:.0%})")
    return f"tokens of a text, median: {', '.join(said)}"


def date_probe(pairs: Pairs) -> tuple[float, float]:
    """The share of test pairs whose slice a linear classifier tells: by the left side alone, by the right
    side alone.

    It sees raw pixels or bags of words. It says how much the date shows in each pair; a high share is no
    failure.
    """
    train = [
        rows[np.linspace(0, len(rows) - 1, min(PROBE_PAIRS, len(rows))).astype(int)] for rows in pairs.train
    ]
    left = np.concatenate([pairs.left[rows] for rows in train])
    left_test = np.concatenate([pairs.left[rows] for rows in pairs.test])
    right = np.concatenate([pairs.right[rows] for rows in train])
    right_test = np.concatenate([pairs.right[rows] for rows in pairs.test])
    labels, test_labels = _slice_numbers(train), _slice_numbers(pairs.test)
    if pairs.shape:
        left, left_test = _coarse_pixels(left, pairs.shape), _coarse_pixels(left_test, pairs.shape)
    else:
        left, left_test = _bags_of_words(left), _bags_of_words(left_test)
    right, right_test = _bags_of_words(right), _bags_of_words(right_test)
    return (
        _probe_accuracy(left, labels, left_test, test_labels),
        _probe_accuracy(right, labels, right_test, test_labels),
    )


def _slice_numbers(rows: list[np.ndarray] | tuple[np.ndarray, ...]) -> np.ndarray:
    """The slice of each row, where `rows` are given by slice."""
    return np.repeat(np.arange(len(rows)), list(map(len, rows)))


def _probe_accuracy(features, labels: np.ndarray, test_features, test_labels: np.ndarray) -> float:
    from sklearn.linear_model import RidgeClassifier

    classifier = RidgeClassifier().fit(features, labels)
    return float(classifier.score(test_features, test_labels))


def _bags_of_words(words: np.ndarray):
    """How often each text [n, L] has each word: [n, MAX_BUCKETS], sparse. The number 0 is no word."""
    from scipy.sparse import csr_matrix

    row, place = words.nonzero()
    columns = words[row, place]
    return csr_matrix((np.ones(len(row)), (row, columns)), (len(words), MAX_BUCKETS))


def _coarse_pixels(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Flattened images as [n, d] float from 0 to 1, thinned to at most 32 pixels a side."""
    step = max(1, -(-shape[0] // 32))
    return images.reshape(-1, *shape)[:, ::step, ::step].reshape(len(images), -1) / 255.0
