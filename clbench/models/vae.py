"""A variational autoencoder of flat inputs (Kingma & Welling 2014), as a pure function of one seed's
parameters."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.layout import Layout

LARGEST = 10.0  # log variance of a code, which is to be near 0: a large step must not end at infinity

Out = tuple[Tensor, Tensor, Tensor]  # mean and log variance of the code, and what the decoder gives


class VAE:
    """Encoder and decoder of linear layers with ReLU, whose hidden layers are each other's mirror image.

    An input is a tuple: x [n, inputs], and the noise [n, code] that draws its code. unit: the inputs lie in
    0 … 1, and each is modelled as a coin with that probability; else as a Gaussian of variance 1.
    """

    kind = "vae"

    def __init__(self, inputs: int, hidden: tuple[int, ...], code: int, unit: bool) -> None:
        self.inputs, self.code, self.unit = inputs, code, unit
        self.encoder = _layers("encoder", (inputs, *hidden, 2 * code))
        self.decoder = _layers("decoder", (code, *hidden[::-1], inputs))
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (fan_in, fan_out) in {**self.encoder, **self.decoder}.items():
            shapes[f"{name}.weight"] = (fan_out, fan_in)
            shapes[f"{name}.bias"] = (fan_out,)
        self.layout = Layout(shapes)

    def __str__(self) -> str:
        return f"vae {self.inputs}-{self.code}"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: all entries from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as nn.Linear draws them."""
        fan_in = {name: sizes[0] for name, sizes in {**self.encoder, **self.decoder}.items()}
        tensors = {}
        for name, shape in self.layout.shapes.items():
            uniform = torch.rand(shape, generator=generator)
            tensors[name] = (uniform * 2 - 1) * fan_in[name.split(".")[0]] ** -0.5
        return self.layout.flat(tensors)

    def features(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> Out:
        """Mean and log variance of the code, and the code that the noise draws: [n, code] each."""
        inputs, noise = x
        out = _through(self.encoder, self.layout.views(theta), inputs)
        mean, log_variance = out.chunk(2, -1)
        log_variance = log_variance.clamp(max=LARGEST)
        return mean, log_variance, mean + noise * (log_variance / 2).exp()

    def head(self, theta: Tensor, features: Out) -> Out:
        """Mean and log variance of the code, and the output of its draw: [n, inputs], of coins the
        logits."""
        mean, log_variance, code = features
        return mean, log_variance, _through(self.decoder, self.layout.views(theta), code)

    def __call__(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> Out:
        return self.head(theta, self.features(theta, x))

    def decode(self, theta: Tensor, z: Tensor) -> Tensor:
        """The mean input [n, inputs] of codes z [n, code]."""
        out = _through(self.decoder, self.layout.views(theta), z)
        return out.sigmoid() if self.unit else out

    def loss(self, out: Out, rows: Batch) -> Tensor:
        """The weighted sum of the losses of the rows, whose x is an input and its noise."""
        return (rows.weight * self.losses(out, rows.x[0])).sum()

    def losses(self, out: Out, x: Tensor) -> Tensor:
        """[n]: minus the evidence lower bound of each row of x, in nats an input.

        The Gaussian's constant, log(2 pi) / 2 an input, is left out.
        """
        mean, log_variance, decoded = out
        if self.unit:
            misfit = F.binary_cross_entropy_with_logits(decoded, x, reduction="none")
        else:
            misfit = (decoded - x).square() / 2
        divergence = (
            mean.square() + log_variance.exp() - 1 - log_variance
        ) / 2  # of N(mean, variance) to N(0, 1)
        return (misfit.sum(-1) + divergence.sum(-1)) / self.inputs


def vae_of(x: Tensor, hidden: tuple[int, ...], code: int) -> VAE:
    """For inputs like x [..., inputs]: coins where all its values lie in 0 … 1, else Gaussians."""
    unit = bool(((x >= 0) & (x <= 1)).all())
    return VAE(x.shape[-1], hidden, code, unit)


def _layers(side: str, sizes: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    """name of a layer -> (fan in, fan out)."""
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return {f"{side}{i}": pair for i, pair in enumerate(pairs)}


def _through(layers: dict[str, tuple[int, int]], views: dict[str, Tensor], x: Tensor) -> Tensor:
    *hidden, last = layers
    for name in hidden:
        x = F.linear(x, views[f"{name}.weight"], views[f"{name}.bias"]).relu_()
    return F.linear(x, views[f"{last}.weight"], views[f"{last}.bias"])
