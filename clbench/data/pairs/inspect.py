"""What was found in somebody's files, for people: `clbench data inspect`."""
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clbench.data.pairs.pairs import Pairs

SAMPLES = 16                     # of a slice in the picture
LABEL = 180                      # pixels beside the samples
MOST_WORDS = 1 << 16             # numbers that words may have there
PROBED = 1000                    # training pairs of a slice for the date probe


def described(pairs: Pairs) -> list[str]:
    """A line about all, then one for each slice, each reason why rows were left out, each note."""
    kind = "images {1}x{0} with texts".format(*pairs.shape) if pairs.shape else "texts with texts"
    used = sum(map(len, pairs.train)) + sum(map(len, pairs.test))
    lines = [f"{len(pairs.right)} pairs, {kind}, in {len(pairs.names)} slices; {used} are used; fingerprint {pairs.fingerprint}"]
    width = max(map(len, pairs.names))
    lines += [f"  {name:{width}}  {len(train):6} for training  {len(test):5} for testing"
              for name, train, test in zip(pairs.names, pairs.train, pairs.test, strict=True)]
    lines += [f"left out: {count} {why}" for why, count in pairs.skipped.items()]
    left, right = date_probe(pairs)
    lines.append(f"date probe: a linear classifier tells the slice of {left:.0%} of the test pairs by their left side, "
                 f"of {right:.0%} by their right side; chance {1 / len(pairs.names):.0%}")
    return lines + [f"note: {note}" for note in pairs.notes]


def date_probe(pairs: Pairs) -> tuple[float, float]:
    """The share of test pairs whose slice a linear classifier finds: by raw pixels or the bag of words of the left side, and by
    that of the right side. How much the date shows in each pair; no failure where it is high."""
    from sklearn.linear_model import RidgeClassifier

    train = [rows[np.linspace(0, len(rows) - 1, min(PROBED, len(rows))).astype(int)] for rows in pairs.train]
    labels = [np.repeat(np.arange(len(rows)), list(map(len, rows))) for rows in (train, pairs.test)]

    def found(features: Callable) -> float:
        classifier = RidgeClassifier().fit(features(np.concatenate(train)), labels[0])
        return float(classifier.score(features(np.concatenate(pairs.test)), labels[1]))
    return (found(lambda rows: _small(pairs.left[rows], pairs.shape) if pairs.shape else _bags(pairs.left[rows])),
            found(lambda rows: _bags(pairs.right[rows])))


def _bags(words: np.ndarray):
    """[n, words] counts, sparse; 0 is no word."""
    from scipy.sparse import csr_matrix

    row, place = words.nonzero()
    columns = words[row, place]
    return csr_matrix((np.ones(len(row)), (row, columns)), (len(words), MOST_WORDS))


def _small(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """[n, d] float: every so many pixels of large images, 32 a side at the most."""
    step = max(1, -(-shape[0] // 32))
    return images.reshape(-1, *shape)[:, ::step, ::step].reshape(len(images), -1) / 255.0


def picture(pairs: Pairs, path: Path) -> None:
    """Draws some training images of every slice, a row each, evenly spaced."""
    from PIL import Image, ImageDraw

    height, width, channels = pairs.shape
    sheet = Image.new("RGB", (LABEL + SAMPLES * (width + 2), len(pairs.names) * (height + 2)), "white")
    drawn = ImageDraw.Draw(sheet)
    for t, (name, rows) in enumerate(zip(pairs.names, pairs.train, strict=True)):
        top = t * (height + 2)
        drawn.text((4, top + height // 2 - 6), name, fill="black")
        for k, row in enumerate(rows[np.linspace(0, len(rows) - 1, SAMPLES).astype(int)]):
            pixels = np.array(pairs.left[row]).reshape(height, width, channels)
            sheet.paste(Image.fromarray(pixels), (LABEL + k * (width + 2), top))
    sheet.save(path)
