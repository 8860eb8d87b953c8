"""Benchmark: a named factory of streams, with the network and the budget that go with it."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch
from msgspec import Meta

from clbench.core import protocols
from clbench.core.budget import (
    Budget,
    Decay,
    Epochs,
    OptimiserName,
    Precision,
    Remainder,
    State,
    Steps,
)
from clbench.core.ranges import Count, NotNegative, Positive, PositiveShare, Rows, SmallerShare
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.models.network import Network
    from clbench.streams.stream import Stream

# A plain list, since specs check values against this type.
ListOfClasses = Annotated[list, Meta(max_length=10_000)]


@dataclass
class Benchmark:
    """Subclass it in a file of its own. The dataclass fields are the arguments that a spec may give.

    With `scenarios`, a file `split_mnist.py` gives `split_mnist_class`, `split_mnist_task`, …;
    `self.scenario` says which.
    """

    scenarios: ClassVar[tuple[str, ...]]
    # For lists, which read them from the file without importing it: literals of a few words, please.
    tasks_are: ClassVar[str] = ""  # "5 of 2 classes"
    data_are: ClassVar[str] = ""  # "MNIST"
    data: ClassVar[Callable[[], Any]]  # () -> Images, on the CPU; cached per process
    budgets: ClassVar[dict[str, Budget]]  # by profile
    arguments: ClassVar[
        dict[str, dict[str, Any]]
    ] = {}  # by profile or scenario: other defaults of the fields
    seeds: ClassVar[
        dict[str, dict[str, int]]
    ] = {}  # by profile and scenario: how many, if not the profile's number
    tuned: ClassVar[
        dict[str, dict[str, dict[str, Any]]]
    ] = {}  # by scenario and strategy: defaults instead of the paper's
    # The metric that tables rank by, perhaps by scenario: "acc", "stream_next" (what comes next),
    # "stream_backward" (what was before). Empty: ACC, and what was before on streams of pairs.
    ranks_by: ClassVar[str | dict[str, str]] = ""
    by_name_only: ClassVar[bool] = False  # needs arguments, so no glob stands for it
    # What else it reads, such as weights to start from: names beside its own file, or whole paths.
    files: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[bool] = False  # for tests: left out of lists and `--all`

    validation: bool = field(
        default=False, kw_only=True
    )  # evaluate on held-out training data instead of the test set
    memory: Count = field(default=500, kw_only=True)  # examples that a method keeps: default of its `memory`
    # The budget's fields, see `Budget`; None: as the profile has them.
    precision: Precision = field(default="float32", kw_only=True)  # of the network's passes
    optimiser: OptimiserName | None = field(default=None, kw_only=True)
    lr: Positive | None = field(default=None, kw_only=True)
    steps: Steps | None = field(default=None, kw_only=True)
    rows: Rows | None = field(default=None, kw_only=True)
    momentum: SmallerShare | None = field(default=None, kw_only=True)
    weight_decay: NotNegative | None = field(default=None, kw_only=True)
    beta2: Decay | None = field(default=None, kw_only=True)
    warm_up: PositiveShare | Literal["constant"] | None = field(
        default=None, kw_only=True
    )  # constant: no warm-up, no fall
    optimiser_state: State | None = field(default=None, kw_only=True)
    fixed_compute: bool | None = field(default=None, kw_only=True)
    epochs: Epochs | None = field(default=None, kw_only=True)
    remainder: Remainder | None = field(default=None, kw_only=True)

    scenario = ""  # set by the registry

    def __post_init__(self) -> None:
        """Raises InputError for values that make no sense together. Whoever takes a benchmark from a user
        checks each against its range: `clbench.core.ranges`."""

    @property
    def one_seed(self) -> bool:
        """Whether a stream has one seed, so that no group has several."""
        return False

    def make_stream(self, images: Any, seeds: list[int]) -> "Stream":
        """The stream over these images, for the group of seeds."""
        raise NotImplementedError

    def network(self) -> "Network":
        """The network for one seed; see `clbench.models`."""
        raise NotImplementedError

    def budget(self, profile: str) -> Budget:
        """What a task may cost under the profile. Raises InputError for a value that makes no sense."""
        chosen = {one.name: getattr(self, one.name) for one in fields(Budget)}
        given = {name: value for name, value in chosen.items() if value is not None}
        if self.warm_up == "constant":
            given["warm_up"] = None
        return self.of_budget(profile).with_fields(**given)

    @classmethod
    def of_budget(cls, profile: str) -> Budget:
        """The budget of one of its `profiles`."""
        own = cls.budgets.get(profile)
        return own or Budget(**protocols.budget_of(cls, profile))

    @classmethod
    def profiles(cls) -> list[str]:
        """The profiles that it has a budget for."""
        return [*getattr(cls, "budgets", {}), *protocols.profiles_of(cls)]

    @classmethod
    def of_profile(cls, profile: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, with None for what the profile's budget says anyway: one run has one name."""
        own = asdict(cls.of_budget(profile))
        own["warm_up"] = own["warm_up"] or "constant"
        return {
            name: None if name in own and name != "precision" and value == own[name] else value
            for name, value in arguments.items()
        }

    def contents(self) -> Any:
        """What its streams are made of, on the CPU, loaded once per process. Raises Unavailable where it is
        not here."""
        return type(self).data()

    def stream(self, seeds: list[int], device: torch.device) -> "Stream":
        return self.make_stream(_resident(self.contents(), self.validation, device), seeds)

    def fingerprint(self) -> str:
        """Of the data and of the files that it says it reads; loads the data, and checks what is not ours.

        Raises InputError where data, tasks and network do not fit each other, or a file is not there.
        """
        contents = self.contents()
        if not type(self).__module__.startswith("clbench."):  # ours are tried by the tests
            self._check(contents)
        said = [contents.fingerprint, getattr(contents, "digest", ""), self._digest_of_files()]
        return " ".join(filter(None, said))

    def _check(self, contents: Any) -> None:
        """Raises InputError, which names the culprit, for labelled data of which no stream can be trained."""
        if not hasattr(contents, "check"):
            return
        contents.check()
        stream = self.stream([0], torch.device("cpu"))
        if hasattr(stream, "check"):
            stream.check(self.network())

    def _digest_of_files(self) -> str:
        """Of the names and contents of `files`; nothing without any. Raises InputError for one that is not
        there."""
        if not self.files:
            return ""
        content = hashlib.sha256()
        for name in self.files:
            place = Path(inspect.getfile(type(self))).parent / name
            try:
                content.update(f"{name} {hashlib.sha256(place.read_bytes()).hexdigest()}\n".encode())
            except OSError as error:
                raise InputError(
                    f"{type(self).__name__} reads {place}, which cannot be read: {error.strerror}"
                ) from error
        return content.hexdigest()[:16]

    def accepted_data(self) -> str | None:
        """The sum of a copy that differs from the published one and was taken knowingly; None for the
        published one."""
        accepted: str | None = self.contents().accepted
        return accepted


@dataclass
class ClassSplit(Benchmark):
    """Tasks of disjoint classes of one data set."""

    # Of the classes; seed: each seed draws one.
    order: ListOfClasses | Literal["seed"] | None = field(default=None, kw_only=True)  # type: ignore[type-arg]
    sees: Literal["seen"] | None = field(
        default=None, kw_only=True
    )  # the outputs of a class-incremental loss: of the classes so far; None: all

    @property
    def classes(self) -> int:
        """How many there are: a number in most benchmarks."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.order, list) and not self._is_order(self.order):
            raise InputError(
                f"order takes a list of all class numbers from 0 to {self.classes - 1}, not {self.order}"
            )

    def _is_order(self, order: list[int]) -> bool:
        return all(type(label) is int for label in order) and sorted(order) == list(range(self.classes))

    @property
    def one_seed(self) -> bool:
        """With orders of their own the seeds' tasks differ in size, so they cannot be trained together."""
        return self.order == "seed"


@lru_cache(maxsize=8)
def _resident(contents: Any, validation: bool, device: torch.device) -> Any:
    """The contents on the device, once per process."""
    return (contents.validation() if validation else contents).to(device)
