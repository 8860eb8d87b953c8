"""Sums over all examples so far, of features that only the first task changes, for answers in closed form.

The network learns the first task as plain training does, and no step is taken after it. At the end of every
task each of its examples passes the network once, as at evaluation and not augmented, and is added to

    n_c = number of examples of class c        Q_c = sum_{y_i = c} f(x_i)        G = sum_i f(x_i) f(x_i)'
No order of examples, classes or tasks changes them but for rounding, and a class may come back, as in streams
of domains. Sums and solutions are in double precision: single precision loses the smallest eigenvalues of G,
and what divides by these with them."""

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Run, Stream

ROWS = 1000  # that pass the network at a time
NOTHING = -1e9  # the score of a class without examples


class ClassSums(Part):
    """Keeps n and Q. A method derives from it, and computes what it answers with in `solve`, once after every
    task, and its scores in `scores`."""

    learns_first_task_only = True
    gives_probabilities = False

    def supports(self, stream: Stream, net: Network) -> str | None:
        return None if hasattr(net, "features") else "needs a network that shows its features"

    def extra_cost(self, t: int) -> float:
        """The pass forward over the task's examples and the products of sums and solution, spread over the
        steps that are left. A pass forward is taken for one product a weight and row."""
        run, P = self.run, self.run.learner.net.layout.parameters
        examples = len(run.stream.tasks[t].train)
        passes = (examples * P + self.products(t, examples)) / (3 * P * run.rows)
        return passes / max(1, run.budget.steps - passes)

    def start(self, run: Run) -> None:
        two = run.stream.gather(run.stream.tasks[0].train[:2].expand(run.S, -1, 2))
        S, _, h = self.features(two.x).shape
        self.n = torch.zeros(S, run.stream.classes, dtype=torch.double, device=run.stream.device)
        self.Q = self.n.new_zeros(S, h, run.stream.classes)

    def before_task(self, t: int, plan: Batch) -> Batch:
        return plan if t == 0 else Batch({name: tensor[:0] for name, tensor in plan.items()})

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        stream, train = self.run.stream, self.run.stream.tasks[t].train
        classes = torch.arange(stream.classes, device=stream.device)
        for some in train.split(ROWS):
            batch = stream.gather(some.expand(self.run.S, -1, 2))
            label = (batch.y.unsqueeze(-1) == classes).double()  # [S, n, C]
            self.add(self.features(batch.x).double(), label)
        self.solve()

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """f(x) [S, n, h]."""
        f: Tensor = self.run.learner.features(x)
        return f

    def add(self, f: Tensor, label: Tensor) -> None:
        """f [S, n, h], label [S, n, C]: more examples."""
        self.n += label.sum(1)
        self.Q += f.mT @ label

    def products(self, t: int, examples: int) -> float:
        """How many products of numbers the examples of task t and the solution take."""
        _, h, C = self.Q.shape
        return examples * h * C

    def means(self) -> Tensor:
        """[S, h, C]: mu_c; 0 for a class without examples."""
        return self.Q / self.n.clamp(min=1).unsqueeze(1)

    def solve(self) -> None:
        raise NotImplementedError

    def scores(self, f: Tensor) -> Tensor:
        """[S, n, C] of features f [S, n, h], in double precision."""
        raise NotImplementedError

    def predict(self, x: Tensor, t: int | None) -> Tensor:
        if not self.n.any():  # nothing is summed yet
            return self.run.learner.outputs(x)
        return self.scores(self.features(x).double()).masked_fill((self.n == 0).unsqueeze(1), NOTHING)


class ProductSums(ClassSums):
    """Keeps G too."""

    def start(self, run: Run) -> None:
        super().start(run)
        S, h, _ = self.Q.shape
        self.G = self.Q.new_zeros(S, h, h)

    def add(self, f: Tensor, label: Tensor) -> None:
        super().add(f, label)
        self.G += f.mT @ f

    def products(self, t: int, examples: int) -> float:
        h = self.G.shape[-1]
        return super().products(t, examples) + examples * h**2 + h**3 / 3


def solution(A: Tensor, B: Tensor) -> Tensor:
    """A^-1 B of positive definite A [S, h, h], by Cholesky's factor.

    Unchecked: a seed that has diverged has no number in A, and must not end the others.
    """
    return torch.cholesky_solve(B, torch.linalg.cholesky_ex(A).L)


def with_ridge(A: Tensor, eps: float | Tensor) -> Tensor:
    """A + eps I, of A [S, h, h] and eps a number or [S]."""
    eye = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    return A + torch.as_tensor(eps, dtype=A.dtype, device=A.device).view(-1, 1, 1) * eye
