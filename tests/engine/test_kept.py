"""What a run's parts keep is counted: wherever it is, once, and nothing that is not theirs."""

from dataclasses import dataclass, field

import pytest
import torch
from helpers import CPU, make

from clbench import registry
from clbench.core.part import Part
from clbench.engine.clock import Clock
from clbench.engine.run import run as run_group
from clbench.models.mlp import MLP

EXAMPLE = 16 * 4  # bytes of a blob


def kept(
    extra: Part | None = None, seeds=(0, 1), spec: str = "naive", train: bool = False
) -> tuple[int, int]:
    """(numbers, bytes) per seed beyond the plain network."""
    run = make(spec, seeds=seeds, extra=[extra] if extra else [])
    if train:
        run.train()
    return run.extra_parameters(), run.memory_bytes()


@dataclass
class Box:
    logits: torch.Tensor
    counts: dict = field(default_factory=dict)


class Plain:
    def __init__(self, tensor):
        self.inner = [tensor]


class Everywhere(Part):
    def start(self, run):
        self.run, S = run, run.S
        self.listed = [torch.zeros(S, 3), (torch.zeros(S, 4), {"deep": torch.zeros(S, 5)})]
        self.box = Box(torch.zeros(S, 6), {1: torch.zeros(S, 7, dtype=torch.long)})
        self.plain = Plain(torch.zeros(S, 8, dtype=torch.bool))


def test_tensors_in_lists_dictionaries_and_objects_are_counted():
    assert kept(Everywhere()) == (3 + 4 + 5 + 6, 4 * (3 + 4 + 5 + 6) + 8 * 7 + 8)


class Views(Part):
    def start(self, run):
        whole = torch.zeros(run.S, 10)
        self.whole, self.half, self.again = whole, whole[:, :5], [whole]
        self.wide = whole.unsqueeze(-1).expand(-1, -1, 9)
        self.chunks = list(torch.zeros(run.S, 12).chunk(3, 1))


def test_a_storage_counts_once_however_many_views_there_are():
    assert kept(Views()) == (22, 88)


class NotTheirs(Part):
    def start(self, run):
        self.theta, self.named = run.learner.theta, run.learner.net.layout.views(run.learner.theta)
        self.learner, self.m, self.initial = run.learner, run.learner.optimiser.state[0], run.learner.initial
        self.stream, self.data, self.classes = (
            run.stream,
            run.stream.images.x[:7],
            run.stream.tasks[0].classes,
        )
        self._scratch = torch.zeros_like(run.learner.theta)  # its own, and kept from no task to the next


def test_what_belongs_to_the_run_or_its_stream_is_not():
    assert kept(NotTheirs()) == (0, 0)


class Second(Part):
    def start(self, run):
        self.other = run.new_learner(MLP(3, 4, 2), "other")
        self.teacher = run.learner.theta.clone()
        self.mask = torch.zeros(run.learner.net.layout.P, dtype=torch.bool)


@pytest.mark.parametrize("seeds", [(0,), (0, 1), (0, 1, 2)])
def test_a_second_network_counts_by_its_weights_and_padding_never(seeds):
    main, other = 16 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10, 3 * 4 + 4 + 4 * 2 + 2
    assert kept(Second(), seeds) == (main + other, 4 * (main + other) + main)


PARAMETERS = 16 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10


@pytest.mark.parametrize(
    ("spec", "numbers", "size"),
    [
        ("er", 0, 100 * EXAMPLE),
        ("gem", 0, 100 * EXAMPLE),
        ("mir+ewc", 2 * PARAMETERS, 100 * EXAMPLE + 8 * PARAMETERS),
        ("derpp", 101 * 10, 100 * EXAMPLE + 4 * 101 * 10),
        ("er+lwf", PARAMETERS, 100 * EXAMPLE + 4 * PARAMETERS),
        ("icarl", PARAMETERS + 10 * 32, 100 * EXAMPLE + 4 * (PARAMETERS + 10 * 32) + 10),
        ("head_only", 0, PARAMETERS),
        ("adapter", 16 * (32 + 1 + 32), 4 * 16 * 65 + PARAMETERS + 16 * 65),
        ("joint", 0, 0),
        ("cumulative_equal", 0, 0),
    ],
)
def test_what_strategies_keep(spec, numbers, size):
    """iCaRL: its means of features, and which of ten classes are old. Frozen masks are a byte for each
    weight."""
    assert kept(spec=spec, train=True) == (numbers, size)


def test_the_cost_sheet_has_the_bytes_of_all_seeds():
    _, benchmark, _ = registry.benchmark("blobs_class", "smoke")
    parts = registry.strategy("er(memory=50)").build()
    stream, net, budget = benchmark.stream([0, 1], CPU), benchmark.network(), benchmark.budget("smoke")
    costs = run_group(stream, net, parts, budget, Clock(CPU)).costs
    assert costs["memory_bytes"] == 2 * 50 * EXAMPLE and costs["memory_items"] == 2 * 50
