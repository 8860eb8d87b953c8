"""Finds the networks for pictures by the names that benchmarks and papers use."""

from functools import partial

import torch

from clbench.core.memory import check_fits
from clbench.models.functional import Functional
from clbench.models.resnet import ResNet18
from clbench.models.small_conv import SmallConv

NETWORKS = {
    "small_conv": lambda shape, classes, norm, width=16: SmallConv(
        shape, classes, (width, 2 * width, 4 * width), norm
    ),
    "resnet18_slim": lambda shape, classes, norm, width=20: ResNet18(shape, classes, width, norm),
    "resnet18": lambda shape, classes, norm, width=64: ResNet18(shape, classes, width, norm),
}


def network(
    name: str, shape: tuple[int, int, int], classes: int, norm: str, width: int | None = None
) -> Functional:
    """The network of this name for pictures of this shape (height, width, channels), with an output per
    class.

    norm: group | batch. width: channels of the first layer; None: the network's own default.
    """
    make = partial(NETWORKS[name], shape, classes, norm, *([] if width is None else [width]))
    with torch.device("meta"):  # without memory, to see how much it takes
        size = 4 * make().layout.P
    check_fits(size, f"{name} of width={width}")
    return make()
