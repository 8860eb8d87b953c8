"""What the twins of methods on fixed features share: a stream of uneven classes, its features in numpy."""

from dataclasses import replace

import numpy as np
import torch
from helpers import parts_of
from strategies.test_equations import SGD, Twin, same_weights

from clbench import MLP, Budget, split_by_class
from clbench.benchmarks.blobs import gaussian_blobs
from clbench.engine.run import Run

EXAMPLES = (40, 60, 15, 30, 8, 50)  # of each class; a task has two


def uneven(spec: str, scenario: str = "class", net=None, examples=EXAMPLES, **budget) -> Run:
    """A run of the spec in three tasks."""
    images = gaussian_blobs(classes=6)
    kept = torch.cat([60 * c + torch.arange(count) for c, count in enumerate(examples)])
    stream = split_by_class(
        replace(images, x=images.x[kept], y=images.y[kept]), [[0, 1], [2, 3], [4, 5]], scenario, [3]
    )
    parts = parts_of(spec) if isinstance(spec, str) else spec
    settings = {"steps": 12, "rows": 16, **SGD} | budget
    return Run(stream, net or MLP(16, 24, 20, stream.classes), parts, Budget(**settings))


class FirstTaskTwin(Twin):
    """Plain training on the first task, and then no step."""

    def samples(self, t):
        return super().samples(t) if t == 0 else []

    def features(self, x):
        return self.net[:-1](x).detach().double().numpy()


def answers(run: Run):
    """Trains the run and its twin. Features and labels of all training examples, features of all test
    examples, and the run's scores of these."""
    twin = FirstTaskTwin(run)
    same_weights(run, twin)
    train = torch.cat([task.train for task in run.stream.tasks])
    batch = run.stream.gather(train.unsqueeze(0))
    tests = [
        (run.stream.test(t, slice(None)), t if run.stream.scenario == "task" else None) for t in range(3)
    ]
    scores = np.concatenate([run.predict(*one)[0].numpy() for one in tests])
    return (
        twin.features(batch.x[0]),
        batch.y[0].numpy(),
        np.concatenate([twin.features(x[0]) for x, _ in tests]),
        scores,
    )


def distance(ours, theirs) -> float:
    """Of all scores, relative to theirs."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
