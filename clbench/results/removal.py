"""Taking records out of a results folder, with all that belongs to them."""

from pathlib import Path

from clbench.results import verification
from clbench.results.record import Record
from clbench.results.records import path_of


def belongings(record: Record, folder: Path) -> list[Path]:
    """The record's file and the files beside it that belong to it, those that are there."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    # A name that leads out of the folder is no file of a record that we wrote.
    beside = [path.parent / name for name in record.files if Path(name).name == name]
    return [one for one in (*beside, path) if one.is_file()]


def remove(records: list[Record], folder: Path) -> None:
    """Removes these records, their files, and what was verified of them.

    The record's own file goes last, so what is broken off can be asked for again.
    """
    for profile in {record.profile for record in records}:
        _forget([record for record in records if record.profile == profile], folder, profile)
    for record in records:
        path = path_of(folder, record.profile, record.benchmark, record.strategy)
        for one in belongings(record, folder):
            one.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def _forget(records: list[Record], folder: Path, profile: str) -> None:
    """Takes the notes of these records out of the profile's verification."""
    gone = {(record.benchmark, record.strategy) for record in records}
    notes = verification.read(folder, profile)
    kept = {
        benchmark: left
        for benchmark, by_strategy in notes.items()
        if (left := {name: note for name, note in by_strategy.items() if (benchmark, name) not in gone})
    }
    if kept != notes:
        verification.write(folder, profile, kept)
