"""Torch modules that several networks share."""

from torch import Tensor, nn


class BodyAndHead(nn.Module):
    """The layers of a body, the mean over the picture, and a linear head."""

    def __init__(self, shape: tuple[int, int, int], layers: list[nn.Module], features: int, classes: int):
        super().__init__()
        self.body = nn.Sequential(Pictures(shape), *layers, MeanOverPicture())
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Pictures(nn.Module):
    """Views flat inputs [n, height * width * channels] as pictures [n, channels, height, width], without a
    copy.

    In memory the channels lie innermost: torch's channels_last, which convolves fastest on a CPU.
    """

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class MeanOverPicture(nn.Module):
    """The mean over height and width: [n, channels] of pictures [n, channels, height, width]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((-2, -1))


def norm(kind: str, channels: int) -> nn.Module:
    """The normalisation layer of this kind.

    group: GroupNorm with 8 groups, or as many as divide the channels; it gives the same for any batch.
    batch: BatchNorm with running statistics, as published protocols have it.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    groups = next(groups for groups in (8, 5, 4, 2, 1) if channels % groups == 0)
    return nn.GroupNorm(groups, channels)
