"""Makes a network of somebody's torch module, or says in a line why it cannot be one and what to change."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.lazy import LazyModuleMixin

from clbench.errors import InputError
from clbench.models import weights as weighing
from clbench.models.of_module import Body, Made, OfModule, OfShownModule, Split, shows_layers
from clbench.models.own_network import why
from clbench.models.reading import Reading

DROPPING = ("DropPath", "StochasticDepth", "PatchDropout")  # what libraries call what else drops at random
# What torch says of a module that cannot be mapped over seeds -> what to write instead.
INSTEAD = {
    "data-dependent control flow": "an `if`, a loop or an index depends on values: write torch.where",
    ".item()": "a value is read as a number of Python: keep it as a tensor",
    "dynamic shape": "a shape depends on values: write torch.where or a mask",
    "escaped": "it keeps a tensor of an earlier call: let forward keep nothing",
    "broadcast shape": "it writes into a tensor in place: write x = x + y for x += y",
    "inplace arithmetic": "it writes into a tensor in place: write x = x + y for x += y",
    "in-place": "it writes into a tensor in place: write x = x + y for x += y",
    "randomness": "it draws random numbers: leave them out",
    "random operation": "it draws random numbers: leave them out",
    "autograd.Function": "a torch.autograd.Function has no rule for vmap: give it generate_vmap_rule = True",
}


class Head(NamedTuple):
    """The linear layer that gives a module's outputs."""

    name: str
    reading: Reading  # by which the module took the pictures


def adapt(made: Made, classes: int, weights: str | None, frozen: bool) -> OfModule:
    """The network of a module.

    weights: a file, 'pretrained', or None: each seed draws its own. frozen: all but the head is constant.
    Raises InputError for a module that fails or that cannot be mapped over seeds, and for weights that do not
    fit it.
    """
    if frozen and not weights and not made.file:
        raise InputError(f"frozen=True keeps {made.name} as it starts: say with which weights=")
    with same_draws():
        module = made.build()
    _check_parts(made, module)
    numbers = torch.Size(made.reading.shape).numel()
    x = torch.rand(2, numbers, generator=torch.Generator().manual_seed(0))
    head = _find_head(made, module, x, classes)
    start = _start(made, module, head.name, weights) if weights else {}

    def split() -> Split:
        new = made.build()
        if new is module:
            raise InputError(f"{made.name} gives the same module again: let it make a new one at each call")
        new.load_state_dict(start, strict=False)
        return _split(new, head, frozen)

    said = [
        made.name,
        f"weights {weighing.digest(start)}" if start else "",
        "frozen" if frozen else "",
        str(head.reading),
        "without dropout" if any(map(_drops, module.modules())) else "",
    ]
    with same_draws():
        first = split()
    with _named_failures(made, first.body.trunk):
        kind = OfShownModule if shows_layers(first) else OfModule
    renamed = {_renamed(name, head.name): tensor for name, tensor in start.items()}
    net = kind(first, split, ", ".join(filter(None, said)), renamed)
    _check_mapped(made, net, first.body.trunk, x)
    return net


@contextmanager
def same_draws() -> Iterator[None]:
    """Within the block torch draws the same random numbers each time, which no other draw notices."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# ---- what a module is made of


def _check_parts(made: Made, module: nn.Module) -> None:
    """Raises InputError for layers that no network here can have."""
    for name, part in module.named_modules():
        where = f"{made.name}: {name or 'the module'} ({type(part).__name__})"
        if isinstance(part, LazyModuleMixin) and part.has_uninitialized_params():  # type: ignore[misc]
            raise InputError(f"{where} makes its weights when it is first called: say how many inputs it has")
        if isinstance(part, _BatchNorm) and (part.momentum is None or not part.track_running_stats):
            raise InputError(
                f"{where} has no running statistics with a momentum: leave momentum and "
                "track_running_stats as they are"
            )


def _drops(part: nn.Module) -> bool:
    """Whether a layer drops something at random in training; networks here do not."""
    share = getattr(part, "p" if isinstance(part, _DropoutNd) else "dropout", 0.0)
    return type(part).__name__ in DROPPING or isinstance(share, float) and share > 0


def _find_head(made: Made, module: nn.Module, x: Tensor, classes: int) -> Head:
    """The layer whose outputs are the module's. Pictures that the module does not take as they are, are
    resized where its library says to what."""
    readings = [made.reading, *([made.resized] if made.resized else [])]
    for reading in readings:
        calls: list[tuple[str, Tensor]] = []
        try:
            with torch.no_grad(), _named_failures(made, module), _calls_of_linear(module, calls):
                out = module.train(False)(reading(x))
            break
        except InputError:
            if reading is readings[-1]:
                raise
    if not isinstance(out, Tensor) or out.shape != (len(x), classes):
        gives = f"outputs {list(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
        raise InputError(
            f"{made.name} gives {gives} for {len(x)} inputs, and not [{len(x)}, {classes}]: an output "
            "for each class that the stream has"
        )
    _check_finite(made, out)
    names = [name for name, given in calls if given.shape == out.shape and torch.equal(given, out)]
    if not names or [name for name, _ in calls].count(names[-1]) > 1:
        last = f"its last is {calls[-1][0]}" if calls else "it has none"
        raise InputError(
            f"{made.name} does not end with a linear layer (nn.Linear of {classes} outputs; {last}), which "
            "methods look for as its head: let forward return what such a layer gives"
        )
    return Head(names[-1], reading)


def _check_finite(made: Made, out: Tensor) -> None:
    if not out.isfinite().all():
        raise InputError(f"{made.name} begins with outputs that are not finite: look at its weights")


@contextmanager
def _calls_of_linear(module: nn.Module, calls: list[tuple[str, Tensor]]) -> Iterator[None]:
    """Within the block: (name, outputs) of each call of a linear layer."""

    def hook_of(name: str) -> Any:
        return lambda layer, inputs, out: calls.append((name, out))

    layers = [(name, part) for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    hooks = [layer.register_forward_hook(hook_of(name)) for name, layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class Nothing(nn.Identity):
    """Stands in the place of a head; a forward may ask for its sizes."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features


