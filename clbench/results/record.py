"""What a record holds: one pair (benchmark x strategy) of a profile, with the seeds as columns."""

from base64 import b64decode
from collections.abc import Collection
from typing import Any, ClassVar

import msgspec
import numpy as np

from clbench.core.costs import COSTS

SCHEMA = 2
BACKENDS = ("native", "avalanche", "imported")
STATUSES = ("ok", "failed", "diverged", "unsupported")
LARGEST = 1e30  # of a cost, or of what a stream measures beside accuracy
LONGEST = 2000  # characters of a name

# [T+1, E] accuracies of one seed; None where a cell does not exist
Matrix = list[list[float | None]]


class BrokenRecord(Exception):
    """A file is no record that this version reads. The message says which file and why."""


class Failure(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Why a pair has no values, or only some."""

    reason: str
    seed: int | None = None
    task: int | None = None  # from 1
    step: int | None = None
    seeds: list[int] | None = None  # of the group that broke off
    traceback: str | None = None


class Probe(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen within the tasks, at K points."""

    rows: int  # of each slice
    task: list[int]  # [K], from 1
    step: list[int]  # [K], of the whole run
    seen: list[list[float | None]]  # [S][K] mean accuracy on the tasks seen so far

    def __post_init__(self) -> None:
        if len({len(self.task), len(self.step), *map(len, self.seen)}) > 1:
            raise ValueError("a probe's points differ in number")


class Group(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of seeds that were trained together. Fields to come are optional, so older records stay
    readable."""

    seeds: list[int]
    costs: dict[str, float | int | None]  # the cost sheet, all seeds of the group together
    concurrent: int  # groups that ran at the same time
    provenance: dict[str, str | int | float | bool | None]
    notes: list[str] = []
    arrays: dict[str, list[Matrix]] = {}  # what else the stream measures, by name; a matrix for each seed
    slice_sizes: list[int] | None = None  # [E] examples in each evaluation slice; None in older records
    parameters: list[int] | None = None  # [T] in use after each task, of one seed; None: the same after all
    pictures: str | None = None  # PNG in base64: what stands for examples, learnt by the record's first seed
    weights: list[str] | None = None  # a digest for each seed of the network's weights; None in older records
    # Of one seed, after each task [T]: bytes kept beyond the plain network, and the share of the weights that
    # the task has changed, the mean over the group's seeds. None in older records.
    kept_bytes: list[int] | None = None
    moved: list[float] | None = None
    # What evaluation tallied beside accuracy, by the name of the metric: a value for each seed.
    tally: dict[str, list[float | None]] = {}
    probe: Probe | None = None  # where one was asked for

    def __post_init__(self) -> None:
        for name, matrices in self.arrays.items():
            if len(matrices) != len(self.seeds):
                raise ValueError(f"{len(matrices)} matrices {name} for {len(self.seeds)} seeds")
        if self.weights is not None and len(self.weights) != len(self.seeds):
            raise ValueError(f"{len(self.weights)} digests of weights for {len(self.seeds)} seeds")
        for name, values in self.tally.items():
            if len(values) != len(self.seeds):
                raise ValueError(f"{len(values)} values of {name} for {len(self.seeds)} seeds")


class Record(msgspec.Struct, dict=True, forbid_unknown_fields=True):
    """What was measured of one pair under one profile."""

    benchmark: str  # canonical spec
    strategy: str  # canonical spec
    profile: str
    backend: str  # of BACKENDS
    source: str  # digest of the source code that made it
    data: str  # fingerprint
    settings: dict[str, Any]  # scenario, network, budget, resolved arguments, precision
    status: str = "ok"  # of STATUSES
    error: Failure | None = None
    seeds: list[int] = []
    acc: list[Matrix] = []  # a matrix for each seed
    groups: list[Group] = []
    files: dict[str, str] = {}  # files that belong to the record, by name: their SHA-256
    schema: int = SCHEMA
    sha256: str = ""  # of everything above

    # The digest of other source code that computes the same, by the verification beside the records; no part
    # of the file.
    verified: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        shapes = {(len(matrix), *map(len, matrix)) for matrix in self.acc}
        if len(self.acc) != len(self.seeds) or len(shapes) > 1:
            raise ValueError(f"{len(self.acc)} matrices of {len(shapes)} shapes for {len(self.seeds)} seeds")
        if sorted(self.seeds) != sorted(seed for group in self.groups for seed in group.seeds):
            raise ValueError("its groups hold other seeds than it says")

    @property
    def array(self) -> np.ndarray:
        """acc [S, T+1, E] as float64, NaN where a cell does not exist."""
        return np.array(self.acc, dtype=np.float64)

    def array_of(self, name: str) -> np.ndarray | None:
        """What else the stream measures, as `array`; None where it does not."""
        by_seed = {
            seed: matrix
            for group in self.groups
            if name in group.arrays
            for seed, matrix in zip(group.seeds, group.arrays[name], strict=True)
        }
        return np.array([by_seed[seed] for seed in self.seeds], dtype=np.float64) if by_seed else None

    @property
    def slice_sizes(self) -> list[list[int]] | None:
        """[S][E] examples in each evaluation slice; None where the record doesn't say."""
        by_seed = {
            seed: group.slice_sizes for group in self.groups if group.slice_sizes for seed in group.seeds
        }
        sizes = [by_seed[seed] for seed in self.seeds if seed in by_seed]
        return sizes if sizes and len(sizes) == len(self.seeds) else None

    @property
    def weights(self) -> dict[int, str]:
        """seed -> digest of the network's weights; without the seeds of which it is not known."""
        return {
            seed: digest
            for group in self.groups
            for seed, digest in zip(group.seeds, group.weights or (), strict=False)
        }

    @property
    def tally(self) -> dict[str, dict[int, float]]:
        """metric -> seed -> value, of the seeds of which it is known."""
        found: dict[str, dict[int, float]] = {}
        for group in self.groups:
            for name, values in group.tally.items():
                known = {seed: one for seed, one in zip(group.seeds, values, strict=True) if one is not None}
                found.setdefault(name, {}).update(known)
        return found

    @property
    def probe_rows(self) -> int:
        """Of each slice; 0 where a group was not probed."""
        return min((group.probe.rows if group.probe else 0 for group in self.groups), default=0)

    @property
    def kept_bytes(self) -> list[int] | None:
        """[T] bytes that a seed keeps beyond the plain network after each task; None in older records."""
        return next((group.kept_bytes for group in self.groups if group.kept_bytes), None)

    @property
    def moved(self) -> list[float] | None:
        """[T] share of the weights that each task has changed, the mean over the seeds; None in older
        records."""
        known = [(len(group.seeds), group.moved) for group in self.groups if group.moved]
        if len(known) < len(self.groups) or len({len(moved) for _, moved in known}) != 1:
            return None
        return [
            sum(seeds * one for (seeds, _), one in zip(known, of_task, strict=True)) / len(self.seeds)
            for of_task in zip(*(moved for _, moved in known), strict=True)
        ]

    @property
    def parameters(self) -> list[int] | None:
        """[T] parameters of the network in use after each task; None where they are the same after all."""
        return next((group.parameters for group in self.groups if group.parameters), None)

    @property
    def pictures(self) -> bytes | None:
        """A PNG file of what its first seed has learnt to stand for examples; None for what is none."""
        encoded = self.groups[0].pictures if self.groups else None
        try:
            content = b64decode(encoded or "", validate=True)
        except ValueError:
            return None
        return content if content.startswith(b"\x89PNG") else None

    def cost(self, name: str) -> float | None:
        """A figure of the cost sheet per seed: groups add up and are divided by the seeds, peaks take the
        largest."""
        values = [group.costs.get(name) for group in self.groups]
        known = [value for value in values if value is not None]
        if not values or len(known) < len(values):
            return None
        return sum(known) / len(self.seeds) if COSTS[name].adds_up else max(known)

    def add(self, group: Group, acc: list[Matrix]) -> None:
        """Merges another seed group: its seeds (in order of number), matrices and costs."""
        seeds = self.seeds + group.seeds
        matrices = self.acc + acc
        order = sorted(range(len(seeds)), key=seeds.__getitem__)
        self.seeds = [seeds[i] for i in order]
        self.acc = [matrices[i] for i in order]
        self.groups = sorted([*self.groups, group], key=lambda one: one.seeds)
        for other in self.groups[1:]:
            other.pictures = None

    def of_seeds(self, seeds: Collection[int]) -> "Record":
        """A record of these of its seeds only; of what their groups cost, their share."""
        made = msgspec.structs.replace(self, seeds=[], acc=[], groups=[])
        matrices = dict(zip(self.seeds, self.acc, strict=True))
        for group in self.groups:
            if part := _part(group, seeds):
                made.add(part, [matrices[seed] for seed in part.seeds])
        return made


def _part(group: Group, seeds: Collection[int]) -> Group | None:
    """The group of those of its seeds; None where it has none of them."""
    places = [place for place, seed in enumerate(group.seeds) if seed in seeds]
    if len(places) in (0, len(group.seeds)):
        return group if places else None
    share = len(places) / len(group.seeds)
    return msgspec.structs.replace(
        group,
        seeds=[group.seeds[place] for place in places],
        costs={
            name: value * share if value is not None and name in COSTS and COSTS[name].adds_up else value
            for name, value in group.costs.items()
        },
        arrays={name: [several[place] for place in places] for name, several in group.arrays.items()},
        pictures=group.pictures if places[0] == 0 else None,
        weights=group.weights and [group.weights[place] for place in places],
        tally={name: [several[place] for place in places] for name, several in group.tally.items()},
        probe=group.probe
        and msgspec.structs.replace(group.probe, seen=[group.probe.seen[place] for place in places]),
    )
