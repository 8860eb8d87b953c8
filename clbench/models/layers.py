"""Torch modules that the convolutional networks share."""
from torch import Tensor, nn


class BodyAndHead(nn.Module):
    """Pictures through the layers of a body, the mean over the picture, a linear head."""

    def __init__(self, shape: tuple[int, int, int], layers: list[nn.Module], features: int, classes: int):
        super().__init__()
        self.body = nn.Sequential(Pictures(shape), *layers, MeanOverPicture())
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Pictures(nn.Module):
    """Flat inputs [n, height * width * channels] as pictures [n, channels, height, width] whose channels lie innermost
    (torch's channels_last, which convolves fastest on a CPU), without a copy."""

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class MeanOverPicture(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))


def norm(kind: str, channels: int) -> nn.Module:
    """group: GroupNorm (8 groups, or as many as divide the channels), the same for any batch; batch: BatchNorm with
    running statistics, as published protocols have it."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(next(groups for groups in (8, 5, 4, 2, 1) if channels % groups == 0), channels)
