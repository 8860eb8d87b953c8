"""Records: one JSON file for each pair (benchmark x strategy) of a profile, with the seeds as columns."""
import hashlib
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np

from clbench.core.costs import COSTS
from clbench.results import verification
from clbench.results.files import readable, write_atomically

SCHEMA = 2

# [T+1, E] accuracies of one seed; None where a cell does not exist
Matrix = list[list[float | None]]


class BrokenRecord(Exception):
    """A file is no record that this version reads. The message says which file and why."""


class Failure(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Why a pair has no values, or only some."""

    reason: str
    seed: int | None = None
    task: int | None = None                  # from 1
    step: int | None = None
    seeds: list[int] | None = None           # of the group that broke off
    traceback: str | None = None


class Group(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of seeds that were trained together. Fields to come are optional, so older records stay
    readable."""

    seeds: list[int]
    costs: dict[str, float | int | None]     # the cost sheet, all seeds of the group together
    concurrent: int                          # groups that ran at the same time
    provenance: dict[str, str | int | float | bool | None]
    notes: list[str] = []
    arrays: dict[str, list[Matrix]] = {}     # what else the stream measures, by name; a matrix for each seed
    slice_sizes: list[int] | None = None     # [E] examples in each evaluation slice; None in older records

    def __post_init__(self) -> None:
        for name, matrices in self.arrays.items():
            if len(matrices) != len(self.seeds):
                raise ValueError(f"{len(matrices)} matrices {name} for {len(self.seeds)} seeds")


class Record(msgspec.Struct, dict=True, forbid_unknown_fields=True):
    """What was measured of one pair under one profile."""

    benchmark: str                           # canonical spec
    strategy: str                            # canonical spec
    profile: str
    backend: str                             # native | avalanche | imported
    source: str                              # digest of the source code that made it
    data: str                                # fingerprint
    settings: dict[str, Any]                 # scenario, network, budget, resolved arguments, precision
    status: str = "ok"                       # ok | failed | diverged | unsupported
    error: Failure | None = None
    seeds: list[int] = []
    acc: list[Matrix] = []                   # a matrix for each seed
    groups: list[Group] = []
    files: dict[str, str] = {}               # files that belong to the record, by name: their SHA-256
    schema: int = SCHEMA
    sha256: str = ""                         # of everything above

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
        by_seed = {seed: matrix for group in self.groups if name in group.arrays
                   for seed, matrix in zip(group.seeds, group.arrays[name], strict=True)}
        return np.array([by_seed[seed] for seed in self.seeds], dtype=np.float64) if by_seed else None

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
    content = msgspec.to_builtins(record)
    content["sha256"] = record.sha256 = content_hash(content)
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    write_atomically(path, readable(content))
    return path


def content_hash(content: dict) -> str:
    """SHA-256 of all fields but `sha256` itself."""
    hashed = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True, allow_nan=False).encode()).hexdigest()


# ---- reading

def read(path: Path) -> Record:
    """The record in this file; BrokenRecord if it isn't one that this version reads."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenRecord(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(content, dict) or "schema" not in content:
        raise BrokenRecord(f"{path}: no record of clbench")
    if content["schema"] not in (1, SCHEMA):
        raise BrokenRecord(f"{path}: schema {content['schema']}, this version reads {SCHEMA}; left alone")
    try:
        if content.get("sha256") != content_hash(content):
            raise BrokenRecord(f"{path}: its content does not match its sha256")
    except ValueError:
        raise BrokenRecord(f"{path}: holds a number that is not finite, which no record does") from None
    try:
        return msgspec.convert(from_schema_1(content) if content["schema"] == 1 else content, Record)
    except (msgspec.ValidationError, LookupError, TypeError, AttributeError) as error:
        raise BrokenRecord(f"{path}: no record that this version knows ({error})") from None


def from_schema_1(content: dict) -> dict:
    """The same record in today's form. Its hash stays that of its file.

    Schema 1 also kept the modules where the source began and a hash of all that the values depend on, and
    settings of the benchmark that say nothing (null). What a stream of pairs now calls slices, it called
    steps.
    """
    content = {name: value for name, value in content.items() if name not in ("key", "modules")}
    settings = dict(content["settings"])
    if "benchmark" in settings:
        settings["benchmark"] = {"slices" if name == "steps" else name: value
                                 for name, value in settings["benchmark"].items() if value is not None}
    error = content["error"]
    if error is not None:
        error = {name: value for name, value in error.items() if name in Failure.__struct_fields__}
    return content | {"settings": settings, "error": error, "schema": SCHEMA}


def find(folder: Path, profile: str, benchmark: str, strategy: str) -> Record | None:
    """The record of a pair, with what was verified of it; None where there is none."""
    path = path_of(folder, profile, benchmark, strategy)
    if not path.exists():
        return None
    record = read(path)
    _add_verification(record, folder)
    return record


def _add_verification(record: Record, folder: Path) -> None:
    """Notes in the record what was verified of it."""
    source = verification.verified_source(_notes(folder, record.profile), record)
    record.verified = source                 # type: ignore[misc]    # a class variable, so that it is no field of the file


def _notes(folder: Path, profile: str) -> verification.Notes:
    try:
        return verification.read(folder, profile)
    except verification.BrokenNotes as error:
        raise BrokenRecord(str(error)) from None


def load(folder: Path, profile: str = "*") -> tuple[list[Record], list[str]]:
    """(all records under a results folder, one line for each file that is no record)."""
    records: list[Record] = []
    problems: list[str] = []
    for path in sorted(Path(folder).glob(f"{profile}/*/*.json")):
        try:
            record = read(path)
            records.append(record)
            _add_verification(record, folder)
        except BrokenRecord as error:
            problems.append(str(error))
    return records, list(dict.fromkeys(problems))


def record_of_matrix(benchmark: str, strategy: str, slices: list[str], step_of: list[int], matrix: np.ndarray) -> Record:
    """A record of results [T, E] that other code has made; nothing is known of its untrained network. step_of
    [E]: the step, from 1, that each slice belongs to."""
    cells = [[None if cell != cell else cell for cell in row] for row in matrix.tolist()]
    settings = {"scenario": "pairs", "slices": slices, "step_of": step_of}
    return Record(benchmark, strategy, "imported", "imported", source="", data="", settings=settings, seeds=[0],
                  acc=[[[None] * len(slices), *cells]], groups=[Group([0], {}, 1, {})])
