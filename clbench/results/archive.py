"""One file that holds records with all that belongs to them: a zip of a results folder, with checksums.

An archive is read with suspicion: whatever is wrong with it is found out before anything of it is used.
"""

import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from clbench.core.text import printable
from clbench.errors import InputError
from clbench.results import verification
from clbench.results.files import LARGEST, write_atomically
from clbench.results.record import BrokenRecord, Record
from clbench.results.records import path_of
from clbench.results.tally import MADE

CHECKSUMS = "checksums.sha256"  # as `sha256sum -c` reads them
MOST = 100_000  # files in an archive
WHOLE = 1 << 30  # bytes of all of them
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
)


# ---- what belongs together


def contents(chosen: list[Record], folder: Path) -> dict[str, bytes]:
    """name -> content, below the folder: the records' files as they are, the files that belong to them, and
    what was verified of them. Raises BrokenRecord or BrokenNotes where some of it is not as it should be."""
    found: dict[str, bytes] = {}
    for record in chosen:
        path = path_of(folder, record.profile, record.benchmark, record.strategy)
        for name, content in files_of(record, folder).items():
            found[(path.parent / name).relative_to(folder).as_posix()] = content
        found[path.relative_to(folder).as_posix()] = path.read_bytes()
    for profile in {record.profile for record in chosen}:
        if notes := notes_of([record for record in chosen if record.profile == profile], folder, profile):
            place = verification.path_of(folder, profile)
            found[place.relative_to(folder).as_posix()] = verification.as_text(notes).encode()
    return found


def files_of(record: Record, folder: Path) -> dict[str, bytes]:
    """name -> content of each file that belongs to the record, beside it. BrokenRecord for one that is not
    there, or not what the record says."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    found = {}
    for name, expected in record.files.items():
        # A record among them would come in unread.
        if Path(name).name != name or name.startswith(".") or name.endswith(".json"):
            raise BrokenRecord(printable(f"{path}: {name} is no name of a file that belongs to it"))
        try:
            found[name] = (path.parent / name).read_bytes()
        except OSError as error:
            raise BrokenRecord(printable(f"{path}: its file {name}: {error.strerror}")) from None
        if _digest(found[name]) != expected:
            raise BrokenRecord(printable(f"{path}: its file {name} does not have the SHA-256 that it says"))
    return found


def notes_of(chosen: list[Record], folder: Path, profile: str) -> verification.Notes:
    """What was verified of these very records."""
    notes, found = verification.read(folder, profile), verification.Notes()
    for record in chosen:
        if verification.verified_source(notes, record):
            found.setdefault(record.benchmark, {})[record.strategy] = notes[record.benchmark][record.strategy]
    return found


# ---- the archive


def pack(path: Path, content: Mapping[str, bytes]) -> None:
    """Writes the archive, with the checksums of all that it holds."""
    _check_size(path, len(content), [len(one) for one in content.values()])
    lines = [f"{_digest(content[name])}  {_safe(name, path)}\n" for name in sorted(content)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in sorted({**content, CHECKSUMS: "".join(lines).encode()}.items()):
            member = zipfile.ZipInfo(name, MADE)
            member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16  # as on Unix
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, one)
    write_atomically(path, buffer.getvalue())


def unpack(path: Path, folder: Path) -> None:
    """Writes what the archive holds into an empty folder. InputError for what is no archive of `pack`, or is
    not what its checksums say."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path)
            expected = _checksums(archive.read(members.pop(CHECKSUMS)), path)
            if odd := sorted(expected.keys() ^ members.keys()):
                which = "lacks" if odd[0] in expected else f"holds what {CHECKSUMS} does not name:"
                raise InputError(f"{path} {which} {odd[0]}")
            for name, member in members.items():
                content = archive.read(member)
                if _digest(content) != expected[name]:
                    raise InputError(f"{path}: {name} is not what {CHECKSUMS} says: it was changed since")
                place = folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: no archive that `clbench results export` wrote, or a broken one ({reason})"
        ) from None


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The files in the archive by name, once it is sure that they may be unpacked."""
    infos = archive.infolist()
    _check_size(path, len(infos), [info.file_size for info in infos])
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() and kind in (0, stat.S_IFDIR):
            continue
        if kind not in (0, stat.S_IFREG):
            raise InputError(f"{path}: {info.filename} is a link or a device; only files are taken")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise InputError(f"{path}: {info.filename} is compressed in a way of its own, or encrypted")
        if info.filename in members:
            raise InputError(f"{path} holds {info.filename} twice")
        members[_safe(info.filename, path)] = info
    if CHECKSUMS not in members:
        raise InputError(f"{path} has no {CHECKSUMS}: no archive that `clbench results export` wrote")
    return members


def _safe(name: str, path: Path) -> str:
    """The name, if it stays below the folder that it is unpacked into."""
    parts = PurePosixPath(name).parts
    if name != "/".join(parts) or ".." in parts or "\\" in name or printable(name) != name or ":" in parts[0]:
        raise InputError(f"{path}: {name!r} leads out of a results folder, or is no name in one")
    return name


def _check_size(path: Path, number: int, sizes: list[int]) -> None:
    """What is unpacked has to fit: a small archive can hold a lot."""
    if number > MOST or max(sizes, default=0) > LARGEST or sum(sizes) > WHOLE:
        raise InputError(
            f"{path}: at most {MOST:,} files of {LARGEST >> 20} MiB, {WHOLE >> 20} MiB in all, are taken"
        )


def _checksums(content: bytes, path: Path) -> dict[str, str]:
    """name -> SHA-256."""
    found = {}
    for number, line in enumerate(content.decode().splitlines(), 1):
        matched = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not matched:
            raise InputError(f"{path}: {CHECKSUMS}, line {number}: no SHA-256 and a name")
        found[matched[2]] = matched[1]
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
