"""What every stream has."""
from dataclasses import dataclass

from torch import Tensor

SCENARIOS = ("class", "task", "domain", "pairs")



@dataclass(frozen=True)
class Task:
    """One task of a stream."""

    train: Tensor        # [n, 2] (task, index) pairs into the training data
    test: Tensor         # [m] indices into the test data
    classes: Tensor      # [C] bool: the outputs it brings
