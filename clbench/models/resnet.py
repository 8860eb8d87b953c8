"""ResNet-18 for small pictures (He et al. 2016): a 3x3 stem without pooling, as CIFAR protocols use it."""

import torch.nn.functional as F
from torch import Tensor, nn

from clbench.models.functional import Functional
from clbench.models.layers import BodyAndHead, norm

NAMES = {64: "resnet18", 20: "resnet18_slim"}


class ResNet18(Functional):
    """filters: channels of the stem. 64 are the paper's; 20 are those of Lopez-Paz & Ranzato 2017 (slim)."""

    kind = "resnet"

    def __init__(self, shape: tuple[int, int, int], classes: int, filters: int = 64, norm: str = "group"):
        layers = _stem(shape[-1], filters, norm)
        inputs = filters
        for outputs, stride in ((filters, 1), (2 * filters, 2), (4 * filters, 2), (8 * filters, 2)):
            layers += [Residual(inputs, outputs, stride, norm), Residual(outputs, outputs, 1, norm)]
            inputs = outputs
        name = NAMES.get(filters, f"resnet18 of {filters} filters")
        super().__init__(BodyAndHead(shape, layers, inputs, classes), f"{name}, {norm} norm")


def _stem(channels: int, filters: int, kind: str) -> list[nn.Module]:
    """The first layers, before the residual blocks."""
    return [nn.Conv2d(channels, filters, 3, 1, 1, bias=False), norm(kind, filters), nn.ReLU()]


class Residual(nn.Module):
    """relu(x + two 3x3 convolutions of x), with a 1x1 convolution on the shortcut where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, kind: str):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = norm(kind, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = norm(kind, outputs)
        self.shortcut: nn.Module
        if (inputs, stride) == (outputs, 1):
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm(kind, outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(out)) + self.shortcut(x))
