"""Taking over what others have measured: what is new, what joins the seeds of a pair that is here, what
contradicts it. Nothing that is here is ever replaced by something else."""

import copy
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from clbench.core.differences import changed_fields
from clbench.errors import InputError
from clbench.results import archive, imported, records, verification
from clbench.results.files import write_atomically
from clbench.results.imported import Imported, load_imported
from clbench.results.record import BrokenRecord, Group, Matrix, Record
from clbench.results.record_checks import check

OUTCOMES = ("new", "merged", "there already", "conflict")


class Conflict(Exception):
    """Two records of a pair cannot both hold. The message says why."""


@dataclass(frozen=True)
class Step:
    """What becomes of one record or imported row."""

    outcome: str  # of OUTCOMES
    name: str
    detail: str


class Plan:
    """What an import does to a results folder. Everything is read and compared first; `write` then writes."""

    def __init__(self, out: Path):
        self.out = out
        self.steps: list[Step] = []
        self._standing: dict[Path, Record] = {}  # place -> the record as it will be there
        self._content: dict[Path, bytes] = {}  # of files, in the order of writing
        self._notes: dict[str, verification.Notes] = {}  # by profile, those of the folder with the new ones
        self._rows: dict[str, dict[tuple, Imported]] = {}  # by profile and key, likewise
        self.rows_added: list[Imported] = []

    def add_folder(self, folder: Path) -> list[str]:
        """Adds all that another results folder holds. Gives one line for each file that is left out."""
        found, problems = records.load(folder)
        for record in found:
            try:
                beside = archive.files_of(record, folder)
            except BrokenRecord as error:
                problems.append(str(error))
            else:
                self._add(record, folder, beside)
        rows, broken = load_imported(folder)
        self.add_rows(rows)
        return [*problems, *broken]

    def add_rows(self, rows: list[Imported]) -> None:
        for row in rows:
            there = self._rows_of(row.profile).setdefault(row.key, row)
            if there is row:
                self.rows_added.append(row)
            told = "" if there == row else f"{_values(there)} here, {_values(row)} to come"
            outcome = "new" if there is row else "conflict" if told else "there already"
            self._tell(outcome, (row.profile, row.benchmark, row.strategy, row.metric), told)

    def write(self) -> None:
        """A record is written after the files that belong to it."""
        for path, content in self._content.items():
            write_atomically(path, content)
        for profile, notes in self._notes.items():
            verification.write(self.out, profile, notes)
        for profile in sorted({row.profile for row in self.rows_added}):
            imported.write(self.out, profile, self._rows[profile].values())

    def _tell(self, outcome: str, names: tuple[str, ...], detail: str) -> None:
        self.steps.append(Step(outcome, "  ".join(names), detail))

    def _add(self, record: Record, folder: Path, beside: dict[str, bytes]) -> None:
        names = record.profile, record.benchmark, record.strategy
        path = records.path_of(folder, *names)
        place = self.out / path.relative_to(folder)
        try:
            ours = self._standing.get(place) or records.find(self.out, *names)
            joined = join(ours, record) if ours else record
            files = self._new_files(place.parent, beside)
        except (Conflict, BrokenRecord) as error:
            self._tell("conflict", names, str(error))
            return
        if joined is ours:
            self._tell("there already", names, "" if _holds(ours, record) else "same values, another run")
            return
        self._standing[place] = joined
        self._content |= files
        if ours is None:
            self._content[place] = path.read_bytes()
            self._add_note(record, folder, record.sha256)
            self._tell("new", names, f"{record.status}, {len(record.seeds)} seeds")
        else:
            self._content[place] = records.signed(joined).encode()
            if ours.verified == record.verified:
                self._add_note(record, folder, joined.sha256)
            self._tell("merged", names, f"{len(ours.seeds)} seeds, now {len(joined.seeds)}")

    def _new_files(self, folder: Path, beside: dict[str, bytes]) -> dict[Path, bytes]:
        """Those that are not there; Conflict where another file has the name."""
        found = {folder / name: content for name, content in beside.items()}
        for path, content in found.items():
            another = path.exists() and not (path.is_file() and path.read_bytes() == content)
            if another or self._content.get(path, content) != content:  # or of another source
                raise Conflict(f"another {path.name} is here")
        return {path: content for path, content in found.items() if not path.exists()}

    def _add_note(self, record: Record, folder: Path, sha256: str) -> None:
        """What was verified of a record is true wherever it lies. sha256: of the record that lies here."""
        if record.verified is None:
            return
        try:
            there = self._notes.get(record.profile) or verification.read(self.out, record.profile)
        except verification.BrokenNotes as error:
            raise InputError(f"{error}; nothing imported") from None
        note = verification.read(folder, record.profile)[record.benchmark][record.strategy]
        of_benchmark = there.get(record.benchmark, {}) | {record.strategy: replace(note, record=sha256)}
        self._notes[record.profile] = there | {record.benchmark: of_benchmark}

    def _rows_of(self, profile: str) -> dict[tuple, Imported]:
        if profile not in self._rows:
            rows, problems = load_imported(self.out, profile)
            if problems:
                raise InputError(f"{problems[0]}; nothing imported")
            self._rows[profile] = {row.key: row for row in rows}
        return self._rows[profile]


