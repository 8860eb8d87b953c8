"""The multilayer perceptron of the small benchmarks, as a pure function of one seed's parameters theta."""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.layout import Layout

Activation = Literal["relu", "tanh"]


class MLP:
    """Linear layers `hidden0`, `hidden1`, … with ReLU (or tanh), then `head`; `sizes` = (inputs, hidden…,
    outputs)."""

    kind = "mlp"

    def __init__(self, *sizes: int, bias: bool = True, activation: Activation = "relu") -> None:
        self.sizes, self.hidden, self.bias, self.activation = sizes, len(sizes) - 2, bias, activation
        self.inputs, self.widths = sizes[0], sizes[1:-1]
        names = [*(f"hidden{i}" for i in range(self.hidden)), "head"]
        self.layers: dict[str, tuple[int, int]] = {}  # name -> (fan in, fan out)
        shapes: dict[str, tuple[int, ...]] = {}
        for name, fan_in, fan_out in zip(names, sizes[:-1], sizes[1:], strict=True):
            self.layers[name] = (fan_in, fan_out)
            shapes[f"{name}.weight"] = (fan_out, fan_in)
            if bias:
                shapes[f"{name}.bias"] = (fan_out,)
        self.layout = Layout(shapes)

    def __str__(self) -> str:
        other = ("" if self.bias else " no bias") + (" tanh" if self.activation == "tanh" else "")
        return f"mlp {'-'.join(map(str, self.sizes))}{other}"

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: all entries from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as nn.Linear draws them."""
        tensors = {}
        for name, shape in self.layout.shapes.items():
            fan_in, _ = self.layers[name.split(".")[0]]
            tensors[name] = (torch.rand(shape, generator=generator) * 2 - 1) * fan_in**-0.5
        return self.layout.flat(tensors)

    def features(self, theta: Tensor, x: Tensor) -> Tensor:
        """Features of inputs x [n, d]: [n, width of the last hidden layer]."""
        return self._features(self.layout.views(theta), x)

    def __call__(self, theta: Tensor, x: Tensor) -> Tensor:
        """Outputs [n, C] of inputs x [n, d]."""
        views = self.layout.views(theta)
        return self._head(views, self._features(views, x))

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """Outputs [n, C] of features [n, h]."""
        return self._head(self.layout.views(theta), features)

    def _head(self, views: dict[str, Tensor], features: Tensor) -> Tensor:
        return self._linear(views, "head", features)

    @staticmethod
    def _linear(views: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
        return F.linear(x, views[f"{name}.weight"], views.get(f"{name}.bias"))

    def _active(self, x: Tensor) -> Tensor:
        return x.tanh() if self.activation == "tanh" else F.relu(x)

    def _features(self, views: dict[str, Tensor], x: Tensor) -> Tensor:
        for i in range(self.hidden):
            x = self._linear(views, f"hidden{i}", x)
            x = x.tanh() if self.activation == "tanh" else x.relu_()
        return x

    def module(self, theta: Tensor) -> torch.nn.Module:
        """The same network with the weights theta [P] as a torch module, for libraries that want one."""
        layers = [torch.nn.Linear(*shape, bias=self.bias) for shape in self.layers.values()]
        with torch.no_grad():
            for name, layer in zip(self.layers, layers, strict=True):
                layer.weight.copy_(self.layout.views(theta)[f"{name}.weight"])
                if self.bias:
                    layer.bias.copy_(self.layout.views(theta)[f"{name}.bias"])
        between = [module for layer in layers[:-1] for module in (layer, self._between())]
        return torch.nn.Sequential(*between, layers[-1])

    def start(self) -> torch.nn.Module:
        """What comes before the blocks, for `clbench.models.columns`."""
        return torch.nn.Identity()

    def end(self) -> torch.nn.Module:
        """What comes between the blocks and the head."""
        return torch.nn.Identity()

    def block(self, inputs: int, outputs: int) -> torch.nn.Module:
        """A hidden layer as a torch module."""
        return torch.nn.Sequential(torch.nn.Linear(inputs, outputs, bias=self.bias), self._between())

    def _between(self) -> torch.nn.Module:
        return torch.nn.Tanh() if self.activation == "tanh" else torch.nn.ReLU()

    def inputs_of(self, theta: Tensor, x: Tensor) -> dict[str, Tensor]:
        """name of a layer -> what it reads of inputs x [n, d]: [n, fan in]."""
        views, read = self.layout.views(theta), {}
        for name in self.layers:
            read[name] = x
            x = self._active(self._linear(views, name, x))
        return read

    def gradient_powers(
        self, theta: Tensor, rows: Batch, losses: Callable[[Any, Batch], Tensor], power: int
    ) -> Tensor:
        """The sum over rows of |gradient|^power of each row's own loss: [P].

        losses(outputs [n, C], rows) gives the loss of each row, [n]. For a linear layer with inputs a_i and
        gradients d_i at its outputs, sum_i |d_i a_i^T|^p = (|d|^p)^T |a|^p, so no gradient of a single row is
        ever formed.
        """
        views = self.layout.views(theta)
        inputs, outputs = {}, {}  # of each linear layer
        x = rows.x
        for name in self.layers:
            inputs[name] = x
            outputs[name] = self._linear(views, name, x).requires_grad_()
            x = self._active(outputs[name])
        gradients = torch.autograd.grad(losses(outputs["head"], rows).sum(), list(outputs.values()))
        powers: dict[str, Tensor] = {}
        for (name, a), d in zip(inputs.items(), gradients, strict=True):
            d, a = d.abs() ** power, a.detach().abs() ** power
            powers[f"{name}.weight"] = d.T @ a
            if self.bias:
                powers[f"{name}.bias"] = d.sum(0)
        return self.layout.flat(powers)
