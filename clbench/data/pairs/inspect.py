"""What was found in somebody's files, for people: `clbench data inspect`."""
from pathlib import Path

import numpy as np

from clbench.data.pairs.pairs import Pairs

SAMPLES = 16                     # of a slice in the picture
LABEL = 180                      # pixels beside the samples


def described(pairs: Pairs) -> list[str]:
    """A line about all, then one for each slice, each reason why rows were left out, each note."""
    kind = "images {1}x{0} with texts".format(*pairs.shape) if pairs.shape else "texts with texts"
    used = sum(map(len, pairs.train)) + sum(map(len, pairs.test))
    lines = [f"{len(pairs.right)} pairs, {kind}, in {len(pairs.names)} slices; {used} are used; fingerprint {pairs.fingerprint}"]
    width = max(map(len, pairs.names))
    lines += [f"  {name:{width}}  {len(train):6} for training  {len(test):5} for testing"
              for name, train, test in zip(pairs.names, pairs.train, pairs.test, strict=True)]
    lines += [f"left out: {count} {why}" for why, count in pairs.skipped.items()]
    return lines + [f"note: {note}" for note in pairs.notes]


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
