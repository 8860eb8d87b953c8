"""Pairs in tar files of images and captions: webdataset's layout, and TiC's, which is one of it.

    2014/00000.tar    a.jpg  a.txt  a.json {"caption", "uid", time}    b.jpg …
Members of one name, up to its first dot, are one pair. Nothing is ever extracted: members are read into memory, one tar file at a
time, regular files only.
"""
import json
import re
import tarfile
from pathlib import Path, PurePosixPath

from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.errors import InputError

IMAGES = ("jpg", "jpeg", "png", "webp")
LARGEST = 64 * 2**20             # bytes of a member


def read(path: Path, root: Path, columns: Columns) -> Rows:
    """The pairs of one tar file. The slice is the first folder below the root, as in TiC's train/2014/sub/00000000.tar."""
    slice_ = path.relative_to(root).parts[0] if path.parent != root else path.stem
    for key, members in _members(path).items():
        about = _about(path, key, members)
        image = next((members[kind] for kind in IMAGES if kind in members), None)
        said, when = (about.get(columns.called(kind, about)) for kind in ("caption", "time"))
        text = members["txt"].decode("utf-8", "replace") if "txt" in members else str(said or "")
        uid = str(about.get("uid", key.rsplit("-", 1)[0]))
        yield Row(image, text.split("\n")[0], when or _date_of(slice_), f"{path.name}/{key}", slice_, uid)


def _members(path: Path) -> dict[str, dict[str, bytes]]:
    """key -> ending -> content."""
    found: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if not member.isreg() or name.is_absolute() or ".." in name.parts:
                    continue                                     # links, devices, and paths that lead elsewhere
                if member.size > LARGEST:
                    raise InputError(f"{path}: {member.name} has {member.size} bytes, more than {LARGEST}")
                key, _, ending = name.name.partition(".")
                parts = found.setdefault(str(name.parent / key), {})
                if ending.lower() in parts:
                    raise InputError(f"{path}: {member.name} is there twice")
                parts[ending.lower()] = archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a whole tar file: {error}") from error
    return found


def _about(path: Path, key: str, members: dict[str, bytes]) -> dict:
    try:
        about = json.loads(members.get("json", b"{}"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {key}.json is not JSON: {error}") from error
    return about if isinstance(about, dict) else {}


def _date_of(name: str) -> str | None:
    """2014, 201403, 2014-03 or 2014-03-01 as ISO text; None for another name."""
    found = re.fullmatch(r"(\d{4})-?(\d{2})?-?(\d{2})?", name)
    return "-".join(filter(None, found.groups())) if found else None
