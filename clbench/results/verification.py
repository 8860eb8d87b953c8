"""Which records other source code has been found to compute again, bit for bit: one file for each profile,
beside the records, which are never rewritten. `clbench verify` writes it."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from clbench.core.text import printable
from clbench.results.files import read_json, readable, write_atomically

if TYPE_CHECKING:
    from clbench.results.record import Record

SCHEMA = 1


class BrokenNotes(Exception):
    """A file is no verification that this version reads. The message says which file and why."""


class Note(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One record that the source code computes again."""

    record: str  # the record's SHA-256
    source: str  # digest of the source code that computes the same
    # Commit that it was compared with, which made the record or was itself verified
    against: str
    commit: str  # commit of the source code
    dirty: bool  # it had changes that were not committed
    date: str
    platform: str  # processor, instruction set and libraries
    remark: str = ""
    origin: str = ""  # digest of the source code of the commit that it was compared with


Notes = dict[str, dict[str, Note]]  # benchmark -> strategy -> note


class _File(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    verified: Notes


def path_of(folder: Path, profile: str) -> Path:
    return Path(folder) / profile / "verification.json"


def read(folder: Path, profile: str) -> Notes:
    """The profile's notes; none where there is no file. BrokenNotes for a file that this version does not
    read."""
    path = path_of(folder, profile)
    return _read(path, path.lstat().st_mtime_ns) if os.path.lexists(path) else {}


@lru_cache
def _read(path: Path, modified: int) -> Notes:
    try:
        content = msgspec.convert(read_json(path), _File)
        if content.schema != SCHEMA:
            raise ValueError(f"schema {content.schema}, this version reads {SCHEMA}; left alone")
    except ValueError as error:
        raise BrokenNotes(printable(f"{path}: no verification of clbench ({error})")) from None
    return content.verified


def write(folder: Path, profile: str, notes: Notes) -> None:
    write_atomically(path_of(folder, profile), as_text(notes))


def as_text(notes: Notes) -> str:
    """One line for each note, so that changes show line by line."""
    ordered = {benchmark: dict(sorted(notes[benchmark].items())) for benchmark in sorted(notes)}
    lines = readable(msgspec.to_builtins(_File(SCHEMA, {name: {} for name in ordered})))
    for benchmark, by_strategy in ordered.items():
        rows = [
            f"   {json.dumps(strategy)}: {msgspec.json.encode(note).decode()}"
            for strategy, note in by_strategy.items()
        ]
        empty = f"  {json.dumps(benchmark, ensure_ascii=False)}: {{}}"
        lines = lines.replace(empty, f"{empty[:-1]}\n" + ",\n".join(rows) + "\n  }")
    return lines


def verified_source(notes: Notes, record: "Record") -> str | None:
    """The digest of the source code that was verified for this very record."""
    note = notes.get(record.benchmark, {}).get(record.strategy)
    return note.source if note and record.sha256 and note.record == record.sha256 else None
