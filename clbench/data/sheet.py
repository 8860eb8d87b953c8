"""Draws samples of a user's images into one file, a row for each slice or class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clbench.core.paths import check_writable_file
from clbench.errors import InputError

SAMPLES = 16  # images of a row
LABEL = 180  # pixels beside them for the row's name


def check_picture(path: Path) -> None:
    """Raises InputError for a file that cannot be written, or whose ending is no kind of image."""
    from PIL import Image

    if path.suffix.lower() not in Image.registered_extensions():
        raise InputError(f"{path}: its ending says no kind of image; .png does")
    check_writable_file(path)


def draw_sheet(
    path: Path, x: np.ndarray, shape: tuple[int, ...], rows: Sequence[tuple[str, np.ndarray]]
) -> None:
    """Writes an image file. x [n, d] uint8; shape: height, width, channels of an image; rows: the name of
    each row of the sheet and the numbers of its images, some of which are shown, evenly spaced."""
    from PIL import Image, ImageDraw

    height, width, channels = shape
    sheet = Image.new("RGB", (LABEL + SAMPLES * (width + 2), len(rows) * (height + 2)), "white")
    pen = ImageDraw.Draw(sheet)
    for t, (name, own) in enumerate(rows):
        top = t * (height + 2)
        pen.text((4, top + height // 2 - 6), name, fill="black")
        for k, row in enumerate(own[np.linspace(0, len(own) - 1, SAMPLES).astype(int)]):
            pixels = np.array(x[row]).reshape(height, width, channels)
            colour = np.broadcast_to(pixels, (height, width, 3)) if channels == 1 else pixels[..., :3]
            sheet.paste(Image.fromarray(np.ascontiguousarray(colour)), (LABEL + k * (width + 2), top))
    sheet.save(path)
