"""The vision transformer against one that is made of torch's own layers."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from helpers import refused
from torch import nn

from clbench.models import by_name
from clbench.models.network import OfTokens

SHAPE, WIDTH, CLASSES = (8, 12, 3), 16, 5


class PlainViT(nn.Module):
    """The weights `views` of a tiny_vit of two blocks for pictures with 2x2 patches, in torch's own layers;
    patches by a convolution."""

    def __init__(self, shape, views):
        super().__init__()
        self.shape = shape
        width = views["head.weight"].shape[1]
        weights = {name: nn.Parameter(view.detach().clone()) for name, view in views.items()}
        self.class_token, self.place = weights["body.class_token"], weights["body.place"]
        self.embed = nn.Conv2d(shape[2], width, 2, stride=2)
        self.embed.weight = nn.Parameter(
            weights["body.embed.weight"].view(width, 2, 2, -1).permute(0, 3, 1, 2)
        )
        self.embed.bias = weights["body.embed.bias"]
        blocks = 1 + max(int(name.split(".")[2]) for name in views if "blocks" in name)
        self.blocks = nn.ModuleList(self.block(weights, f"body.blocks.{i}", width) for i in range(blocks))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, len(views["head.weight"]))
        self.norm.weight, self.norm.bias = weights["body.norm.weight"], weights["body.norm.bias"]
        self.head.weight, self.head.bias = weights["head.weight"], weights["head.bias"]

    @staticmethod
    def block(weights, name, width):
        made = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        places = {"norm1": made.norm1, "norm2": made.norm2, "out": made.self_attn.out_proj}
        places |= {"hidden": made.linear1, "last": made.linear2}
        for ours, theirs in places.items():
            theirs.weight, theirs.bias = weights[f"{name}.{ours}.weight"], weights[f"{name}.{ours}.bias"]
        made.self_attn.in_proj_weight = weights[f"{name}.qkv.weight"]
        made.self_attn.in_proj_bias = weights[f"{name}.qkv.bias"]
        return made

    def features(self, x, prompts=None):
        """The class token; with prompts [k, width], the same for all rows, the mean of what they become."""
        patches = self.embed(x.view(-1, *self.shape).permute(0, 3, 1, 2)).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), 1, -1), patches], 1) + self.place
        count = 1 if prompts is None else len(prompts)
        if prompts is not None:
            tokens = torch.cat([prompts.expand(len(x), -1, -1), tokens], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)[:, :count].mean(1)

    def forward(self, x):
        return self.head(self.features(x))


@pytest.fixture
def net():
    return by_name.network("tiny_vit", SHAPE, CLASSES, width=WIDTH)


@pytest.fixture
def theta(net):
    """With norms that are not the identity and places that count."""
    draws = torch.Generator().manual_seed(1)
    return net.init(draws) + 0.1 * torch.randn(net.layout.P, generator=draws)


def rows(count=6):
    return torch.randn(count, 8 * 12 * 3, generator=torch.Generator().manual_seed(2))


def test_computes_and_learns_what_torchs_own_layers_do(net, theta):
    theta = theta.requires_grad_()
    plain, x, y = PlainViT(SHAPE, net.layout.views(theta)), rows(), torch.arange(6) % CLASSES
    ours, theirs = net(theta, x), plain(x)
    assert torch.allclose(ours, theirs, atol=1e-5) and ours.std() > 0.1
    (g,) = torch.autograd.grad(F.cross_entropy(ours, y), theta)
    F.cross_entropy(theirs, y).backward()
    g = net.layout.views(g)
    assert torch.allclose(g["body.place"], plain.place.grad, atol=1e-5)
    first = plain.blocks[0]
    for name, weight in (("qkv", first.self_attn.in_proj_weight), ("last", first.linear2.weight)):
        assert torch.allclose(g[f"body.blocks.0.{name}.weight"], weight.grad, atol=1e-5)
        assert weight.grad.abs().max() > 1e-3


def test_what_has_become_of_prompts_is_read(net, theta):
    plain, x = PlainViT(SHAPE, net.layout.views(theta)), rows()
    prompts = torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(3))
    ours = net.features_behind(theta, x, prompts.expand(6, -1, -1), 0)
    assert torch.allclose(ours, plain.features(x, prompts), atol=1e-5)
    assert (ours - net.features(theta, x)).abs().max() > 0.1 and isinstance(net, OfTokens)


def test_what_a_layer_reads_is_a_row_for_each_token(net, theta):
    x, views = rows(), net.layout.views(theta)
    read = net.inputs_of(theta, x)
    assert read["body.embed"].shape == (6 * 24, 12) and read["head"].shape == (6, WIDTH)
    first = x.view(6, *SHAPE)[0, :2, 2:4].flatten()  # the second patch
    assert torch.equal(read["body.embed"][1], first)
    hidden = F.linear(read["body.blocks.1.hidden"], views["body.blocks.1.hidden.weight"])
    hidden = F.gelu(hidden + views["body.blocks.1.hidden.bias"])
    assert torch.allclose(read["body.blocks.1.last"], hidden, atol=1e-6) and len(hidden) == 6 * 25


def test_refuses_what_it_cannot_be():
    for shape, arguments, said in (
        ((8, 8, 1), {"width": 30}, "a width that 4 divides, not 30"),
        ((9, 8, 1), {}, "whole patches, not 9x8"),
        ((8, 8, 1), {"norm": "batch"}, "leave norm out"),
    ):
        assert said in refused(partial(by_name.network, **arguments), "tiny_vit", shape, 2)
