"""Benchmark: a named factory of streams, with the network and the budget that go with it."""
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar, Literal

import torch

from clbench.stream import Budget, Stream


@dataclass
class Benchmark:
    """Subclass it in a file of its own. The dataclass fields are the arguments that a spec may give.

    With `scenarios`, a file `split_mnist.py` gives `split_mnist_class`, `split_mnist_task`, …; `self.scenario` says which.
    """

    scenarios: ClassVar[tuple[str, ...]]
    data: ClassVar[Callable]                                 # () -> Images, on the CPU; cached per process
    budgets: ClassVar[dict[str, Budget]]                     # by profile
    arguments: ClassVar[dict[str, dict]] = {}                # by profile: defaults of the fields that differ there
    seeds: ClassVar[dict[str, dict[str, int]]] = {}          # by profile and scenario: how many, if not the profile's number
    hyperparameters: ClassVar[dict[str, dict]] = {}          # by scenario and strategy: better defaults than the paper's
    by_name_only: ClassVar[bool] = False                     # needs arguments, so no glob stands for it
    hidden: ClassVar[bool] = False                           # for tests: left out of lists and `--all`

    validation: bool = field(default=False, kw_only=True)    # evaluate on held-out training data instead of the test set
    precision: Literal["float32", "tf32", "bf16"] = field(default="float32", kw_only=True)     # of the network's passes

    scenario = ""                                            # set by the registry

    def make_stream(self, images, seeds: list[int]) -> Stream:
        """The stream over these images, for the group of seeds."""
        raise NotImplementedError

    def network(self):
        """The network for one seed; see `clbench.models`."""
        raise NotImplementedError

    def budget(self, profile: str) -> Budget:
        """What a task may cost under the profile."""
        return replace(self.budgets[profile], precision=self.precision)

    def contents(self):
        """What its streams are made of, on the CPU, loaded once per process. Raises Unavailable where it is not here."""
        return type(self).data()

    def stream(self, seeds: list[int], device: torch.device) -> Stream:
        return self.make_stream(_resident(self.contents(), self.validation, device), seeds)

    def fingerprint(self) -> str:
        """Of the data; loads them."""
        return self.contents().fingerprint

    def accepted_data(self) -> str | None:
        """The sum of a copy that differs from the published one and was taken knowingly; None for the published one."""
        return self.contents().accepted


@lru_cache(maxsize=8)
def _resident(contents, validation: bool, device: torch.device):
    """The contents on the device, once per process."""
    return (contents.validation() if validation else contents).to(device)
