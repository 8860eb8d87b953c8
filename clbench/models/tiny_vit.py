"""A small vision transformer (Dosovitskiy et al. 2021)."""

import torch
from torch import Tensor, nn

from clbench.errors import InputError
from clbench.models.transformer import Block, Transformer, check_width


class TinyViT(Transformer):
    """Reads patches of pictures and a class token, whose features the head reads.

    Patches have 4x4 pixels, or 2x2 where a side of the picture has fewer than 16. shape: (height, width,
    channels). Layers between blocks are twice as wide as tokens; the paper's are four times.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int = 64, depth: int = 2):
        patch = 2 if min(shape[:2]) < 16 else 4
        if shape[0] % patch or shape[1] % patch:
            raise InputError(f"tiny_vit takes pictures of whole patches, not {shape[0]}x{shape[1]}")
        check_width(width, "tiny_vit")
        self.inputs, self.widths = shape, (width,)
        name = f"tiny_vit {width}x{depth}, {patch}x{patch} patches"
        super().__init__(ViT(shape, classes, patch, width, depth), name, width, {0: "body"})


class ViT(nn.Module):
    def __init__(self, shape: tuple[int, int, int], classes: int, patch: int, width: int, depth: int):
        super().__init__()
        self.body, self.head = Body(shape, patch, width, depth), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class Body(nn.Module):
    """Features of pictures: the class token, as the last block leaves it; behind prompts, the mean of what
    has become of these."""

    def __init__(self, shape: tuple[int, int, int], patch: int, width: int, depth: int):
        super().__init__()
        self.shape, self.patch = shape, patch
        patches = shape[0] // patch * (shape[1] // patch)
        self.embed = nn.Linear(patch * patch * shape[2], width)
        self.class_token = nn.Parameter(torch.zeros(1, width))
        self.place = nn.Parameter(torch.zeros(1 + patches, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, prompts: Tensor | None = None) -> Tensor:
        tokens = self.tokens(x)
        if prompts is not None:
            tokens = torch.cat([prompts, tokens], 1)
        for block in self.blocks:
            tokens = block(tokens)
        read = tokens[:, :1] if prompts is None else tokens[:, : prompts.shape[1]]
        features: Tensor = self.norm(read).mean(1)
        return features

    def tokens(self, x: Tensor) -> Tensor:
        """[n, 1 + patches, width] of flat pictures [n, height * width * channels]."""
        (height, across, channels), side = self.shape, self.patch
        pictures = x.view(-1, height // side, side, across // side, side, channels)
        patches = pictures.transpose(2, 3).flatten(3).flatten(1, 2)  # [n, patches, side * side * channels]
        first = self.class_token.expand(len(x), 1, -1)
        return torch.cat([first, self.embed(patches)], 1) + self.place
