"""Wraps a torch module with a `body` and a `head` as a pure function of one seed's parameters theta.

The engine maps such a function over seeds; all networks but `clbench.models.mlp.MLP` build on it.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from clbench.core.layout import Layout
from clbench.core.memory import check_fits
from clbench.core.pytree import Tree


def check_module_fits(make: Callable[[], nn.Module], what: str) -> None:
    """Raises InputError where the parameters of the module that `make` builds are more than this machine's
    memory; builds it without any."""
    with torch.device("meta"):
        size = sum(tensor.nbytes for tensor in make().parameters())
    check_fits(size, what)


class Functional:
    """Gives outputs head(body(x)) of inputs x [n, d]. Running statistics are entries of theta too.

    A subclass gives the module, a name and `kind`. Its module must draw no random numbers and keep all
    shapes.
    """

    kind = "columns"

    def __init__(self, module: nn.Module, name: str) -> None:
        for part in module.modules():
            if "num_batches_tracked" in part._buffers:  # a count that only a momentum of None would read
                part._buffers["num_batches_tracked"] = None
        self._module, self._name = module, name
        parameters = {name: tuple(tensor.shape) for name, tensor in module.named_parameters()}
        buffers = {name: tuple(tensor.shape) for name, tensor in module.named_buffers()}
        self.layout = Layout(parameters, buffers)

    def __str__(self) -> str:
        return self._name

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P].

        Weights and biases of linear and convolutional layers come from U(-1/sqrt(fan_in), 1/sqrt(fan_in)),
        as torch draws them. All else keeps the module's own values: normalisation layers start as the
        identity.
        """
        tensors = {name: tensor.detach().clone() for name, tensor in self._named_tensors(self._module)}
        for name, layer in self._module.named_modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                bound = layer.weight[0].numel() ** -0.5
                for kind, parameter in layer.named_parameters():
                    uniform = torch.rand(parameter.shape, generator=generator)
                    tensors[f"{name}.{kind}"] = (uniform * 2 - 1) * bound
        return self.layout.flat(tensors)

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """Features of inputs x [n, d], as at evaluation: [n, inputs of the head]."""
        body = self._module.get_submodule("body")
        return self._call(body, "body.", self._views(theta), x, training=False)

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """Outputs [n, C] of features [n, inputs of the head]."""
        head = self._module.get_submodule("head")
        return self._call(head, "head.", self._views(theta), features, training=False)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        """Outputs [n, C] of inputs x [n, d], as at evaluation: with running statistics."""
        return self._call(self._module, "", self._views(theta), x, training=False)

    def train(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """(outputs [n, C] with the batch's own statistics, buffers [Q] after this batch).

        The engine calls it only for networks with buffers.
        """
        views = self._views(theta)
        for name, _ in self._module.named_buffers():
            views[name] = views[name].clone()  # the module writes into these
        out = self._call(self._module, "", views, x, training=True)
        return out, torch.cat([views[name].flatten() for name, _ in self._module.named_buffers()])

    def inputs_of(self, theta: Tensor, x: Tensor) -> dict[str, Tensor]:
        """name of a linear or convolutional layer -> what it reads of inputs x [n, d], as at evaluation:
        [n, fan in], patches [n x places, fan in], or tokens [n x tokens, fan in]."""
        read: dict[str, Tensor] = {}

        def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
                (a,) = inputs
                if isinstance(layer, nn.Conv2d):
                    assert not isinstance(layer.padding, str)
                    patches = F.unfold(a, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
                    a = patches.mT
                read[name] = a.flatten(0, -2)

            return hook

        layers = [
            (name, layer)
            for name, layer in self._module.named_modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        ]
        hooks = [layer.register_forward_pre_hook(note(name)) for name, layer in layers]
        try:
            self(theta, x)
        finally:
            for hook in hooks:
                hook.remove()
        return read

    def module(self, theta: Tensor) -> nn.Module:
        """The same network with the weights theta [P] as a torch module, for libraries that want one."""
        module = copy.deepcopy(self._module).train()
        with torch.no_grad():
            for name, tensor in self._named_tensors(module):
                tensor.copy_(self.layout.views(theta)[name])
        return module

    @staticmethod
    def _named_tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
        """Parameters, then buffers, with their names."""
        return [*module.named_parameters(), *module.named_buffers()]

    def _views(self, theta: Tensor) -> dict[str, Tensor]:
        """name -> view of theta. No gradient goes into buffers, so no penalty and no optimiser moves them."""
        views = self.layout.views(theta)
        return views | {name: views[name].detach() for name, _ in self._module.named_buffers()}

    @staticmethod
    def _call(module: nn.Module, prefix: str, views: dict[str, Tensor], x: Tree, training: bool) -> Any:
        """module(x) with those tensors of the views whose names begin with the prefix."""
        module.train(training)
        own = {name.removeprefix(prefix): view for name, view in views.items() if name.startswith(prefix)}
        return functional_call(module, own, (x,))