def _split(module: nn.Module, head: Head, frozen: bool) -> Split:
    """The module without its head, and this."""
    layer = module.get_submodule(head.name)
    assert isinstance(layer, nn.Linear)
    above, _, name = head.name.rpartition(".")
    setattr(module.get_submodule(above), name, Nothing(layer))
    return Split(Body(head.reading, module, frozen), layer)


def _renamed(name: str, head: str) -> str:
    """What a tensor of the module is called in the network."""
    return f"head.{name.removeprefix(f'{head}.')}" if name.startswith(f"{head}.") else f"body.trunk.{name}"


def _start(made: Made, module: nn.Module, head: str, weights: str) -> dict[str, Tensor]:
    """The tensors of the module, by its own names, from which every seed starts."""
    own = [f"{head}.{name}" for name, _ in module.get_submodule(head).named_parameters()]
    if weights != weighing.PRETRAINED:
        found = weighing.read(weights)
    elif made.pretrained:
        found = made.pretrained()
        found = {name: one for name, one in found.items() if name not in own}  # of other classes
    else:
        raise InputError(f"nobody offers weights of {made.name}: give a file, weights=PATH")
    wanted = {name: one for name, one in module.state_dict().items() if not name.endswith(weighing.UNREAD)}
    return weighing.fitting(found, wanted, own, weights, made.name)


# ---- whether it can be mapped over seeds


def _check_mapped(made: Made, net: OfModule, trunk: nn.Module, x: Tensor) -> None:
    """Raises InputError unless the network gives two seeds together what it gives each alone, and gradients
    in training."""
    theta = net.init(torch.Generator().manual_seed(0))
    rows = torch.stack([x, x.flip(0)] if net.layout.buffers else [x[:1], x[1:]])
    before = rows.clone()
    # Weights are mapped, too, where they have to be, for running statistics: a large network takes long.
    mapped = 0 if net.layout.buffers else None

    def trained(theta: Tensor, x: Tensor) -> Tensor:
        return net.train(theta, x)[0] if net.layout.buffers else net(theta, x)

    with warnings.catch_warnings(), _named_failures(made, trunk, mapped=True):
        warnings.simplefilter("ignore")  # that a layer has no rule of its own for vmap: slower, and right
        with torch.no_grad():
            together = vmap(net, (None, 0))(theta, rows)
            alone = torch.stack([net(theta, some) for some in rows])
        theta = theta if mapped is None else theta.expand(2, -1)
        wanted = theta.clone().requires_grad_()
        torch.autograd.grad(vmap(trained, (mapped, 0))(wanted, rows).square().sum(), wanted)
    if not torch.equal(rows, before):
        raise InputError(f"{made.name} writes into its inputs: let it work on a copy")
    _check_finite(made, alone)
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise InputError(
            f"{made.name} gives two seeds together other outputs than each alone: let forward keep nothing"
        )


@contextmanager
def _named_failures(made: Made, module: nn.Module, mapped: bool = False) -> Iterator[None]:
    """What fails within the block is an InputError that names the innermost layer and, of a user's file, the
    line. mapped: what fails has been seen not to fail for one seed."""
    inside: list[str] = []

    def enter(name: str) -> Any:
        return lambda part, inputs: inside.append(f"{name or 'the module'} ({type(part).__name__})")

    def leave(part: nn.Module, inputs: object, out: object) -> None:
        inside.pop()

    hooks = []
    for name, part in module.named_modules():
        hooks += [part.register_forward_pre_hook(enter(name)), part.register_forward_hook(leave)]
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        said = why(error, made.file)
        place = said[said.rindex(" (") :] if made.file and said.endswith(")") and ", line " in said else ""
        known = (text for mark, text in INSTEAD.items() if mapped and mark in str(error))
        meant = next((f"{text}{place}" for text in known), said)
        where = inside[-1] if inside else "its forward"
        raise InputError(f"{made.name} fails in {where}: {meant}") from error
    finally:
        for hook in hooks:
            hook.remove()
