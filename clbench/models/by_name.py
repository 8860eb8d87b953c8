"""The networks for pictures, by the names that benchmarks and papers use."""
from clbench.models.functional import Functional
from clbench.models.resnet import ResNet18
from clbench.models.small_conv import SmallConv

NETWORKS = {
    "small_conv": SmallConv,
    "resnet18_slim": lambda shape, classes, norm: ResNet18(shape, classes, filters=20, norm=norm),
    "resnet18": ResNet18,
}


def network(name: str, shape: tuple[int, int, int], classes: int, norm: str) -> Functional:
    """For pictures of this shape (height, width, channels); norm: group | batch."""
    return NETWORKS[name](shape, classes, norm=norm)
