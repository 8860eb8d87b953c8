"""A network's parameters for S seeds, its optimiser, and the functions mapped over the seeds."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.func import vmap

from clbench.core.batch import Batch
from clbench.core.budget import Budget
from clbench.core.keyed import draw
from clbench.core.pytree import Tree, tree_map
from clbench.engine.optimiser import OPTIMISERS, Optimiser
from clbench.engine.precision import forward_in

if TYPE_CHECKING:
    from clbench.models.network import HasAside, HasBuffers, Network


class Gradient(NamedTuple):
    """What one pass forward and back gives."""

    g: Tensor  # [S, P]: row s is the gradient of seed s alone
    out: Tree  # [S, B, C], or any pytree that the network gives
    loss: Tensor  # [S]
    buffers: Tensor  # [S, Q]: what the network's buffers become if this step is taken


class Learner:
    """theta [S, P], one row per seed. The network and the loss are written for one seed and mapped over the
    rows."""

    def __init__(
        self,
        net: "Network",
        seeds: Sequence[int],
        device: torch.device,
        budget: Budget,
        purpose: str = "init",
    ) -> None:
        self.net, self.S = net, len(seeds)
        self.aside = hasattr(net, "with_aside")
        self.initial = draw(seeds, purpose, 0, net.init).to(device)
        self.theta = self.initial.clone()
        self.frozen: Tensor | None = None  # [P] or [S, P] bool
        self.forward_in = forward_in(budget.precision, device)
        # A learning rate that changes from step to step is a tensor: a captured step keeps its address.
        self.lr = budget.lr if budget.warm_up is None else torch.tensor(budget.lr, device=device)
        self.optimiser: Optimiser = OPTIMISERS[budget.optimiser](self.theta, budget)
        self.decays = budget.weight_decay > 0

    @torch.no_grad()
    def restart(self) -> None:
        """The weights of row 0 and a fresh optimiser."""
        self.theta.copy_(self.initial)
        self.reset_optimiser()

    def freeze(self, frozen: Tensor) -> None:
        """From now on only the weights that are not `frozen` [P] or [S, P] learn, with a fresh optimiser."""
        self.frozen = frozen
        self.reset_optimiser()

    def reset_optimiser(self, where: Tensor | None = None) -> None:
        """As if no step had been taken; where [S, P] bool: what the optimiser knows of these weights only."""
        for tensor in self.optimiser.state:  # in place: a captured step keeps its addresses
            if where is None:
                tensor.zero_()
            elif tensor.shape == self.theta.shape:  # not a count of steps
                tensor.masked_fill_(where, 0)

    def map(self, f: Callable[..., Any], *args: Tree) -> Any:
        """f over the seeds: every tensor in args has the seed axis first, and so have the results."""
        if self.S > 1:
            return vmap(f)(*args)
        row = tree_map(lambda a: a.squeeze(0), args)
        return tree_map(lambda a: a.unsqueeze(0), f(*row))

    def features(self, x: Tree, theta: Tensor | None = None) -> Any:
        return self.map(self.forward_in(self.net.features), self.theta if theta is None else theta, x)

    def outputs(self, x: Tree, theta: Tensor | None = None) -> Any:
        return self.map(self.forward_in(self.net), self.theta if theta is None else theta, x)

    @torch.enable_grad()
    def gradient(
        self, loss: Callable[[Any, Batch], Tensor], batch: Batch, theta: Tensor | None = None
    ) -> Gradient:
        """The gradient of loss(out, batch) -> scalar, a function of one seed; the network in training
        mode."""
        theta = (self.theta if theta is None else theta).detach().requires_grad_()
        forward = self.forward_in(
            cast("HasBuffers", self.net).train if self.net.layout.buffers else self._without_buffers
        )
        forward_with_aside = self.forward_in(cast("HasAside", self.net).with_aside) if self.aside else None

        def one(theta: Tensor, batch: dict[Any, Any]) -> tuple[Tensor, Tree, Tensor]:
            if forward_with_aside:
                out, aside = forward_with_aside(theta, batch["x"])
                return loss(out, Batch(batch, aside=aside)), out, theta.new_zeros(0)
            out, buffers = forward(theta, batch["x"])
            return loss(out, Batch(batch)), out, buffers

        value, out, buffers = self.map(one, theta, dict(batch))
        g = torch.autograd.grad(value, theta, torch.ones_like(value))[0]
        return Gradient(g, tree_map(Tensor.detach, out), value.detach(), buffers)

    def _without_buffers(self, theta: Tensor, x: Tree) -> tuple[Tree, Tensor]:
        return self.net(theta, x), theta.new_zeros(0)

    @torch.no_grad()
    def step(self, gradient: Gradient, lr: Tensor | None = None) -> None:
        """lr [S], the same for all seeds: this step's learning rate."""
        self._move(self.theta, self.optimiser, gradient.g, lr)
        place, frozen = self.net.layout.buffers, self.frozen
        if place:
            now = self.theta[:, place]
            now.copy_(
                gradient.buffers if frozen is None else torch.where(frozen[..., place], now, gradient.buffers)
            )

    @torch.no_grad()
    def foresee(self, g: Tensor, lr: Tensor | None = None) -> Tensor:
        """theta [S, P] as the optimiser's next step by g [S, P] would make it; nothing is changed.

        lr [S]: as in `step`."""
        theta, place = self.theta.clone(), self.net.layout.buffers
        optimiser = copy(self.optimiser)
        optimiser.state = tuple(tensor.clone() for tensor in optimiser.state)
        self._move(theta, optimiser, g, lr)
        if place:
            theta[:, place] = self.theta[:, place]
        return theta

    def _move(self, theta: Tensor, optimiser: Optimiser, g: Tensor, lr: Tensor | None) -> None:
        """Changes theta, and the optimiser's state, by a step."""
        # A frozen weight has zero momentum since `freeze` and zero gradient since then, so it keeps its bits;
        # not under weight decay, which moves it.
        frozen = self.frozen
        g = g if frozen is None else g.masked_fill(frozen, 0)
        kept = theta.clone() if frozen is not None and self.decays else None
        if lr is not None:
            assert isinstance(self.lr, Tensor)
            self.lr.copy_(lr[0])
        optimiser.step(theta, g, self.lr)
        if kept is not None and frozen is not None:
            theta.copy_(torch.where(frozen, kept, theta))
