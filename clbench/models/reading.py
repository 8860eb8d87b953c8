"""From a stream's flat rows to what a torch module of others reads."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Scale:
    """What was taken off values from 0 to 1, per channel or for all, and what they were then divided by."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def per_channel(self, channels: int) -> list[tuple[float, float]]:
        return [(self.mean[i % len(self.mean)], self.std[i % len(self.std)]) for i in range(channels)]


PLAIN = Scale()


class Reading(nn.Module):
    """Rows [n, numbers] as they are, or as pictures [n, channels, height, width].

    shape: (height, width, channels), or (numbers,). channels: what the module reads; a grey picture is
    repeated. side: the height and width to which pictures are resized, bilinearly; None: as they are. has,
    wants: how the stream has standardised its pictures, and how the module's own training did.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int | None = None,
        side: int | None = None,
        has: Scale = PLAIN,
        wants: Scale = PLAIN,
    ) -> None:
        super().__init__()
        self.shape, self.side = shape, side
        self.repeats = (channels or shape[-1]) // shape[-1]
        count = shape[-1] * self.repeats
        pairs = zip(has.per_channel(count), wants.per_channel(count), strict=True)
        # x std + mean has values from 0 to 1 again; then the module's own: a factor and a summand for each.
        scales = [(std / new_std, (mean - new_mean) / new_std) for (mean, std), (new_mean, new_std) in pairs]
        self.scales = None if has == wants else scales

    def __str__(self) -> str:
        said = []
        if self.repeats > 1:
            said.append(f"grey repeated to {self.repeats} channels")
        if self.side:
            said.append(f"{self.shape[0]}x{self.shape[1]} resized to {self.side}x{self.side}")
        return ", ".join(said)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.shape) == 1:
            return x
        x = x.view(-1, *self.shape).permute(0, 3, 1, 2).contiguous()  # a module may view it in its own way
        if self.side and (self.side, self.side) != self.shape[:2]:
            x = F.interpolate(x, (self.side, self.side), mode="bilinear", antialias=False)
        if self.repeats > 1:
            x = x.expand(-1, self.repeats, -1, -1)
        if self.scales:  # by numbers of Python: a captured step copies nothing from the host
            channels = x.unbind(1)
            x = torch.stack([one * f + s for one, (f, s) in zip(channels, self.scales, strict=True)], 1)
        return x
