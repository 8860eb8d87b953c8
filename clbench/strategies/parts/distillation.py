"""Objectives that say what learnt rows X are worth, for one seed.

L(rows; theta) is the mean loss of the rows. A batch b holds `theta` [P], all of X but the inputs as `own`,
and `real` rows; both class by class, as many of each."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import grad, vmap

from clbench.core.batch import Batch
from clbench.core.part import Network, Run
from clbench.models.behind import Behind

Loss = Callable[[Tensor], Tensor]  # of theta [P]


class Objectives:
    """The objectives for a network, a data term, losses(outputs, rows) -> [n], and so many classes."""

    def __init__(
        self, net: Network | Behind, losses: Callable[[Any, Batch], Tensor], classes: int, eta: float
    ) -> None:
        self.net, self.losses, self.classes, self.eta = net, losses, classes, eta

    def loss(self, rows: dict[str, Tensor]) -> Loss:
        """L(rows; theta) as a function of theta."""
        return lambda theta: self.losses(self.net(theta, rows["x"]), Batch(rows)).mean()

    def step(self, theta: Tensor, loss: Loss) -> Tensor:
        """theta - eta grad L(theta)."""
        return theta - self.eta * grad(loss)(theta)

    def step_on_learnt(self, x: Tensor, b: dict[str, Any]) -> Tensor:
        """theta after a step on X."""
        return self.step(b["theta"], self.loss({**b["own"], "x": x}))

    def second_order(self, x: Tensor, b: Batch) -> Tensor:
        """L(real; theta - eta grad L(X; theta)): the gradient goes through the step."""
        return self.loss(b["real"])(self.step_on_learnt(x, b))

    def first_order(self, x: Tensor, b: Batch) -> Tensor:
        """L(X; theta - eta grad L(real; theta)) - L(X; theta): no gradient goes through the step."""
        loss = self.loss({**b["own"], "x": x})
        return loss(self.step(b["theta"], self.loss(b["real"])).detach()) - loss(b["theta"])

    def match(self, x: Tensor, b: Batch) -> Tensor:
        """The sum over classes, and over the units of all layers, of 1 - cos(grad L(X_c), grad L(real_c)) of
        the unit's incoming weights."""
        ours = self.unit_gradients(b["theta"], {**b["own"], "x": x})
        real = self.unit_gradients(b["theta"], b["real"])
        cosines = [F.cosine_similarity(ours[name], real[name], -1, 1e-6) for name in ours]
        return torch.stack([(1 - cosine).sum() for cosine in cosines]).sum()

    def unit_gradients(self, theta: Tensor, rows: dict[str, Tensor]) -> dict[str, Tensor]:
        """name of a weight -> [classes, units, fan in]: the gradients of the loss of each class. Biases, and
        what else is a vector, are left out, as in the released code, and so are tables of word vectors."""
        by_class = {name: tensor.unflatten(0, (self.classes, -1)) for name, tensor in rows.items()}
        g = vmap(lambda of_class: grad(self.loss(of_class))(theta))(by_class)
        views, tables = self.net.layout.views(g), self.net.layout.tables
        return {name: g.flatten(2) for name, g in views.items() if g.dim() > 2 and name not in tables}


def fresh_weights(run: Run, net: Network | Behind, purpose: str) -> Tensor:
    """theta [S, P] of a new network."""
    return run.draw(purpose, lambda draws: net.init(draws).unsqueeze(0))[0]