def join(ours: Record, theirs: Record) -> Record:
    """Ours with those seed groups of theirs that it lacks; ours itself where it lacks none: the same seeds
    with the same values are there already, whatever another run of them has cost. Conflict for two records
    that cannot be one."""
    if ours.sha256 == theirs.sha256:
        return ours
    if reason := _difference(ours, theirs):
        raise Conflict(reason)
    held, new = _by_seed(ours), _by_seed(theirs)
    if other := sorted(
        seed
        for seed in held.keys() & new.keys()
        if held[seed] != new[seed] or _weights_differ(ours, theirs, seed)
    ):
        raise Conflict(f"seeds {', '.join(map(str, other))} are here with other values")
    lacking = [one for one in _groups(theirs) if not {*one[0].seeds} <= held.keys()]
    if twice := sorted({seed for group, _ in lacking for seed in group.seeds} & held.keys()):
        raise Conflict(f"seeds {', '.join(map(str, twice))} are here, and were trained with others there")
    if not lacking:
        return ours
    joined = copy.deepcopy(ours)
    for group, acc in lacking:
        joined.add(copy.deepcopy(group), acc)
    joined.files = ours.files | theirs.files
    try:
        check(joined)
    except ValueError as error:
        raise Conflict(f"no record could hold both: {error}") from None
    return joined


def _difference(ours: Record, theirs: Record) -> str | None:
    """What makes them no parts of one record, if their seeds do not."""
    for name in ("status", "backend", "data", "source"):
        own, other = getattr(ours, name), getattr(theirs, name)
        if own != other:
            return f"{name} {own} here, {other} to come"
    if ours.status != "ok" and (ours.seeds, ours.error) != (theirs.seeds, theirs.error):
        return f"two records that are {ours.status}, and differ"
    if changes := changed_fields(ours.settings, theirs.settings):
        return f"settings, here -> to come: {', '.join(changes[:3])}{', …' * (len(changes) > 3)}"
    clash = [name for name in ours.files if theirs.files.get(name, ours.files[name]) != ours.files[name]]
    return f"another {clash[0]} belongs to the one that is here" if clash else None


def _groups(record: Record) -> list[tuple[Group, list[Matrix]]]:
    by_seed = dict(zip(record.seeds, record.acc, strict=True))
    return [(group, [by_seed[seed] for seed in group.seeds]) for group in record.groups]


def _by_seed(record: Record) -> dict[int, tuple]:
    """seed -> what was measured of it."""
    return {
        seed: (acc[i], {name: matrices[i] for name, matrices in group.arrays.items()})
        for group, acc in _groups(record)
        for i, seed in enumerate(group.seeds)
    }


def _holds(ours: Record, theirs: Record) -> bool:
    """Whether its very runs are among ours; of pictures a record keeps only those of its first group."""
    held, new = ([replace(group, pictures=None) for group in one.groups] for one in (ours, theirs))
    return all(group in held for group in new)


def _weights_differ(ours: Record, theirs: Record, seed: int) -> bool:
    """Not where one does not say them."""
    return len({record.weights[seed] for record in (ours, theirs) if seed in record.weights}) > 1


def _values(row: Imported) -> str:
    return f"{row.mean!r} (sd {row.sd}, n {row.n})"
