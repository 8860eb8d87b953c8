"""Records of the past: those of a results folder as a commit has it, and of one pair over the commits."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clbench.core.text import printable
from clbench.metrics.references import REFERENCES
from clbench.results import records
from clbench.results.record import BrokenRecord, Record
from clbench.results.repository import Commit, Place, commits_of, unpack

Found = tuple[list[Record], list[str]]  # and a line for each file that is no record


def records_at(place: Place, commit: Commit, profile: str = "*") -> Found | None:
    """As `records.load`, of a commit; None where it does not have the folder."""
    with _unpacked(place, commit) as folder:
        return None if folder is None else _named(records.load(folder, profile), folder, place, commit)


def pair_at(place: Place, commit: Commit, profile: str, benchmark: str, strategy: str) -> Found:
    """As `pair_of`, of a commit."""
    within = f"{profile}/{records.file_name(benchmark)}"
    with _unpacked(place, commit, within) as folder:
        if folder is None:
            return [], []
        return _named(pair_of(folder, profile, benchmark, strategy), folder, place, commit)


def pair_of(folder: Path, profile: str, benchmark: str, strategy: str) -> Found:
    """The record of a pair, if it is there, and those that metrics compare it with."""
    found, problems = [], []
    for name in dict.fromkeys((strategy, *REFERENCES)):
        try:
            record = records.find(folder, profile, benchmark, name)
        except BrokenRecord as error:
            problems.append(str(error))
        else:
            found += [record] if record else []
    return found, problems


def commits_with(place: Place, profile: str, benchmark: str, strategy: str) -> list[Commit]:
    """The commits up to today's that changed the record of a pair, oldest first."""
    path = records.path_of(Path(place.inside), profile, benchmark, strategy)
    return commits_of(place.top, path.as_posix())


@contextmanager
def _unpacked(place: Place, commit: Commit, within: str = "") -> Iterator[Path | None]:
    """The results folder as the commit has it, or of it what lies within a folder."""
    with tempfile.TemporaryDirectory() as name:
        path = "/".join(filter(None, (place.inside, within)))
        yield Path(name) if unpack(place.top, commit.name, path, Path(name, within)) else None


def _named(found: Found, folder: Path, place: Place, commit: Commit) -> Found:
    """With the commit in place of the folder that it was unpacked into."""
    here = f"{commit.short}:{place.inside}".rstrip("/")
    return found[0], [printable(line.replace(str(folder), here)) for line in found[1]]
