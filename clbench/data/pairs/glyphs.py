"""Draws characters in the fonts that matplotlib ships, with their Unicode names, for the benchmark `glyphs`.

A character is dated by the version of Unicode that introduced it.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from clbench.data.pairs import store
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.rows import Row

FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSansMono.ttf",
    "STIXGeneral.ttf",
)
RELEASE_DATES = {  # of the versions of Unicode
    "1.1": "1993-06-01",
    "2.0": "1996-07-01",
    "2.1": "1998-05-01",
    "3.0": "1999-09-01",
    "3.1": "2001-03-01",
    "3.2": "2002-03-01",
    "4.0": "2003-04-01",
    "4.1": "2005-03-31",
    "5.0": "2006-07-14",
    "5.1": "2008-04-04",
    "5.2": "2009-10-01",
    "6.0": "2010-10-11",
    "6.1": "2012-01-31",
    "6.2": "2012-09-26",
    "7.0": "2014-06-16",
}
EDGES = (
    "1993-01-01",
    "1996-01-01",
    "2001-01-01",
    "2002-01-01",
    "2003-01-01",
    "2006-01-01",
    "2015-01-01",
)  # of the six slices
SIZE = 32  # pixels of a side


def pairs(most: int | None = 1300) -> Pairs:
    """The pairs in six slices by age.

    A character that is held out is so in all fonts. most: training pairs of a slice.
    """
    options = store.Options(by=EDGES, most=most, held_out=1 / 3)
    return store.embedded(f"glyphs 1 of matplotlib {version('matplotlib')}", rows, options)


def rows() -> Iterator[Row]:
    """Yields a row for every font and character in it: [32, 32, 3] uint8, black on white, in the middle."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    for name in FONTS:
        font = FT2Font(str(Path(get_data_path()) / "fonts" / "ttf" / name))
        font.set_size(SIZE * 0.7, 72)
        for point in sorted(font.get_charmap().keys() & ages().keys()):
            image = _draw(font, point)
            if image is not None:
                caption = unicodedata.name(chr(point)).lower().replace("-", " ")
                version = ages()[point]
                yield Row(image, caption, RELEASE_DATES[version], f"U+{point:04X} in {name}", version)


def _draw(font, point: int) -> np.ndarray | None:
    """The image of a character, [32, 32, 3] uint8; None where there is nothing to see."""
    font.clear()
    font.set_text(chr(point))
    font.draw_glyphs_to_bitmap(antialiased=True)
    ink = np.asarray(font.get_image())[:SIZE, :SIZE]
    if not ink.any():
        return None
    height, width = ink.shape
    top = (SIZE - height) // 2
    left = (SIZE - width) // 2
    image = np.full((SIZE, SIZE), 255, np.uint8)
    image[top : top + height, left : left + width] -= ink
    return np.broadcast_to(image[..., None], (SIZE, SIZE, 3))


@lru_cache
def ages() -> dict[int, str]:
    """code point -> the version of Unicode that introduced it, of all characters with a name.

    The standard library does not know the versions; `unicode_ages.txt` has them.
    """
    versions: dict[int, str] = {}
    for line in Path(__file__).with_name("unicode_ages.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            version, *ranges = line.split()
            for one in ranges:
                first, _, last = one.partition("-")
                versions |= dict.fromkeys(range(int(first, 16), int(last or first, 16) + 1), version)
    return {point: version for point, version in versions.items() if unicodedata.name(chr(point), None)}
