"""Any torch module with a `body` and a linear `head`, as a pure function of one seed's parameters."""
import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from clbench.core.layout import Layout


class Functional:
    """Outputs head(body(x)) of inputs x [n, d]; running statistics are entries of theta.

    Subclasses give `module`, `kind` and a name; theirs must not draw random numbers nor change shape while training.
    """

    kind = "columns"

    def __init__(self, module: nn.Module, name: str) -> None:
        for part in module.modules():
            if "num_batches_tracked" in part._buffers:
                part._buffers["num_batches_tracked"] = None  # an integer count that only a momentum of None would read
        self._module, self._name = module, name
        self.layout = Layout(*({name: tuple(tensor.shape) for name, tensor in named}
                               for named in (module.named_parameters(), module.named_buffers())))

    def __str__(self) -> str:
        return self._name

    def init(self, generator: torch.Generator) -> Tensor:
        """theta [P]: weights and biases from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as nn.Linear and nn.Conv2d do;
        normalisation layers start as the identity."""
        tensors = {name: tensor.detach().clone() for name, tensor in self._named(self._module)}
        for name, layer in self._module.named_modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                bound = layer.weight[0].numel() ** -0.5
                for one in (f"{name}.{kind}" for kind, _ in layer.named_parameters()):
                    tensors[one] = (torch.rand(tensors[one].shape, generator=generator) * 2 - 1) * bound
        return self.layout.flat(tensors)

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """[n, inputs of the head], as at evaluation."""
        return self._call(self._module.get_submodule("body"), "body.", self._views(theta), x, training=False)

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """Outputs [n, C] of features [n, inputs of the head]."""
        return self._call(self._module.get_submodule("head"), "head.", self._views(theta), features, training=False)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        """Outputs [n, C], as at evaluation: with running statistics."""
        return self._call(self._module, "", self._views(theta), x, training=False)

    def train(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """(outputs [n, C] with the batch's own statistics, buffers [Q] as they become). Asked for where there are buffers."""
        views = self._views(theta)
        for name, _ in self._module.named_buffers():
            views[name] = views[name].clone()                # the module writes into these
        out = self._call(self._module, "", views, x, training=True)
        return out, torch.cat([views[name].flatten() for name, _ in self._module.named_buffers()])

    def module(self, theta: Tensor) -> nn.Module:
        """The same network with the weights theta [P] as a torch module, for libraries that want one."""
        module = copy.deepcopy(self._module).train()
        with torch.no_grad():
            for name, tensor in self._named(module):
                tensor.copy_(self.layout.views(theta)[name])
        return module

    @staticmethod
    def _named(module: nn.Module) -> list[tuple[str, Tensor]]:
        return [*module.named_parameters(), *module.named_buffers()]

    def _views(self, theta: Tensor) -> dict[str, Tensor]:
        """Named views; no gradient goes into buffers, so no penalty and no optimiser moves them."""
        views = self.layout.views(theta)
        return views | {name: views[name].detach() for name, _ in self._module.named_buffers()}

    @staticmethod
    def _call(module: nn.Module, prefix: str, views: dict[str, Tensor], x: Tensor, training: bool) -> Tensor:
        module.train(training)
        own = {name.removeprefix(prefix): view for name, view in views.items() if name.startswith(prefix)}
        return functional_call(module, own, (x,))
