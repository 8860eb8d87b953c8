"""A network with a projector beside its head, for losses between two views of the same inputs."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.layout import Layout
from clbench.models.adapted import widths_of_features
from clbench.models.network import Network

Views = tuple[Tensor, Tensor]


class Projected:
    """Gives the network's own outputs [n, C] of inputs x [n, d]. Of two views (x, x') of n rows it gives
    their projections z and z' [n, width], and with a predictor also what this makes of them, p and p'.

    Projector: linear, ReLU, linear, on the features; then every number is standardised over the n rows, as
    BatchNorm does in the papers. Predictor: linear to a quarter of the width, ReLU, linear. features: the
    width of the network's features. It is for networks without buffers.
    """

    def __init__(self, net: Network, features: int, width: int, predictor: bool) -> None:
        self.net, self.kind, self.predictor = net, net.kind, predictor
        inner = max(1, width // 4)
        self.layers = {"projector0": (features, width), "projector1": (width, width)}
        if predictor:
            self.layers |= {"predictor0": (width, inner), "predictor1": (inner, width)}
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (fan_in, fan_out) in self.layers.items():
            shapes[f"{name}.weight"] = (fan_out, fan_in)
            shapes[f"{name}.bias"] = (fan_out,)
        # They come last, so the network finds its own tensors at the start of theta. What it takes for its
        # padding is the beginning of the projector; it never reads that.
        self.added = list(shapes)
        self.layout = Layout({**net.layout.shapes, **shapes})

    def __str__(self) -> str:
        return f"{self.net} with a projector"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]. The network's own draws come first, so that they are those without projector."""
        views = self.net.layout.views(self.net.init(generator))
        for name in self.added:
            fan_in, _ = self.layers[name.split(".")[0]]
            uniform = torch.rand(self.layout.shapes[name], generator=generator)
            views[name] = (uniform * 2 - 1) * fan_in**-0.5
        return self.layout.flat(views)

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """The network's features [n, h]."""
        features: Tensor = self.net.features(theta[: self.net.layout.P], x)
        return features

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """The network's outputs [n, C] of features [n, h]."""
        out: Tensor = self.net.head(theta[: self.net.layout.P], features)
        return out

    def __call__(self, theta: Tensor, x: Tensor | Views) -> Tensor | tuple[Tensor, ...]:
        if isinstance(x, Tensor):
            return self.head(theta, self.features(theta, x))
        views = self.layout.views(theta)
        both = self._through("projector", views, self.features(theta, torch.cat(x)))
        z, other = (standardise(side) for side in both.chunk(2))
        if not self.predictor:
            return z, other
        p, other_p = self._through("predictor", views, torch.cat([z, other])).chunk(2)
        return z, other, p, other_p

    @staticmethod
    def _through(name: str, views: dict[str, Tensor], x: Tensor) -> Tensor:
        inner = F.linear(x, views[f"{name}0.weight"], views[f"{name}0.bias"]).relu_()
        return F.linear(inner, views[f"{name}1.weight"], views[f"{name}1.bias"])


def with_projector(net: Network, x: Tensor, width: int, predictor: bool) -> Projected:
    """The network of inputs x [n, d] with a projector."""
    (features,) = widths_of_features(net, x)
    return Projected(net, features, width, predictor)


def standardise(z: Tensor) -> Tensor:
    """Every column of z [n, width] with mean 0 and standard deviation 1.

    A column that hardly varies keeps to 0: without the 1e-2 its rounding would become its values.
    """
    return (z - z.mean(0)) / (z.std(0, correction=0) + 1e-2)
