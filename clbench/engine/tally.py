"""Tallies what evaluation sees beside accuracy: which classes are taken for which, which rows were right
before an update and are wrong after it, how far confidence is from accuracy. From scores that exist."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.core.pytree import Tree
from clbench.engine.look import Look

if TYPE_CHECKING:
    from clbench.streams.stream import Answers, Stream

CLASSES = 64  # up to so many, their confusion is kept; beyond, the accuracy of each
BINS = 15  # of confidence, all as wide (Guo et al. 2017)
BITS = 80_000  # at most so many of right and wrong are kept a seed: 10 kB


class Tally(Look):
    """Of one run, a row for each row of its matrix.

    gives_probabilities: whether the softmax of its scores is meant as probabilities.
    """

    def __init__(self, stream: "Stream", gives_probabilities: bool) -> None:
        self.stream, self.gives_probabilities = stream, gives_probabilities
        rows = sum(len(task.test) for task in stream.tasks) * (len(stream.tasks) + 1)
        self.every = -(-rows // BITS)  # one of so many test rows of a slice has its bit kept
        self.before: list[Tensor] = []  # of the row before: for each slice [S, m] bool
        self.rows: list[dict[str, Tensor]] = []

    def after_answers(self, run: Any, answers: list["Answers"], outputs: list[Tree]) -> None:
        right = [one.right for one in answers]
        row = {"right": torch.cat([bits[:, :: self.every] for bits in right], 1)}
        lost = [old & ~new for old, new in zip(self.before or right, right, strict=True)]
        row["negative_flips"] = torch.stack([one.double().mean(-1) for one in lost], -1)
        if answers[0].guess is not None:
            row |= self._of_classes(answers)
            row["calibration_error"] = self._calibration_error(answers[: len(self.rows)])
        self.before = right
        self.rows.append(row)

    def arrays(self) -> dict[str, Tensor]:
        """By name, on the CPU:

        right [S, T+1, n] bool: whether each of some rows of the slices was answered rightly
        negative_flips [S, T+1, E]: share of a slice's rows that were right a row before and are wrong now;
            in row 0 none
        confusion [S, T+1, C, C]: how many test rows of class i were taken for class j; of many classes
            class_accuracy [S, T+1, C] instead, NaN where no row has the class
        calibration_error [S, T+1]: on the tasks learnt so far
        task_of [S, C], of class-incremental streams: the task of each class
        """
        if not self.rows:
            return {}
        found = {name: torch.stack([row[name] for row in self.rows], 1).cpu() for name in self.rows[0]}
        missing = len(self.stream.tasks) + 1 - len(self.rows)  # where every seed has diverged
        arrays = {name: _padded(array, missing) for name, array in found.items()}
        if self.stream.scenario == "class":
            arrays["task_of"] = self._task_of().expand(len(self.stream.seeds), -1).cpu()
        return arrays

    def _task_of(self) -> Tensor:
        """[C]: the task that brings each class, from 0; -1 where none does, or several do."""
        brings = torch.stack([task.classes for task in self.stream.tasks]).int()
        return torch.where(brings.sum(0) == 1, brings.argmax(0), -1)

    def _of_classes(self, answers: list["Answers"]) -> dict[str, Tensor]:
        C = self.stream.classes
        guess = torch.cat([one.guess for one in answers if one.guess is not None], 1)  # [S, n]
        label = torch.cat([one.label for one in answers if one.label is not None])  # [n]
        if C <= CLASSES:
            counts = [(label * C + one).bincount(minlength=C * C) for one in guess]
            return {"confusion": torch.stack(counts).view(-1, C, C).int()}
        rows = label.bincount(minlength=C)
        hits = [label[one == label].bincount(minlength=C) for one in guess]
        return {"class_accuracy": (torch.stack(hits) / rows).float()}

    def _calibration_error(self, answers: list["Answers"]) -> Tensor:
        """[S]; NaN before the first task, and where scores are no probabilities."""
        if not answers or not self.gives_probabilities:
            return torch.full((len(self.stream.seeds),), torch.nan, dtype=torch.double)
        scores = torch.cat([one.scores for one in answers if one.scores is not None], 1)
        confidence = (scores.amax(-1) - scores.logsumexp(-1)).exp().double()  # of the output chosen
        right = torch.cat([one.right for one in answers], 1).double()
        place = (confidence * BINS).long().clamp(0, BINS - 1)
        gaps = torch.zeros(len(right), BINS, dtype=torch.double, device=right.device)
        return gaps.scatter_add_(1, place, confidence - right).abs().sum(1) / right.shape[1]


def _padded(array: Tensor, rows: int) -> Tensor:
    """With so many rows more of NaN, or of zeros."""
    nothing = torch.nan if array.is_floating_point() else 0
    return torch.cat([array, array.new_full((len(array), rows, *array.shape[2:]), nothing)], 1)
