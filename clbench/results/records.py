"""Records: one JSON file for each pair (benchmark x strategy) of a profile, with the seeds as columns."""

import hashlib
import json
import os
import re
from base64 import b64decode
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np

from clbench.core.costs import COSTS
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics.tally import SHARES, STEPS
from clbench.results import verification
from clbench.results.files import read_json, readable, write_atomically

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


# ---- places


def path_of(folder: Path, profile: str, benchmark: str, strategy: str) -> Path:
    """results/<profile>/<benchmark>/<strategy>.json"""
    return Path(folder) / profile / file_name(benchmark) / f"{file_name(strategy)}.json"


def file_name(spec: str) -> str:
    """A safe, readable file name: `er`, or `er--memory=200--1a2b3c4d` for a spec with arguments."""
    if re.fullmatch(r"\w+", spec, re.ASCII):
        return spec
    name, _, rest = spec.partition("(")
    parts = [re.sub(r"[^\w=.+-]+", "-", part, flags=re.ASCII).strip("-.") for part in (name, rest)]
    digest = hashlib.sha256(spec.encode()).hexdigest()[:8]
    return f"{'--'.join(filter(None, parts))[:100]}--{digest}".lstrip("-")


# ---- writing


def write(record: Record, folder: Path) -> Path:
    """Writes the record to its place under the folder: complete or not at all."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    write_atomically(path, signed(record))
    return path


def signed(record: Record) -> str:
    """What its file holds; the record gets the hash of it."""
    content = msgspec.to_builtins(record)
    content["sha256"] = record.sha256 = content_hash(content)
    return readable(content)


def content_hash(content: dict) -> str:
    """SHA-256 of all fields but `sha256` itself."""
    hashed = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True, allow_nan=False).encode()).hexdigest()


# ---- reading


def read(path: Path) -> Record:
    """The record in this file; BrokenRecord if it isn't one that this version reads."""
    try:
        content = read_json(path)
        if not isinstance(content, dict) or "schema" not in content:
            raise ValueError("no record of clbench")
        if content["schema"] not in (1, SCHEMA):
            raise ValueError(f"schema {content['schema']}, this version reads {SCHEMA}; left alone")
        if content.get("sha256") != content_hash(content):
            raise ValueError("its content does not match its sha256")
        return _converted(content)
    except ValueError as error:
        raise BrokenRecord(printable(f"{path}: {error}")) from None


def _converted(content: dict) -> Record:
    """ValueError where something is not what it has to be, so that whoever uses a record may rely on it."""
    try:
        record = msgspec.convert(from_schema_1(content) if content["schema"] == 1 else content, Record)
        check(record)
        return record
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # a ValidationError is a ValueError
        raise ValueError(f"no record that this version knows ({error})") from None


class _Settings(msgspec.Struct):
    """What is read of a record's settings; it may hold more."""

    scenario: str = ""
    network: str = ""
    precision: str = ""
    accepted_data: str = ""
    budget: dict[str, str | int | float | bool | None] = {}
    benchmark: dict[str, Any] = {}
    strategy: dict[str, dict[str, Any]] = {}
    step_of: list[int] | None = None
    slices: list[str] | int | None = None


class _Provenance(msgspec.Struct):
    """What is read of a group's provenance; it may hold more."""

    started: str = ""
    command: str = ""
    commit: str | None = None
    dirty: bool | None = None  # without git nobody knows
    platform: str = ""
    processor: str = ""
    device: str = ""
    threads: int = 1


