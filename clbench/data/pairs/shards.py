"""Reads pairs from tar files of images and captions, in the layout of webdataset, which TiC-CLIP's files
have too.

    2014/00000.tar    a.jpg  a.txt  a.json {"caption", "uid", time}    b.jpg …

Members whose names agree up to the first dot are one pair. Nothing is ever extracted: regular members are
read into memory, one tar file at a time.
"""

import json
import tarfile
from pathlib import Path, PurePosixPath

from clbench.data.pairs import dates, tic
from clbench.data.pairs.rows import Columns, Row, Rows, captions_in, slice_of
from clbench.errors import InputError

IMAGES = ("jpg", "jpeg", "png", "webp")
LARGEST = 64 * 2**20  # bytes of a member


def read(path: Path, root: Path, columns: Columns) -> Rows:
    """Yields the pairs of one tar file, one for each caption.

    Their slice is the first folder below the root: 2014 in TiC's train/2014/sub/00000000.tar. A caption is
    all lines of the text, or what the JSON says where the text is empty or there is none.
    """
    slice_ = slice_of(path, root).removesuffix(".tar")
    for key, members in _members(path).items():
        place = f"{path.name}/{key}"
        metadata = _metadata(members)
        problem = "metadata that are no JSON object" if metadata is None else None
        metadata = metadata or {}
        image = next((members[kind] for kind in IMAGES if kind in members), None)
        when = metadata.get(columns.name_of("time", metadata)) or dates.of_name(slice_)
        text = " ".join(members.get("txt", b"").decode("utf-8-sig", "replace").split())
        captions = [text] if text else captions_in(metadata.get(columns.name_of("caption", metadata)), place)
        for caption in captions:
            yield Row(image, caption, when, place, slice_, _uid(key, metadata), problem)


def _uid(key: str, metadata: dict) -> str | None:
    """The pair's uid by its metadata, or by its key where that holds one, as TiC's have it: {uid}-0. Another
    key is only a number within its own set."""
    if metadata.get("uid") is not None:
        return str(metadata["uid"])
    name = PurePosixPath(key).name.rsplit("-", 1)[0]
    return None if tic.parse_uid(name) is None else name


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
            _stop_if_cut(archive, path)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a whole tar file: {error}") from error
    return members


def _stop_if_cut(archive: tarfile.TarFile, path: Path) -> None:
    """Raises InputError where no block of zeros ends the archive: a file that was cut between two members
    looks whole otherwise."""
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise InputError(f"{path} is not a whole tar file: it has no end; copy or download it again")


def _metadata(members: dict[str, bytes]) -> dict | None:
    """What the JSON member of a pair holds, empty if there is none; None if it is no JSON object."""
    try:
        metadata = json.loads(members.get("json", b"{}"))
    except (ValueError, RecursionError):
        return None
    return metadata if isinstance(metadata, dict) else None
