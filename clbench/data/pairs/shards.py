"""Reads pairs from tar files of images and captions, in the layout of webdataset, which TiC-CLIP's files
have too.

    2014/00000.tar    a.jpg  a.txt  a.json {"caption", "uid", time}    b.jpg …

Members whose names agree up to the first dot are one pair. Nothing is ever extracted: regular members are
read into memory, one tar file at a time.
"""

import json
import re
import tarfile
from pathlib import Path, PurePosixPath

from clbench.data.pairs.rows import Columns, Row, Rows
from clbench.errors import InputError

IMAGES = ("jpg", "jpeg", "png", "webp")
LARGEST = 64 * 2**20  # bytes of a member


def read(path: Path, root: Path, columns: Columns) -> Rows:
    """Yields the pairs of one tar file.

    Their slice is the first folder below the root: 2014 in TiC's train/2014/sub/00000000.tar.
    """
    slice_ = path.relative_to(root).parts[0] if path.parent != root else path.stem
    for key, members in _members(path).items():
        metadata = _metadata(path, key, members)
        image = next((members[kind] for kind in IMAGES if kind in members), None)
        when = metadata.get(columns.name_of("time", metadata)) or _date_of(slice_)
        if "txt" in members:
            text = members["txt"].decode("utf-8", "replace")
        else:
            text = str(metadata.get(columns.name_of("caption", metadata)) or "")
        uid = str(metadata.get("uid", key.rsplit("-", 1)[0]))
        yield Row(image, text.split("\n")[0], when, f"{path.name}/{key}", slice_, uid)


def _members(path: Path) -> dict[str, dict[str, bytes]]:
    """key -> ending -> content of the members; the key is a member's name up to its first dot."""
    members: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if not member.isreg() or name.is_absolute() or ".." in name.parts:
                    continue  # links, devices, and paths that lead elsewhere
                if member.size > LARGEST:
                    raise InputError(f"{path}: {member.name} has {member.size} bytes, more than {LARGEST}")
                key, _, ending = name.name.partition(".")
                pair = members.setdefault(str(name.parent / key), {})
                if ending.lower() in pair:
                    raise InputError(f"{path}: {member.name} is there twice")
                content = archive.extractfile(member)
                assert content is not None  # it is a regular file
                pair[ending.lower()] = content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a whole tar file: {error}") from error
    return members


def _metadata(path: Path, key: str, members: dict[str, bytes]) -> dict:
    """What the JSON member of a pair holds; empty if there is none or it is no object."""
    try:
        metadata = json.loads(members.get("json", b"{}"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {key}.json is not JSON: {error}") from error
    return metadata if isinstance(metadata, dict) else {}


def _date_of(name: str) -> str | None:
    """The ISO date in a folder's name: 2014, 201403, 2014-03 or 2014-03-01; None for another name."""
    found = re.fullmatch(r"(\d{4})-?(\d{2})?-?(\d{2})?", name)
    return "-".join(filter(None, found.groups())) if found else None
