"""What the tests of penalties share that hold weights near those at the start of the task."""

import torch
from helpers import make, parts_of
from strategies.test_equations import Twin
from test_stream import pictures

from clbench.core.budget import Budget
from clbench.core.part import Part
from clbench.engine.run import Run
from clbench.models.small_conv import SmallConv
from clbench.streams.labelled import split_by_class


class AnchoredTwin(Twin):
    """strength sum_i Omega_i (theta_i - theta*_i)^2 through autograd, in lists of tensors by layer."""

    strength: float

    def __init__(self, run):
        super().__init__(run)
        self.importance = self.zeros()

    def zeros(self):
        return [torch.zeros_like(p) for p in self.net.parameters()]

    def weights(self):
        return [p.detach().clone() for p in self.net.parameters()]

    def before_task(self, t):
        self.anchor = self.weights()

    def penalty(self, x, t):
        terms = zip(self.importance, self.net.parameters(), self.anchor, strict=True)
        return self.strength * sum((omega * (p - anchor).square()).sum() for omega, p, anchor in terms)


def same_importances(run: Run, twin: AnchoredTwin, within: float) -> None:
    """Asserts that both agree in every tensor, in relative distance."""
    ours = run.learner.net.layout.views(run.parts[0].importance[0])
    for a, b in zip(ours.values(), twin.importance, strict=True):
        assert (a - b).norm() < within * b.norm()


def temperature_and_largest(spec: str, steps: int) -> tuple[list[float], float]:
    """(the importance of the temperature of pairs, the largest of all), after two slices."""
    run = make(spec, benchmark=f"driftcaps(slices=2, n=48, n_test=16, size=8, rows=16, steps={steps})")
    run.train()
    layout, importance = run.learner.net.layout, run.parts[0].importance[0]
    views = layout.views(importance)
    return [float(views[name]) for name in layout.temperature], float(importance.max())


def gradients_of_running_statistics(spec: str) -> float:
    """The largest gradient that the spec gives to running statistics, of two tasks under batch norm."""
    largest = []

    class Last(Part):
        def gradient(self, g, batch):
            largest.append(float(g[:, self.run.learner.net.layout.buffers].abs().max()))
            return g

    stream = split_by_class(pictures(), [[0, 1], [2, 3]], "class", [0, 1])
    net = SmallConv((6, 5, 3), 4, (8, 8), "batch")
    run = Run(stream, net, [*parts_of(spec), Last()], Budget(steps=9, rows=8))
    statistics = run.learner.theta[:, net.layout.buffers].clone()
    run.train()
    assert len(largest) == 18 and (run.learner.theta[:, net.layout.buffers] != statistics).any()
    return max(largest)