def check(record: Record) -> None:
    """ValueError for what the types of the fields allow and no run gives."""
    for name in ("benchmark", "strategy", "profile"):
        value = getattr(record, name)
        if not value or len(value) > LONGEST or printable(value) != value:
            raise ValueError(f"{name} has to be a name of one line")
    if record.backend not in BACKENDS or record.status not in STATUSES:
        raise ValueError(f"backend {record.backend!r} or status {record.status!r} is none that there is")
    settings = msgspec.convert(record.settings, _Settings)
    for group in record.groups:
        _check_group(group)
    if any(not 0 <= seed < 2**63 for seed in record.seeds) or any(a >= b for a, b in pairwise(record.seeds)):
        raise ValueError("seeds have to be whole numbers from 0 on, in order, each once")
    beside = [matrices for group in record.groups for matrices in group.arrays.values()]
    for matrices, smallest, largest in [
        (record.acc, 0.0, 1.0),
        *((one, -LARGEST, LARGEST) for one in beside),
    ]:
        for matrix in matrices:
            _check_matrix(matrix, smallest, largest)
    if len({_shape(matrix) for matrices in (record.acc, *beside) for matrix in matrices}) > 1:
        raise ValueError("its matrices differ in shape")
    if len({frozenset(group.arrays) for group in record.groups}) > 1:
        raise ValueError("its groups hold different arrays")
    _check_steps(settings.step_of, record)
    for group in record.groups:
        _check_sizes(group.slice_sizes, record)
        _check_by_task("parameters", group.parameters, record, 1, 2**53)
        _check_by_task("kept_bytes", group.kept_bytes, record, 0, 2**53)
        _check_by_task("moved", group.moved, record, 0, 1)
        for name, values in group.tally.items():
            largest = LARGEST if name == STEPS else 1
            if name not in (*SHARES, STEPS) or any(
                one is not None and not 0 <= one <= largest for one in values
            ):
                raise ValueError(
                    f"{name} is nothing that evaluation tallies, or not between 0 and {largest:g}"
                )
        _check_probe(group)
    if len({(one.task[-1], len(one.step)) for group in record.groups if (one := group.probe)}) > 1:
        raise ValueError("its groups were probed at different points")


def _check_probe(group: Group) -> None:
    if group.probe is None:
        return
    if len(group.probe.seen) != len(group.seeds) or not group.probe.step:
        raise ValueError("a probe has a row of points for each seed")
    if not (_rises(group.probe.task) and _rises(group.probe.step) and group.probe.rows >= 1):
        raise ValueError("a probe has points of tasks and steps from 1 on, in order, and rows")
    if any(one is not None and not 0 <= one <= 1 for points in group.probe.seen for one in points):
        raise ValueError("a probe's accuracies lie between 0 and 1")


def _rises(numbers: list[int]) -> bool:
    return 1 <= numbers[0] <= numbers[-1] < 2**53 and all(a <= b for a, b in pairwise(numbers))


def _check_by_task(
    name: str, numbers: Sequence[float] | None, record: Record, smallest: float, largest: float
) -> None:
    """A run of which every seed diverged ends before its last task."""
    tasks = _shape(record.acc[0])[0] - 1 if record.acc else 0
    if numbers is None:
        return
    whole = len(numbers) == tasks or (record.status == "diverged" and len(numbers) < tasks)
    if not whole or not all(smallest <= one <= largest for one in numbers):
        raise ValueError(
            f"{name} has to hold a number from {smallest:g} to {largest:g} for each of {tasks} tasks"
        )


def _check_sizes(sizes: list[int] | None, record: Record) -> None:
    slices = _shape(record.acc[0])[1] if record.acc else None
    if sizes is not None and (len(sizes) != slices or not all(1 <= size < 2**53 for size in sizes)):
        raise ValueError(f"slice_sizes has to hold a number from 1 on for each of {slices} slices")


def _check_steps(step_of: list[int] | None, record: Record) -> None:
    slices = _shape(record.acc[0])[1] if record.acc else None
    if (
        slices
        and step_of is not None
        and (len(step_of) != slices or not 1 <= min(step_of) <= max(step_of) < 2**31)
    ):
        raise ValueError(f"step_of has to say a step from 1 on for each of {slices} slices")


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix), len(matrix[0])


def _check_group(group: Group) -> None:
    msgspec.convert(group.provenance, _Provenance)
    if not group.seeds or group.concurrent < 1:
        raise ValueError("a group has at least one seed, and runs beside itself at least")
    for name, value in group.costs.items():
        if value is not None and not 0 <= value <= LARGEST:
            raise ValueError(f"{name} has to lie between 0 and {LARGEST:g}")


def _check_matrix(matrix: Matrix, smallest: float, largest: float) -> None:
    """[T+1, E], with T and E at least 1, of values in the range."""
    if len(matrix) < 2 or not matrix[0] or len({len(row) for row in matrix}) > 1:
        raise ValueError("a matrix has two rows at least, all as long as the first")
    values = [value for row in matrix for value in row if value is not None]
    if values and not smallest <= min(values) <= max(values) <= largest:
        raise ValueError(f"a matrix has values between {smallest:g} and {largest:g}")


