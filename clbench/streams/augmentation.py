"""Augmentation by tables of pixels: each view of an image says which of its pixels stands at each place."""

import torch
from torch import Tensor


def gather_pixels(x: Tensor, places: Tensor) -> Tensor:
    """Images x [S or 1, n, d] with their pixel number places[..., i] at place i; black where that number is
    d.

    places: [S or 1, n or 1, d]. The result is [S or 1, n, d].
    """
    padded = torch.nn.functional.pad(x, (0, 1))  # pixel number d is black
    return padded.expand(len(places), -1, -1).gather(-1, places.expand(-1, x.shape[1], -1))


def crops_and_flips(shape: tuple[int, int, int], pad: int) -> Tensor:
    """All crops of images padded with `pad` black pixels, each as it is and mirrored: views [2 (2 pad +
    1)^2, d].

    shape: (height, width, channels) of the images.
    """
    height, width, channels = shape
    place = torch.arange(height * width * channels).view(shape)
    padded = torch.full((height + 2 * pad, width + 2 * pad, channels), place.numel())
    padded[pad : pad + height, pad : pad + width] = place
    views = []
    for i in range(2 * pad + 1):
        for j in range(2 * pad + 1):
            crop = padded[i : i + height, j : j + width]
            views += [crop.flatten(), crop.flip(1).flatten()]
    return torch.stack(views)
