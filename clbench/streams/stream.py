"""What every stream has, and what some can do besides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.pytree import Tree

SCENARIOS = ("class", "task", "domain", "pairs")


@dataclass(frozen=True)
class Task:
    """One task of a stream."""

    train: Tensor  # [n, 2] (task, index) pairs into the training data
    test: Tensor  # [m] indices into the test data
    classes: Tensor  # [C] bool: the outputs it brings


@dataclass(frozen=True)
class Answers:
    """What a network answered on one evaluation slice of m rows."""

    measures: Tensor  # [S, K], see `Stream.score`
    right: Tensor  # [S, m] bool; of pairs: whether the left side finds its own right side
    guess: Tensor | None = None  # [S, m] the output chosen; None for pairs, and likewise below
    label: Tensor | None = None  # [m] the output that is right
    scores: Tensor | None = None  # [S, m, C] of the outputs that compete, -inf for the others


class Stream(Protocol):
    """Resident data, the tasks in order, and what is learnt and measured of them; for a group of S seeds.

    A sample is a (task, index) pair, or (task, index, view) where the stream augments.
    """

    tasks: list[Task]
    scenario: str  # one of SCENARIOS
    seeds: list[int]
    device: torch.device  # where batches are computed
    classes: int  # outputs C of the network; 0 for pairs
    views: Tensor | None  # [V, ...]: the ways in which a training example may be seen; None: only as it is
    measures: tuple[str, ...]  # what `score` gives, `acc` first

    @property
    def example_bytes(self) -> int:
        """Of a training example as it is stored."""

    @property
    def losses(self) -> Callable[[Tree, Batch], Tensor]:
        """The data term: losses(outputs, batch) -> [B], of one seed."""

    def gather(self, samples: Tensor) -> Batch:
        """The batch of these samples [S, n, 2 or 3]."""

    def labels(self, samples: Tensor) -> Tensor:
        """Their y [...] alone, of samples [..., 2 or 3]: labels, or the groups of pairs."""

    def heads(self, t: int) -> list[Callable[[Tree], Tensor]]:
        """What competes in one softmax for the tasks before t: functions of the outputs that give the
        scores."""

    def test(self, j: int, part: slice) -> Tree:
        """Inputs of (a part of) evaluation slice j, seed axis first: S, or 1 if all seeds see the same."""

    def score(self, j: int, scores: Tree) -> Tensor:
        """The measures [S, K] of what the network gives for the whole slice j."""

    def only(self, s: int) -> "Stream":
        """The stream of the s-th seed alone, for Avalanche; pairs have none."""


class OfAnswers(Protocol):
    """A stream that says more of a slice than its measures."""

    def answers(self, j: int, scores: Tree) -> Answers:
        """Of the whole slice j; `score` gives its measures."""


@runtime_checkable
class OfHardness(Protocol):
    """A stream that says how hard its training examples are to learn, if its data say so."""

    @property
    def hardness(self) -> Tensor | None:
        """[N], larger is harder."""


@runtime_checkable
class OfTexts(Protocol):
    """A stream of texts, for networks that have tables of word vectors (`Layout.tables`)."""

    def words_of(self, t: int, buckets: int) -> Tensor:
        """[buckets] bool: the words of task t's training texts."""
