"""Streams of labelled examples whose tasks are slices of the data, by time or by a column."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from clbench.errors import InputError
from clbench.streams.labelled import LabelledStream
from clbench.streams.stream import Task

if TYPE_CHECKING:
    from clbench.data.labelled.sources import Images


def split_by_part(
    images: "Images", part: np.ndarray, part_test: np.ndarray, classes: int, scenario: str, seeds: list[int]
) -> LabelledStream:
    """A task for each slice; every one is tested, past and to come, with whatever classes it has.

    part [n], part_test [m]: the slice of each training and test example, from 0; -1: in none. Labels are
    below `classes`. Task-incremental: each slice has outputs of its own. Else all share one set; in the
    class-incremental scenario a task brings the classes that it has, of which many come back.
    Raises InputError for a slice without training or test examples.
    """
    count, device = int(part.max()) + 1, images.x.device
    own = scenario == "task"
    outputs = classes * count if own else classes
    tasks = []
    for t in range(count):
        rows, test = (torch.from_numpy(np.flatnonzero(where == t)).to(device) for where in (part, part_test))
        if not len(rows) or not len(test):
            raise InputError(f"slice {t + 1} has {len(rows)} training and {len(test)} test examples")
        mask = torch.zeros(outputs, dtype=torch.bool, device=device)
        if own:
            mask[t * classes : (t + 1) * classes] = True
        elif scenario == "domain":
            mask[:] = True
        else:
            mask[images.y[rows]] = True
        tasks.append(Task(torch.stack([torch.full_like(rows, t), rows], -1), test, mask))
    offset = torch.arange(count, device=device) * (classes if own else 0)
    return LabelledStream(images, tasks, scenario, seeds, offset=offset)
