"""One image of a file as bytes of a fixed size, whatever mode it is stored in."""
import io
import warnings

import numpy as np

from clbench.errors import InputError


class Unreadable(Exception):
    """This image cannot be used; why."""


def pixels(content: bytes, size: int) -> np.ndarray:
    """[size, size, 3] uint8: the right way up, on white, its middle square, scaled down by averaging. Raises Unreadable."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)       # Pillow only warns of huge images
            with Image.open(io.BytesIO(content)) as image:
                image.draft("RGB", (size, size))                                 # a JPEG is decoded at a fraction of its size
                image.load()                     # where a file cut inside its data shows: opening it reads the head alone
                return np.asarray(_fitted(ImageOps.exif_transpose(image), size))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Unreadable("image too large") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Unreadable("image that cannot be decoded") from error


def _fitted(image, size: int):
    from PIL import Image, ImageOps

    if image.mode.startswith("I"):                                               # 16 bits: PIL would clip, not scale
        image = Image.fromarray((np.asarray(image, np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    return image if image.size == (size, size) else ImageOps.fit(image, (size, size), Image.Resampling.BOX)


def resized(array: np.ndarray, size: int | None) -> np.ndarray:
    """[size, size, 3] of [h, w, 3]; None: as it is."""
    from PIL import Image

    return array if size is None or array.shape[:2] == (size, size) else np.asarray(_fitted(Image.fromarray(array), size))


def as_pixels(array: np.ndarray) -> np.ndarray:
    """[n, h, w, 3] uint8 of images [n, h, w], [n, h, w, 1] or [n, h, w, 3]."""
    if array.dtype != np.uint8:
        raise InputError(f"images are {array.dtype}: give uint8")
    array = array[..., None] if array.ndim == 3 else array
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise InputError(f"images have the shape {array.shape}: give [n, height, width] or [n, height, width, 3]")
    return np.broadcast_to(array, (*array.shape[:3], 3))
