"""The files of records: where they lie, one JSON file for each, how they are written and read."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from clbench.core.text import printable
from clbench.errors import InputError
from clbench.results import verification
from clbench.results.files import read_json, readable, write_atomically
from clbench.results.record import SCHEMA, BrokenRecord, Failure, Group, Record
from clbench.results.record_checks import check

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
