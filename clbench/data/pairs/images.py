"""Decodes the images of users' files into pixels of one size, whatever mode they are stored in."""

import io
import warnings
from typing import NamedTuple

import numpy as np

from clbench.errors import InputError

NARROW = 1 << 15  # the brightest of all pixels of 16 bits is below it: they use half of their range or less


class Unreadable(Exception):
    """A row that cannot be used and is left out; the message is the reason."""


class Decoded(NamedTuple):
    """An image as it is used, and as it came."""

    pixels: np.ndarray  # [h, w, 3] uint8
    brightest: int | None  # value, of an image of 16 bits
    mode: str  # Pillow's
    size: tuple[int, int]  # width, height


def pixels(content: bytes, size: int) -> np.ndarray:
    """The pixels of an encoded image, [size, size, 3] uint8: its middle square, upright, on white, scaled
    by averaging.

    Raises Unreadable.
    """
    return decode(content, size).pixels


def decode(content: bytes, size: int | None) -> Decoded:
    """The image with its `pixels`; size None: all of it, as it is. Raises Unreadable."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # else only a warning
            with Image.open(io.BytesIO(content)) as image:
                mode, came = image.mode, image.size
                if size is not None:
                    image.draft("RGB", (size, size))  # decodes a JPEG at a fraction of its size
                image.load()  # fails for a cut file; open reads the head
                return used(image, size)._replace(mode=mode, size=came)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Unreadable("image too large") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Unreadable("image that cannot be decoded") from error


def used(image, size: int | None) -> Decoded:
    """An image of Pillow's as `decode` gives it."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    brightest = int(np.asarray(upright).max()) if upright.mode.startswith("I") else None
    return Decoded(np.asarray(_fit(upright, size)), brightest, image.mode, image.size)


def _fit(image, size: int | None):
    """The middle square of an image of Pillow's in RGB, on white, of this size; None: all of it."""
    from PIL import Image, ImageOps

    if image.mode.startswith("I"):  # 16 bits, which Pillow would clip and not scale
        image = Image.fromarray((np.asarray(image, np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        image = Image.fromarray(_scale(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    if size is None or image.size == (size, size):
        return image
    return ImageOps.fit(image, (size, size), Image.Resampling.BOX)


def _scale(values: np.ndarray) -> np.ndarray:
    """Pixels that are real numbers as uint8. Their range is the first of 0 to 1, to 255 and to 65535 that
    holds them all, else from the least to the largest.

    Raises Unreadable for pixels that are no numbers.
    """
    if not np.isfinite(values).all():
        raise Unreadable("image with pixels that are not finite")
    least, largest = values.min(), values.max()
    top = next((top for top in (1, 255, 65535) if largest <= top), None)
    if least < 0 or top is None:
        values, top = values - least, largest - least
    return (values * (255 / top)).round().clip(0, 255).astype(np.uint8)


def resize(array: np.ndarray, size: int | None) -> np.ndarray:
    """The pixels [h, w, 3] as [size, size, 3]; as they are where size is None."""
    from PIL import Image

    if size is None or array.shape[:2] == (size, size):
        return array
    return np.asarray(_fit(Image.fromarray(array), size))


def as_pixels(array: np.ndarray) -> np.ndarray:
    """Images [n, h, w], [n, h, w, 1] or [n, h, w, 3] as [n, h, w, 3] uint8.

    Raises InputError for other arrays.
    """
    if array.dtype != np.uint8:
        raise InputError(f"images are {array.dtype}: give uint8")
    array = array[..., None] if array.ndim == 3 else array
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise InputError(
            f"images have the shape {array.shape}: give [n, height, width] or [n, height, width, 3]"
        )
    return np.broadcast_to(array, (*array.shape[:3], 3))
