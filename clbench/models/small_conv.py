"""A small convolutional network in the manner of LeNet, with strided convolutions instead of pooling."""

from torch import nn

from clbench.models.functional import Functional
from clbench.models.layers import BodyAndHead, MeanOverPicture, Pictures, norm


class SmallConv(Functional):
    """Convolutional blocks of the given widths, each of which halves the picture's height and width.

    shape: (height, width, channels) of the pictures.
    """

    kind = "conv"

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        widths: tuple[int, ...] = (16, 32, 64),
        norm: str = "group",
    ):
        self.shape, self.inputs, self.widths, self.norm = shape, shape[-1], widths, norm
        blocks = [self.block(*sizes) for sizes in zip((self.inputs, *widths), widths, strict=False)]
        super().__init__(
            BodyAndHead(shape, blocks, widths[-1], classes),
            f"small_conv {'-'.join(map(str, widths))}, {norm} norm",
        )

    def start(self) -> nn.Module:
        """What comes before the blocks, for `clbench.models.columns`."""
        return Pictures(self.shape)

    def end(self) -> nn.Module:
        """What comes between the blocks and the head."""
        return MeanOverPicture()

    def block(self, inputs: int, outputs: int) -> nn.Module:
        """A strided convolution, normalisation and ReLU as a torch module."""
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        return nn.Sequential(convolution, norm(self.norm, outputs), nn.ReLU())
