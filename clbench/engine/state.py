"""The state of a run between two tasks, as tensors by name and plain values: enough to go on, bit for bit.

Draws are keyed by seed, purpose and task, so no generator has a state. What a part keeps is written down as
it is found in its attributes: numbers, texts, tensors, lists and dictionaries of them, learners, and objects
that hold such things. Functions and networks are not: the part of the new run has its own.

Tensors that share their numbers go on sharing them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from clbench.engine.learner import Learner

if TYPE_CHECKING:
    from clbench.engine.run import Run

# Of a run: where it stands. What it measured so far is among it, for the rows of the matrix.
FIELDS = (
    "t",
    "updates",
    "samples_seen",
    "alive",
    "finite_steps",
    "diverged",
    "notes",
    "drawn_by",
    "kept_bytes",
    "moved",
    "scores_so_far",
)
OWN = "own"  # what stands for a value that the new run has itself


class State(NamedTuple):
    """What `state_of` writes down."""

    tensors: Mapping[str, Tensor]  # by name, on the CPU
    told: Mapping[str, Any]  # everything else, as JSON has it


def state_of(run: "Run") -> State:
    book = _Book(run)
    told = {
        "run": {name: book.write(getattr(run, name)) for name in FIELDS},
        "learner": book.write(run.learner),
        "parts": [
            {name: book.write(value) for name, value in vars(part).items() if name != "run"}
            for part in run.parts
        ],
    }
    return State(book.storages, told)


def restore(run: "Run", state: State) -> None:
    """Makes a run that has started what it was when this was written. ValueError where it is another one."""
    tensors, told = state
    if len(told["parts"]) != len(run.parts):
        raise ValueError(f"the state is of {len(told['parts'])} parts, and the strategy has {len(run.parts)}")
    reader = _Reader(run, tensors)
    reader.read(told["learner"], run.learner)
    for part, attributes in zip(run.parts, told["parts"], strict=True):
        for name, value in attributes.items():
            setattr(part, name, reader.read(value, getattr(part, name, None)))
    for name in FIELDS:
        setattr(run, name, reader.read(told["run"][name], getattr(run, name)))


class _Book:
    """Writes values down."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.storages: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}  # place of a storage -> its name
        self._kept: list[Tensor] = []  # so that no place is used again meanwhile

    def write(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return {"value": value}
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, list | tuple):
            return {type(value).__name__: [self.write(one) for one in value]}
        if isinstance(value, dict):
            return {"dict": [[key, self.write(one)] for key, one in value.items()]}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if isinstance(value, Learner):
            fields = ("theta", "initial", "frozen", "lr")
            told = {name: self.write(getattr(value, name)) for name in fields}
            return {"learner": told | {"optimiser": [self.write(one) for one in value.optimiser.state]}}
        if value is self.run or value is self.run.stream or callable(value) or not hasattr(value, "__dict__"):
            return OWN
        return {"object": {name: self.write(one) for name, one in vars(value).items()}}

    def _tensor(self, tensor: Tensor) -> dict[str, Any]:
        tensor = tensor.detach()
        place = tensor.untyped_storage().data_ptr() if tensor.numel() else -len(self._kept) - 1
        if place not in self._names:
            self._names[place] = str(len(self._names))
            count = tensor.untyped_storage().nbytes() // tensor.element_size() if tensor.numel() else 0
            whole = tensor.as_strided((count,), (1,), 0) if count else tensor.reshape(-1)
            self.storages[self._names[place]] = whole.cpu().clone()
        self._kept.append(tensor)
        return {
            "tensor": self._names[place],
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset() if tensor.numel() else 0,
        }


class _Reader:
    """Reads values back, into those of the new run where it has them."""

    def __init__(self, run: "Run", tensors: Mapping[str, Tensor]) -> None:
        self.run, self.tensors = run, tensors
        self._whole: dict[str, Tensor] = {}  # name -> the storage in the new run, as a flat tensor

    def read(self, told: Any, own: Any) -> Any:
        if told == OWN:
            return own
        kind, content = next(iter(told.items()))
        if kind == "value":
            return content
        if kind == "tensor":
            return self._tensor(told)
        if kind in ("list", "tuple"):
            beside = (
                own if isinstance(own, list | tuple) and len(own) == len(content) else [None] * len(content)
            )
            found = [self.read(one, other) for one, other in zip(content, beside, strict=True)]
            return found if kind == "list" else tuple(found)
        if kind == "dict":
            by_key = own if isinstance(own, dict) else {}
            return {key: self.read(one, by_key.get(key)) for key, one in content}
        if kind == "slice":
            return slice(*content)
        if own is None:
            raise ValueError("a part has made an object since it began that cannot be made anew")
        if kind == "learner":
            return self._learner(content, own)
        for name, one in content.items():
            setattr(own, name, self.read(one, getattr(own, name, None)))
        return own

    def _learner(self, told: dict[str, Any], own: Learner) -> Learner:
        """In place: an optimiser's kernel and whoever looks at theta know its tensors."""
        fields = [(told[name], getattr(own, name)) for name in ("theta", "initial")]
        for one, tensor in [*fields, *zip(told["optimiser"], own.optimiser.state, strict=True)]:
            with torch.no_grad():
                tensor.copy_(
                    self.tensors[one["tensor"]].as_strided(one["shape"], one["stride"], one["offset"])
                )
            self._whole[one["tensor"]] = tensor.detach().as_strided((tensor.numel(),), (1,), 0)
        own.frozen, own.lr = self.read(told["frozen"], own.frozen), self.read(told["lr"], own.lr)
        return own

    def _tensor(self, told: dict[str, Any]) -> Tensor:
        """A new one, or a view of one that another value shares its numbers with."""
        name = told["tensor"]
        if name not in self._whole:
            self._whole[name] = self.tensors[name].to(self.run.stream.device, copy=True)
        return self._whole[name].as_strided(told["shape"], told["stride"], told["offset"])
