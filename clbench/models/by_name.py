"""Finds the networks for pictures by the names that benchmarks and papers use."""

from functools import partial

from clbench.errors import InputError
from clbench.models.functional import Functional, check_module_fits
from clbench.models.resnet import ResNet18
from clbench.models.small_conv import SmallConv
from clbench.models.tiny_vit import TinyViT

NETWORKS = {
    "small_conv": lambda shape, classes, norm, width=16: SmallConv(
        shape, classes, (width, 2 * width, 4 * width), norm
    ),
    "resnet18_slim": lambda shape, classes, norm, width=20: ResNet18(shape, classes, width, norm),
    "resnet18": lambda shape, classes, norm, width=64: ResNet18(shape, classes, width, norm),
    "tiny_vit": lambda shape, classes, norm, width=64: TinyViT(shape, classes, width),
}


def network(
    name: str, shape: tuple[int, int, int], classes: int, norm: str = "group", width: int | None = None
) -> Functional:
    """The network of this name for pictures of this shape (height, width, channels), with an output per
    class.

    norm: group | batch; a transformer has layer norms instead of the first. width: channels of the first
    layer, or of tokens; None: the network's own default.
    """
    if name == "tiny_vit" and norm == "batch":
        raise InputError("tiny_vit has layer norms: leave norm out")
    make = partial(NETWORKS[name], shape, classes, norm, *([] if width is None else [width]))
    check_module_fits(lambda: make()._module, f"{name} of width={width}")
    return make()
