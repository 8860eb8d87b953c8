"""Networks by the names that benchmarks and papers use: -b "split_cifar10_class(net='resnet18')"."""

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Literal

import torch

from clbench.core.ranges import Text
from clbench.errors import InputError
from clbench.models import libraries, own_network
from clbench.models.adapting import adapt
from clbench.models.functional import check_module_fits
from clbench.models.mlp import MLP
from clbench.models.network import AsModule, Network
from clbench.models.of_module import Made
from clbench.models.reading import PLAIN, Reading, Scale
from clbench.models.resnet import ResNet18
from clbench.models.small_conv import SmallConv
from clbench.models.tiny_vit import TinyViT
from clbench.models.weights import changed as changed_weights

NETWORKS = {
    "small_conv": lambda shape, classes, norm, width=16: SmallConv(
        shape, classes, (width, 2 * width, 4 * width), norm
    ),
    "resnet18_slim": lambda shape, classes, norm, width=20: ResNet18(shape, classes, width, norm),
    "resnet18": lambda shape, classes, norm, width=64: ResNet18(shape, classes, width, norm),
    "tiny_vit": lambda shape, classes, norm, width=64: TinyViT(shape, classes, width),
}
HIDDEN = re.compile(r"mlp\(\s*([1-9]\d{0,5}(?:\s*,\s*[1-9]\d{0,5})*)\s*,?\s*\)")
SOURCES: dict[str, Callable[..., Made]] = {
    "torchvision:": libraries.of_torchvision,
    "timm:": libraries.of_timm,
}
THERE = (
    f"linear, mlp, mlp(400,400), {', '.join(NETWORKS)}, "
    "torchvision:NAME, timm:NAME, or a file of your own: my_net.py:make"
)


@dataclass
class NetworkBySpec:
    """Fields of a benchmark that has `net`, `norm` and `width`, too, and what they ask for."""

    # The network's start: a file of tensors (safetensors, or a state_dict that torch saved), or 'pretrained'.
    weights: Text | None = field(default=None, kw_only=True)
    frozen: Literal[True] | None = field(default=None, kw_only=True)  # only the head learns

    @property
    def asks(self) -> bool:
        """Whether another network than the benchmark's own is asked for, or another start of it."""
        fields: Any = self
        return any((fields.net, fields.norm, self.weights, self.frozen))

    def network_of(self, net: str, shape: tuple[int, ...], classes: int, **more: Any) -> Network:
        """The network of this name as the fields ask for it. more: as `network` takes it."""
        fields: Any = self
        given = {"norm": fields.norm, "width": fields.width, "weights": self.weights, "frozen": self.frozen}
        return network(net, shape, classes, **given, **more)


def check_name(net: str) -> None:
    """Raises InputError for what names no network; looks at no file and loads nothing."""
    known = (*NETWORKS, "linear", "mlp")
    if net in known or HIDDEN.fullmatch(net) or own_network.is_own(net):
        return
    if not any(net.startswith(prefix) and net != prefix for prefix in SOURCES):
        near = difflib.get_close_matches(net, known, n=1, cutoff=0.6)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"net={net!r} is no network; {meant}There are {THERE}")


def network(
    net: str,
    shape: tuple[int, ...],
    classes: int,
    norm: str | None = None,
    width: int | None = None,
    *,
    weights: str | None = None,
    frozen: bool | None = None,
    units: int = 100,
    scale: Scale = PLAIN,
) -> Network:
    """The network of this name, with an output per class.

    shape: (height, width, channels) of pictures, or (numbers,) of other inputs. norm: group | batch; None:
    group. width: channels of the first layer, of tokens, or units of each hidden layer; None: the network's
    own default. weights: a file, or 'pretrained'; None: each seed draws its own. frozen: only the head
    learns. units: of each of the two layers of a plain `mlp`. scale: how the stream has standardised its
    pictures.
    Raises InputError for what cannot be meant, or does not fit; Unavailable for a library or for weights that
    are not here.
    """
    check_name(net)
    _check_arguments(net, shape, norm, width)
    if (net in NETWORKS or net.startswith(("linear", "mlp"))) and not weights and not frozen:
        return _ours(net, shape, classes, norm, width, units)
    changed = own_network.changed(net), changed_weights(weights)
    return _of_module(net, shape, classes, norm, width, units, scale, weights, bool(frozen), changed)


def _check_arguments(net: str, shape: tuple[int, ...], norm: str | None, width: int | None) -> None:
    ours = net in NETWORKS
    if net == "tiny_vit" and norm == "batch":
        raise InputError("tiny_vit has layer norms: leave norm out")
    if norm == "batch" and not ours:
        raise InputError(f"net={net!r} has the norms that it is made with: leave norm out")
    if width and not ours and net != "mlp":
        raise InputError(f"net={net!r} has the width that it is made with: leave width out")
    if len(shape) == 1 and (ours or net.startswith(tuple(SOURCES))):
        raise InputError(f"net={net!r} is for images, and these data are none: take linear or mlp")


def _ours(
    net: str, shape: tuple[int, ...], classes: int, norm: str | None, width: int | None, units: int
) -> Network:
    if net not in NETWORKS:
        listed = HIDDEN.fullmatch(net)
        plain = [] if net == "linear" else [width or units] * 2
        hidden = [int(one) for one in listed[1].split(",")] if listed else plain
        return MLP(math.prod(shape), *hidden, classes)
    make = partial(NETWORKS[net], shape, classes, norm or "group", *([] if width is None else [width]))
    check_module_fits(lambda: make()._module, f"{net} of width={width}")
    return make()


@lru_cache(maxsize=4)
def _of_module(
    net: str,
    shape: tuple[int, ...],
    classes: int,
    norm: str | None,
    width: int | None,
    units: int,
    scale: Scale,
    weights: str | None,
    frozen: bool,
    changed: tuple[int, ...],
) -> Network:
    """Made and tried once per process. changed: when the files were that it is read from."""
    prefix = next((one for one in SOURCES if net.startswith(one)), None)
    if prefix:
        made = SOURCES[prefix](net.removeprefix(prefix), shape, classes, scale)
    elif own_network.is_own(net):
        made = own_network.of_file(net, shape, classes)
    else:
        ours = _ours(net, shape, classes, norm, width, units)
        assert isinstance(ours, AsModule)
        made = Made(
            str(ours),
            lambda: ours.module(ours.init(torch.Generator().manual_seed(0))),
            Reading((math.prod(shape),)),
        )
    return adapt(made, classes, weights, frozen)
