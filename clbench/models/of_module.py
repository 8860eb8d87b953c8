"""A torch module of a library, or of a user's own file, as a network: a pure function of theta.

What does not learn, its constants, is no part of theta: it lies in the module, once for all seeds."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from clbench.models.functional import Functional
from clbench.models.reading import Reading

ROWS = 128  # of an evaluation at a time: a large network keeps much more of a row than the row


@dataclass(frozen=True)
class Made:
    """A module as somebody makes it."""

    name: str
    build: Callable[[], nn.Module]  # makes it anew, from torch's own random numbers
    reading: Reading
    file: str | None = None  # the user's, which errors name
    resized: Reading | None = None  # for a module that does not take the pictures as they are
    # The tensors that its library offers for it, by name.
    pretrained: Callable[[], dict[str, Tensor]] | None = field(default=None, compare=False)


class Body(nn.Module):
    """What is left of a module without its head.

    It stays in evaluation mode, where nothing is dropped, but for those batch normalisations whose running
    statistics learn. frozen: nothing of it learns.
    """

    def __init__(self, reading: Reading, trunk: nn.Module, frozen: bool = False) -> None:
        super().__init__()
        self.reading, self.trunk = reading, trunk
        self.learns = False
        self.constants = [(part, name) for part in trunk.modules() for name in constants_of(part, frozen)]
        for part, name in self.constants:
            tensor = getattr(part, name).detach()
            delattr(part, name)
            setattr(part, name, tensor)  # a plain attribute: of no list of parameters or buffers

    def train(self, mode: bool = True) -> "Body":
        super().train(False)
        self.learns = mode
        for part in self.modules():
            if isinstance(part, _BatchNorm):
                part.training = mode and "running_mean" in part._buffers
        return self

    def forward(self, x: Tensor) -> Tensor:
        for part, name in self.constants:
            tensor = getattr(part, name)
            if tensor.device != x.device:
                setattr(part, name, tensor.to(x.device))  # once: a captured step cannot wait for the host
        with plain_attention():
            pieces = [x] if self.learns else x.split(ROWS)
            found = [self.trunk(self.reading(piece)) for piece in pieces]
        return found[0] if len(found) == 1 else torch.cat(found)


def constants_of(part: nn.Module, frozen: bool) -> list[str]:
    """Names of a module's own tensors that do not learn: parameters that ask for no gradient, and buffers
    that are no running statistics of a batch normalisation that learns. frozen: all."""
    parameters = {name: one for name, one in part._parameters.items() if one is not None}
    own = [name for name, one in parameters.items() if frozen or not one.requires_grad]
    if isinstance(part, _BatchNorm) and not frozen and "weight" not in own:
        return own
    return own + [name for name, one in part._buffers.items() if one is not None]


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attention as products and a softmax: torch's faster ways have no rule for vmap on a CPU."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class Split(nn.Module):
    """A body, and the linear layer that gives the outputs."""

    def __init__(self, body: Body, head: nn.Linear) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


class OfModule(Functional):
    """first: the module, body and head. split(): the same made anew. start: tensors by name of the layout
    from which every seed starts; what is not among them is drawn: the head as torch draws it where the body
    is given, all else as the module's maker does."""

    kind = "module"
    inputs_of = None  # type: ignore[assignment]  # so it is not `OfLayers`

    def __init__(self, first: Split, split: Callable[[], Split], name: str, start: dict[str, Tensor]) -> None:
        super().__init__(first, name)
        self._split, self._start = split, start

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]."""
        tensors = self._start
        if not tensors and len(self.layout.head) < len(self.layout.shapes):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(generator.initial_seed())  # its maker draws from torch's own generator
                tensors = dict(self._named_tensors(self._split()))
        bound = self.layout.shapes["head.weight"][1] ** -0.5
        drawn = {
            name: (torch.rand(self.layout.shapes[name], generator=generator) * 2 - 1) * bound
            for name in self.layout.head
            if name not in tensors
        }
        return self.layout.flat({name: tensor.detach() for name, tensor in (tensors | drawn).items()})


class OfShownModule(OfModule):
    """One whose layers are matrices of what they read: `OfLayers`."""

    def inputs_of(self, theta: Tensor, x: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        read = Functional.inputs_of(self, theta, x)
        return {name: rows for name, rows in read.items() if f"{name}.weight" in self.layout.shapes}


@torch.no_grad()
def shows_layers(split: Split) -> bool:
    """Whether each layer that learns is called, and once, and is a plain matrix of what it reads."""
    calls: dict[nn.Module, int] = {}

    def count(layer: nn.Module, *_: object) -> None:
        calls[layer] = calls.get(layer, 0) + 1

    kinds = nn.Linear | nn.Conv2d
    layers = [one for one in split.modules() if isinstance(one, kinds) and "weight" in one._parameters]
    for layer in layers:
        if isinstance(layer, nn.Conv2d) and (
            layer.groups > 1 or isinstance(layer.padding, str) or layer.padding_mode != "zeros"
        ):
            return False
    hooks = [layer.register_forward_pre_hook(count) for layer in layers]
    try:
        split.train(False)(torch.zeros(1, math.prod(split.body.reading.shape)))
    finally:
        for hook in hooks:
            hook.remove()
    return all(calls.get(layer) == 1 for layer in layers)
