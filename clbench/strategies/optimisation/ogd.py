"""Orthogonal gradient descent, OGD (Farajtabar et al. 2020, algorithm 1; the variant OGD-GTL).

    step <- step - sum_v (step . v) v    with v in V, an orthonormal basis of the gradients of past tasks
    at the end of a task V gets, by Gram-Schmidt, the gradients d h_y(x) / d theta of `samples` examples
with h_y the output of the true class. What the network gives for these examples stays as it was, to first
order. Projected is the step that the optimiser takes: under plain SGD that is the paper's projected gradient,
while Adam's step leaves the space of its gradients. Where tasks have outputs of their own the head is left
out, as in the code of Bennani et al. 2020. Frozen weights keep their bits. A gradient that depends on those
before it, to rounding, adds nothing.

*Differs:* the paper keeps 200 gradients a task; Bennani's code takes plain SGD in batches of 32, and makes
the whole basis orthonormal again after every task. Kept: samples x (T - 1) vectors as long as theta, the most
of all methods here; refused above a gigabyte a seed. Cost: two products of the step with all vectors so
far."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, vmap

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream
from clbench.core.ranges import Count
from clbench.strategies.parts.products import products

MOST = 10**9  # bytes of a seed's basis
DEPENDENT = 1e-4  # share of a gradient's length that has to be new


@dataclass
class OGD(Part):
    samples: Count = 40  # gradients kept of every task
    paper = "Farajtabar et al. 2020"
    keeps = "gradients of past tasks, each as long as theta"
    small = {"samples": 8}
    protects = True

    extra_cost = None  # type: ignore[assignment]    # what orthogonal vectors take is not known

    def supports(self, stream: Stream, net: Network) -> str | None:
        one = 4 * net.layout.P * (len(stream.tasks) - 1)  # bytes, for each sample of a task
        asked = self.samples * one
        if asked <= MOST:
            return None
        return f"samples={self.samples} takes {asked / 1e9:.1f} GB a seed, more than 1: at most {MOST // one}"

    def start(self, run: Run) -> None:
        theta, layout, tasks = run.learner.theta, run.learner.net.layout, len(run.stream.tasks)
        own = layout.head if run.stream.scenario == "task" else []
        shared = {name: float(name not in own) for name in layout.shapes}
        self.shared = layout.flat(shared).to(theta.device)  # [P]: 0 for heads of tasks' own
        self.V = theta.new_zeros(run.S, self.samples * (tasks - 1), theta.shape[1])  # [S, K, P]
        self._before = torch.zeros_like(theta)  # [S, P]: theta before the step

    def gradient(self, g: Tensor, batch: Batch) -> Tensor:
        self._before.copy_(self.run.learner.theta.detach())
        return g

    def after_step(self, batch: Batch) -> None:
        if self.run.t == 0:
            return
        learner, V = self.run.learner, self.V[:, : self.run.t * self.samples]
        step = (learner.theta.detach() - self._before).unsqueeze(1)  # [S, 1, P]
        along = (products(step, V) @ V).squeeze(1)
        if learner.frozen is not None:
            along.masked_fill_(learner.frozen, 0)
        learner.theta.detach().sub_(along)

    def after_task(self, t: int) -> None:
        run, first = self.run, t * self.samples
        if first == self.V.shape[1]:  # after the last task
            return
        chosen = run.stream.gather(run.subset(run.stream.tasks[t].train, self.samples, "ogd"))
        new = self.gradients(chosen) * self.shared
        self.V[:, first : first + new.shape[1]] = orthonormal(new, self.V[:, :first])

    def gradients(self, batch: Batch) -> Tensor:
        """[S, n, P]: of each example's output for its true class."""
        net = self.run.learner.net

        def output(theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
            return net(theta, x.unsqueeze(0))[0].gather(0, y.unsqueeze(0)).squeeze(0)

        of_rows = vmap(grad(output), (None, 0, 0))
        seeds = zip(self.run.learner.theta.detach(), batch.x, batch.y, strict=True)
        return torch.stack([of_rows(*seed) for seed in seeds])


def orthonormal(rows: Tensor, old: Tensor) -> Tensor:
    """[S, n, P]: a basis of what rows [S, n, P] add to orthonormal rows old [S, K, P]; 0 for a row that adds
    nothing."""
    size = rows.norm(dim=-1)
    fresh = torch.ones_like(size, dtype=torch.bool)
    for _ in range(2):  # once more, for what rounding leaves
        rows = rows - products(rows, old) @ old
        basis, sizes = torch.linalg.qr(rows.mT)
        fresh &= sizes.diagonal(dim1=-2, dim2=-1).abs() > DEPENDENT * size
        rows, size = basis.mT, torch.ones_like(size)
    return rows * fresh.unsqueeze(-1)
