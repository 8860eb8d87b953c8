"""A folder of photos to try `clbench data inspect` on: drawn, small, and with what real ones have."""

from pathlib import Path

import numpy as np

ANIMALS = ("bee", "cat", "dog", "owl")
COLOURS = np.array([[200, 60, 60], [60, 190, 60], [60, 60, 200], [180, 180, 60]])


def write_photos(folder: Path, count: int = 600, months: int = 6, side: int = 40) -> None:
    """Writes 2024-01/bee/0000.jpg, …: a bright bar whose height says the animal, on a colour.

    Every two months each animal takes the colour of the next, so what is learnt ages. Every fiftieth photo
    is a copy of the one before it.
    """
    from PIL import Image

    draws = np.random.default_rng(0)
    for i in range(count):
        if i % 50 != 49:  # else the one before is written once more
            animal, month = i % len(ANIMALS), i // len(ANIMALS) % months
            place = folder / f"2024-{month + 1:02}" / ANIMALS[animal]
            colour = COLOURS[(animal + month // 2) % len(ANIMALS)]
            pixels = draws.uniform(0, 80, (side, side, 3)) + colour * 0.6
            left = draws.integers(2, side - 8)
            pixels[side - 4 - side // 6 * (animal + 1) : side - 2, left : left + 6] += 120
            place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.save(place / f"{i:04}.jpg", quality=90)
