"""A network's parameters for S seeds, its optimiser, and the functions mapped over the seeds."""
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

from clbench.keyed import draw
from clbench.stream import Batch, Budget


class Learner:
    """theta [S, P], one row per seed. The network and the loss are written for one seed and mapped over the rows."""

    def __init__(self, net, seeds: Sequence[int], device: torch.device, budget: Budget, purpose: str = "init"):
        self.net, self.S = net, len(seeds)
        self.initial = draw(seeds, purpose, 0, net.init).to(device)
        self.theta = torch.nn.Parameter(self.initial.clone())
        self.frozen: Tensor | None = None                        # [P] or [S, P] bool
        self.optimiser = {
            "adam": lambda: torch.optim.Adam([self.theta], budget.lr, fused=True),
            "sgd": lambda: torch.optim.SGD([self.theta], budget.lr, budget.momentum, fused=True),
        }[budget.optimiser]()

    @torch.no_grad()
    def restart(self) -> None:
        """The weights of row 0 and a fresh optimiser."""
        self.theta.copy_(self.initial)
        self.reset_optimiser()

    def freeze(self, frozen: Tensor) -> None:
        """From now on only the weights that are not `frozen` [P] or [S, P] learn, with a fresh optimiser."""
        self.frozen = frozen
        self.reset_optimiser()

    def reset_optimiser(self) -> None:
        for tensor in self.optimiser.state.get(self.theta, {}).values():
            if torch.is_tensor(tensor):
                tensor.zero_()                                   # in place: a captured step keeps its addresses

    def map(self, f: Callable, *args):
        """f over the seeds: every tensor in args has the seed axis first, and so have the results."""
        if self.S > 1:
            return vmap(f)(*args)
        row = tree_map(lambda a: a.squeeze(0), args)
        return tree_map(lambda a: a.unsqueeze(0), f(*row))

    def features(self, x: Tensor, theta: Tensor | None = None) -> Tensor:
        return self.map(self.net.features, self.theta if theta is None else theta, x)

    def outputs(self, x: Tensor, theta: Tensor | None = None) -> Tensor:
        return self.map(self.net, self.theta if theta is None else theta, x)

    @torch.enable_grad()
    def gradient(self, loss: Callable, batch: Batch, theta: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(g [S, P], outputs [S, B, C], loss [S]): row s is the gradient of seed s alone, of loss(out, batch) -> scalar."""
        theta = (self.theta if theta is None else theta).detach().requires_grad_()

        def one(theta, batch):
            out = self.net(theta, batch["x"])
            return loss(out, Batch(batch)), out
        value, out = self.map(one, theta, dict(batch))
        return torch.autograd.grad(value.sum(), theta)[0], tree_map(Tensor.detach, out), value.detach()

    def step(self, g: Tensor) -> None:
        # A frozen weight has zero momentum since `freeze` and zero gradient since then, so it keeps its bits.
        # (Weight decay would move it.)
        self.theta.grad = g if self.frozen is None else g.masked_fill(self.frozen, 0)
        self.optimiser.step()
