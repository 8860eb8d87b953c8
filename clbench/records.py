"""Records: one JSON file per (profile, benchmark, strategy), with the seeds as columns. Reading, merging, writing."""
import dataclasses
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clbench import source
from clbench.errors import InputError

SCHEMA = 1
SUMMED = ("setup_s", "train_s", "eval_s", "gpu_hours", "cpu_hours", "energy_wh", "flops", "steps", "samples_seen", "memory_items",
          "memory_bytes", "extra_params")


class BrokenRecord(Exception):
    """A file that is no record we can read; says which and why."""


@dataclass
class Record:
    """What was measured of one pair under one profile."""

    benchmark: str                           # canonical spec
    strategy: str                            # canonical spec
    profile: str
    backend: str                             # native | avalanche
    key: str                                 # hash of all that the numbers depend on, but for seeds and hardware
    source: str                              # digest of the source code alone (part of the key)
    modules: list[str]                       # where that source begins
    data: str                                # fingerprint
    settings: dict                           # scenario, network, budget, resolved arguments, precision
    status: str = "ok"                       # ok | failed | diverged | unsupported
    error: dict | None = None                # reason, and where known seed, task, step, traceback
    seeds: list[int] = field(default_factory=list)
    acc: list = field(default_factory=list)  # [S, T+1, E]; a cell that does not exist is null
    groups: list[dict] = field(default_factory=list)     # per seed group: seeds, cost sheet, provenance
    schema: int = SCHEMA

    @property
    def array(self) -> np.ndarray:
        """acc [S, T+1, E] as float64, NaN where a cell does not exist."""
        return np.array(self.acc, dtype=np.float64)

    def measured(self, name: str) -> np.ndarray | None:
        """What else the stream measures, as `array`; None where it does not."""
        found = {seed: rows for group in self.groups if name in group.get("arrays", {})
                 for seed, rows in zip(group["seeds"], group["arrays"][name], strict=True)}
        return np.array([found[seed] for seed in self.seeds], dtype=np.float64) if found else None

    def cost(self, name: str) -> float | None:
        """A figure of the cost sheet per seed: groups add up and are divided by the seeds, peaks take the largest."""
        values = [group["costs"].get(name) for group in self.groups]
        if not values or any(value is None for value in values):
            return None
        return sum(values) / len(self.seeds) if name in SUMMED else max(values)

    def add(self, group: dict, acc: list) -> None:
        """Merges another seed group: its seeds (in order of number), array and costs."""
        seeds = self.seeds + group["seeds"]
        order = sorted(range(len(seeds)), key=seeds.__getitem__)
        arrays = self.acc + acc
        self.seeds, self.acc = [seeds[i] for i in order], [arrays[i] for i in order]
        self.groups = sorted([*self.groups, group], key=lambda one: one["seeds"])


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


def check_writable(folder: Path) -> None:
    """Refuses a folder that can't be written, without making it."""
    there = next(parent for parent in [folder.absolute(), *folder.absolute().parents] if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot write there")


def write(record: Record, folder: Path) -> Path:
    """Writes the record to its place under the folder: complete or not at all."""
    content = dataclasses.asdict(record)
    content["sha256"] = _hash(content)
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    write_atomically(path, readable(content))
    return path


def write_atomically(path: Path, text: str) -> None:
    """To a temporary file, fsynced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read(path: Path) -> Record:
    """The record in this file; BrokenRecord if it isn't one that this version reads."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenRecord(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(content, dict) or "schema" not in content:
        raise BrokenRecord(f"{path}: no record of clbench")
    if content["schema"] != SCHEMA:
        raise BrokenRecord(f"{path}: schema {content['schema']}, this version reads {SCHEMA}; left alone")
    try:
        if content.pop("sha256", None) != _hash(content):
            raise BrokenRecord(f"{path}: its content does not match its sha256")
        return Record(**content)
    except ValueError:
        raise BrokenRecord(f"{path}: holds a number that is not finite, which no record does") from None
    except TypeError:
        raise BrokenRecord(f"{path}: fields that this version does not know") from None


def load(folder: Path, profile: str = "*") -> tuple[list[Record], list[str]]:
    """(all records under a results folder, one line for each file that is no record)."""
    records, problems = [], []
    for path in sorted(Path(folder).glob(f"{profile}/*/*.json")):
        try:
            records.append(read(path))
        except BrokenRecord as error:
            problems.append(str(error))
    return records, problems


def imported(benchmark: str, strategy: str, slices: list[str], step_of: list[int], matrix: np.ndarray) -> Record:
    """A record of results [T, E] that other code has made; nothing is known of its untrained network. step_of [E]: the step,
    from 1, that each slice belongs to."""
    cells = [[None if cell != cell else cell for cell in row] for row in matrix.tolist()]
    settings = {"scenario": "pairs", "slices": slices, "step_of": step_of}
    return Record(benchmark, strategy, "imported", "imported", key="", source=source.digest([]), modules=[], data="",
                  settings=settings, seeds=[0], acc=[[[None] * len(slices), *cells]],
                  groups=[{"seeds": [0], "costs": {}, "concurrent": 1, "provenance": {}}])


def _hash(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()


def readable(content: dict) -> str:
    """JSON with one line per field and per row of the array. Line breaks are never inside a string, so texts stay as
    they are."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    rows = re.compile(r"\[\n *([^\[\]{}]*?)\n *\]")
    return rows.sub(lambda found: "[" + re.sub(r",\n *", ", ", found[1]) + "]", text) + "\n"