def from_schema_1(content: dict) -> dict:
    """The same record in today's form. Its hash stays that of its file.

    Schema 1 also kept the modules where the source began and a hash of all that the values depend on, and
    settings of the benchmark that say nothing (null). What a stream of pairs now calls slices, it called
    steps.
    """
    content = {name: value for name, value in content.items() if name not in ("key", "modules")}
    settings = {**content["settings"]}
    if "benchmark" in settings:
        settings["benchmark"] = {
            "slices" if name == "steps" else name: value
            for name, value in settings["benchmark"].items()
            if value is not None
        }
    error = content["error"]
    if error is not None:
        error = {name: value for name, value in error.items() if name in Failure.__struct_fields__}
    return content | {"settings": settings, "error": error, "schema": SCHEMA}


def find(folder: Path, profile: str, benchmark: str, strategy: str) -> Record | None:
    """The record of a pair, with what was verified of it; None where there is none."""
    path = path_of(folder, profile, benchmark, strategy)
    if not os.path.lexists(path):  # a dangling link is there, too
        return None
    record = _read_in_place(path, folder)
    _add_verification(record, folder)
    return record


def _read_in_place(path: Path, folder: Path) -> Record:
    """The record in this file, if that is its place: else its table would not be that of its folder."""
    record = read(path)
    place = path_of(folder, record.profile, record.benchmark, record.strategy)
    if place != path:
        raise BrokenRecord(printable(f"{path}: its names belong to {place}"))
    return record


def remove_failure(folder: Path, names: tuple[str, str, str]) -> None:
    """Removes the record of (profile, benchmark, strategy) if it holds a failure and no values."""
    path = path_of(folder, *names)
    try:
        record = read(path) if path.exists() else None
    except BrokenRecord:
        return
    if record is not None and record.status == "failed" and not record.seeds:
        path.unlink()


def _add_verification(record: Record, folder: Path) -> None:
    """Notes in the record what was verified of it."""
    source = verification.verified_source(_notes(folder, record.profile), record)
    record.verified = source  # type: ignore[misc]    # a class variable, so that it is no field of the file


def _notes(folder: Path, profile: str) -> verification.Notes:
    try:
        return verification.read(folder, profile)
    except verification.BrokenNotes as error:
        raise BrokenRecord(str(error)) from None


def load(folder: Path, profile: str = "*") -> tuple[list[Record], list[str]]:
    """(all records under a results folder, one line for each file that is no record)."""
    records: list[Record] = []
    problems: list[str] = []
    for path in _files(Path(folder), profile, problems):
        try:
            record = _read_in_place(path, Path(folder))
            records.append(record)
            _add_verification(record, folder)
        except BrokenRecord as error:
            problems.append(str(error))
    return records, list(dict.fromkeys(problems))


def _files(folder: Path, profile: str, problems: list[str]) -> Iterator[Path]:
    """<profile>/<benchmark>/*.json below the folder, in order."""
    profiles = _folders(folder, problems) if profile == "*" else [folder / profile]
    for of_profile in profiles:
        for of_benchmark in _folders(of_profile, problems):
            yield from (path for path in _listed(of_benchmark, problems) if path.suffix == ".json")


def _folders(folder: Path, problems: list[str]) -> Iterator[Path]:
    """Those in a folder. A file without a suffix has a folder's name; others may lie there."""
    for path in _listed(folder, problems):
        if path.is_dir():
            yield path
        elif not path.suffix and not path.name.startswith("."):
            problems.append(printable(f"{path}: no folder, where one of records should be"))


def _listed(folder: Path, problems: list[str]) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(printable(f"{folder}: cannot be listed ({error.strerror})"))
        return []


def record_of_matrix(
    benchmark: str, strategy: str, slices: list[str], step_of: list[int], matrix: np.ndarray
) -> Record:
    """A record of results [T, E] that other code has made; nothing is known of its untrained network. step_of
    [E]: the step, from 1, that each slice belongs to."""
    cells = [[None if cell != cell else cell for cell in row] for row in matrix.tolist()]
    settings = {"scenario": "pairs", "slices": slices, "step_of": step_of}
    record = Record(
        benchmark,
        strategy,
        "imported",
        "imported",
        source="",
        data="",
        settings=settings,
        seeds=[0],
        acc=[[[None] * len(slices), *cells]],
        groups=[Group([0], {}, 1, {})],
    )
    try:
        check(record)  # else it would be written and never read again
    except ValueError as error:
        raise InputError(f"{benchmark}: no results that a record can hold: {error}") from None
    return record
