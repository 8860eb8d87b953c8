"""GDumb against a plain twin, and what it is for."""

import pytest
import torch
from helpers import make, reason
from strategies.test_equations import SGD, Twin, same_weights

from clbench.core.keyed import generator, passes

SIZE = 47  # no multiple of any number of classes
PAIRS = "driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=6)"


class GDumbTwin(Twin):
    """Prabhu et al. 2020: a list of indices for each class, a new network and optimiser at every task."""

    def __init__(self, run):
        super().__init__(run)
        self.memory = []

    def before_task(self, t):
        self.net = self.run.learner.net.module(self.run.learner.initial[0])
        self.optimiser = self.new_optimiser(self.net.parameters())
        train = self.stream.tasks[t].train
        for c in range(self.stream.classes):
            own = [pair for pair in train.tolist() if int(self.stream.labels(torch.tensor(pair))) == c]
            if own:
                draws = generator(self.seed, f"memory {len(self.memory)}", t)
                self.memory.append([own[i] for i in torch.randperm(len(own), generator=draws)])
        while sum(map(len, self.memory)) > SIZE:  # the last one of the largest class goes
            max(reversed(self.memory), key=len).pop()

    def samples(self, t):
        memory = torch.tensor([pair for kept in self.memory for pair in kept])
        order = passes(len(memory), self.run.steps * 16, generator(self.seed, "batches", t))
        return memory[order].view(self.run.steps, 1, 16, 2)


@pytest.mark.parametrize("scenario", ("class", "task", "domain"))
def test_gdumb(scenario):
    run = make(f"gdumb(memory={SIZE})", scenario, **SGD)
    same_weights(run, GDumbTwin(run))


def test_the_memory_is_balanced_and_full_after_every_task():
    run = make(f"gdumb(memory={SIZE})", seeds=[0, 1])
    for t, task in enumerate(run.stream.tasks):
        run.t = t
        run.learn(task)
        for stored in run.parts[0].stored:
            counts = torch.bincount(run.stream.labels(stored), minlength=10)[: 2 * (t + 1)]
            assert counts.sum() == SIZE and counts.max() - counts.min() <= 1
            assert len(stored.unique(dim=0)) == SIZE


def test_with_room_for_everything_it_is_retraining_on_an_equal_budget():
    steps = {"steps": 40, "seeds": [0, 1, 2]}
    whole, joint = (make(spec, **steps).train() for spec in ("gdumb(memory=600)", "joint_equal"))
    assert (whole[:, 1:].mean() - joint[:, 1:].mean()).abs() < 0.02


def test_tells_old_classes_where_plain_training_has_forgotten_them():
    gdumb, naive = (make(spec, steps=60).train()[:, -1, :4].mean() for spec in ("gdumb", "naive"))
    assert gdumb > naive + 0.3


def test_keeps_as_many_pairs_of_every_slice():
    run = make("gdumb(memory=20)", benchmark=PAIRS)
    run.train()
    assert torch.bincount(run.parts[0].stored[0, :, 0]).tolist() == [7, 7, 6]


def test_refuses_a_memory_that_not_every_class_has_a_place_in():
    from clbench.strategies.replay.gdumb import GDumb

    run = make("naive", "domain")
    assert GDumb(memory=9).supports(run.stream, run.learner.net) == (
        "memory=9 is smaller than the 10 classes of all tasks"
    )
    assert GDumb(memory=601).supports(run.stream, run.learner.net) == (
        "memory=601 is larger than the 600 training examples"
    )
    assert all(reason("gdumb", scenario) is None for scenario in ("class", "task", "domain"))
