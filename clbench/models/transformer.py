"""The blocks of small transformers (Vaswani et al. 2017), and what networks made of them have in common."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from clbench.errors import InputError
from clbench.models.functional import Functional

HEADS = 4  # of attention


class Transformer(Functional):
    """A network of which some sides are read as tokens: see `clbench.models.network.OfTokens`."""

    kind = "transformer"

    def __init__(self, module: nn.Module, name: str, width: int, places: dict[int, str]) -> None:
        """width: of tokens and of features. places: side -> the module that reads it; called as
        module(x, prompts), it gives features [n, width]."""
        super().__init__(module, name)
        self.token_width, self.places = width, places

    @property
    def sides(self) -> tuple[int, ...]:
        return tuple(self.places)

    def features_behind(self, theta: Tensor, x: Tensor, prompts: Tensor, side: int) -> Tensor:
        """Features [n, width] of one side's inputs, with prompts [n, k, width] before their tokens."""
        prefix = f"{self.places[side]}."
        views = self._views(theta).items()
        own = {name.removeprefix(prefix): view for name, view in views if name.startswith(prefix)}
        features: Tensor = functional_call(self._module.get_submodule(self.places[side]), own, (x, prompts))
        return features

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: layers as torch's own, places of tokens from N(0, 0.02^2)."""
        views = self.layout.views(super().init(generator))
        for name, view in views.items():
            if name.endswith(("place", "class_token")):
                views[name] = torch.randn(view.shape, generator=generator) * 0.02
        return self.layout.flat(views)


def check_width(width: int, what: str) -> None:
    """Raises InputError for a width that the heads cannot share."""
    if width % HEADS:
        raise InputError(f"{what} takes a width that {HEADS} divides, not {width}: it has {HEADS} heads")


class Block(nn.Module):
    """Attention, then a hidden layer for each token; both read through a layer norm and add what they
    find."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden, self.last = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gelu = nn.GELU()

    def forward(self, tokens: Tensor, there: Tensor | None = None) -> Tensor:
        """[n, L, width] of as many tokens. there [n, L] bool: the others are no tokens, and are not attended
        to."""
        tokens = tokens + self.attend(self.norm1(tokens), there)
        return tokens + self.last(self.gelu(self.hidden(self.norm2(tokens))))

    def attend(self, tokens: Tensor, there: Tensor | None) -> Tensor:
        q, k, v = (
            one.unflatten(-1, (HEADS, -1)).transpose(-3, -2) for one in self.qkv(tokens).chunk(3, -1)
        )  # [n, heads, L, width / heads]
        # Written out: torch's own attention has no rule for vmap on a CPU.
        scores = (q * q.shape[-1] ** -0.5) @ k.mT
        if there is not None:
            scores = scores.masked_fill(~there.unsqueeze(-2).unsqueeze(-2), -1e9)
        found: Tensor = self.out((scores.softmax(-1) @ v).transpose(-3, -2).flatten(-2))
        return found
