"""What a benchmark of pictures may do to them before a network sees them."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import torch.nn.functional as F
from msgspec import Meta

from clbench.core.ranges import Positive, Share
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.data.labelled.sources import Images

Padding = Annotated[int, Meta(ge=1, le=64)]  # pixels at each side
Number = Annotated[int, Meta(ge=1, le=10**7)]  # of examples


@dataclass
class PreparedImages:
    """Fields for a benchmark of grey pictures, and what they do. None: nothing."""

    pad: Padding | None = field(default=None, kw_only=True)  # black pixels at each side
    mean: Share | None = field(default=None, kw_only=True)  # taken off the values from 0 to 1
    std: Positive | None = field(default=None, kw_only=True)  # by which they are then divided
    skip: Number | None = field(default=None, kw_only=True)  # the first training images, in the file's order

    def prepared(self, images: "Images") -> "Images":
        """The images as these fields ask for them."""
        if self.skip and self.skip >= len(images.y):
            raise InputError(f"skip={self.skip} leaves none of the {len(images.y)} training images")
        if self.skip:
            images = replace(images, x=images.x[self.skip :], y=images.y[self.skip :])
        if self.pad:
            images = padded(images, self.pad)
        if self.mean is not None or self.std is not None:
            images = replace(images, mean=(self.mean or 0.0,), std=(self.std or 1.0,))
        return images


def padded(images: "Images", by: int) -> "Images":
    """The pictures with so many black pixels at each side."""
    assert images.shape is not None
    height, width, channels = images.shape

    def wider(x: Any) -> Any:
        return F.pad(x.view(-1, height, width, channels), (0, 0, by, by, by, by)).flatten(1)

    shape = height + 2 * by, width + 2 * by, channels
    return replace(images, x=wider(images.x), x_test=wider(images.x_test), shape=shape)
