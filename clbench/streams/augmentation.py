"""Augmentation: the ways in which a training image may be seen, as tables of pixel places."""
import torch
from torch import Tensor


def moved(x: Tensor, places: Tensor) -> Tensor:
    """Images x [S or 1, n, d] with pixel places[..., i] [S or 1, n or 1, d] at place i, or black where that is d."""
    padded = torch.nn.functional.pad(x, (0, 1))
    return padded.expand(len(places), -1, -1).gather(-1, places.expand(-1, x.shape[1], -1))



def crops_and_flips(shape: tuple[int, int, int], pad: int) -> Tensor:
    """views [2 (2 pad + 1)^2, d] of images (height, width, channels): cut out of the image padded with black, mirrored or not."""
    height, width, channels = shape
    place = torch.arange(height * width * channels).view(shape)
    padded = torch.full((height + 2 * pad, width + 2 * pad, channels), place.numel())
    padded[pad:pad + height, pad:pad + width] = place
    cuts = [padded[i:i + height, j:j + width] for i in range(2 * pad + 1) for j in range(2 * pad + 1)]
    return torch.stack([view.flatten() for cut in cuts for view in (cut, cut.flip(1))])
