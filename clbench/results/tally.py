"""The files beside a record that hold what its evaluations tallied and, where asked for, the curves of its
training: compressed arrays, the seeds first.

Their names have a hash of their content, so a record never names a file that holds something else.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from clbench.core.text import printable
from clbench.results.files import LARGEST, write_atomically
from clbench.results.record import BrokenRecord, Record
from clbench.results.records import path_of

MADE = (1980, 1, 1, 0, 0, 0)  # the time that a file in an archive bears: the same content is the same bytes
TALLY, CURVES, SUFFIX = "--tally-", "--curves-", ".npz"
OF_CURVES = "curve_"  # names of their arrays begin so
BITS = "right"  # packed, eight in a byte; the length stands under the name with this behind it
LENGTH = "_length"


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as an .npz file; bits are packed."""
    packed = dict(arrays)
    if BITS in arrays:
        packed[BITS + LENGTH] = np.array(arrays[BITS].shape[-1])
        packed[BITS] = np.packbits(arrays[BITS], axis=-1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(packed):
            content = io.BytesIO()
            np.lib.format.write_array(content, packed[name], allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", MADE)
            member.compress_type = zipfile.ZIP_LZMA  # of the bits a quarter less than deflated
            archive.writestr(member, content.getvalue())
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """What `pack` packed. ValueError for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST:
                raise ValueError(f"more than {LARGEST >> 20} MiB")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if BITS in arrays:
            length = int(arrays.pop(BITS + LENGTH))
            arrays[BITS] = np.unpackbits(arrays[BITS], axis=-1, count=length).astype(bool)
        _check(arrays)
        return arrays
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # a damaged archive has many
        raise ValueError(str(error) or type(error).__name__) from None


def _check(arrays: Mapping[str, np.ndarray]) -> None:
    if any(array.dtype.kind not in "biuf" or array.ndim < 1 for array in arrays.values()):
        raise ValueError("its arrays hold no numbers")
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError("its arrays hold different numbers of seeds")
    if "seeds" in arrays and (arrays["seeds"].ndim != 1 or arrays["seeds"].dtype.kind not in "iu"):
        raise ValueError("its seeds are no list of numbers")
    confusion = arrays.get("confusion")
    if confusion is not None and (confusion.ndim != 4 or confusion.shape[2] != confusion.shape[3]):
        raise ValueError("its confusion is no square of classes for each seed and row")


def write(record: Record, arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    """Writes the arrays of the record's seeds beside its place and names the files in the record, which is to
    be written next; `remove_others` removes what it named before."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    record.files = {one: sha for one, sha in record.files.items() if not _is_ours(one, path)}
    curves = {name for name in arrays if name.startswith(OF_CURVES)}
    for middle, names in ((TALLY, arrays.keys() - curves), (CURVES, curves)):
        if names:
            content = pack({name: arrays[name] for name in names} | {"seeds": np.array(record.seeds)})
            digest = hashlib.sha256(content).hexdigest()
            name = f"{path.stem}{middle}{digest[:12]}{SUFFIX}"
            write_atomically(path.with_name(name), content)
            record.files[name] = digest


def remove_others(record: Record, folder: Path) -> None:
    """Removes the files beside the record's place that it does not name."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    for one in path.parent.iterdir():
        if _is_ours(one.name, path) and one.name not in record.files:
            one.unlink()


def _is_ours(name: str, path: Path) -> bool:
    return name.startswith((path.stem + TALLY, path.stem + CURVES)) and name.endswith(SUFFIX)


def read(record: Record, folder: Path) -> dict[int, dict[str, np.ndarray]]:
    """seed -> name -> array, of the seeds that the record's files have. BrokenRecord for a file that is not
    what the record says."""
    path = path_of(folder, record.profile, record.benchmark, record.strategy)
    found: dict[int, dict[str, np.ndarray]] = {}
    for name, expected in record.files.items():
        known = name.endswith(SUFFIX) and (TALLY in name or CURVES in name)
        if not known or Path(name).name != name:
            continue
        try:
            content = (path.parent / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != expected:
                raise ValueError("it does not have the SHA-256 that its record says")
            arrays = unpack(content)
            for seed, own in by_seed(arrays.pop("seeds").tolist(), arrays).items():
                found.setdefault(seed, {}).update(own)
        except (OSError, ValueError, KeyError, MemoryError) as error:
            raise BrokenRecord(printable(f"{path.parent / name}: {error}")) from None
    return found


def by_seed(seeds: list[int], arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    return {seed: {name: array[place] for name, array in arrays.items()} for place, seed in enumerate(seeds)}


def joined(several: Mapping[int, Mapping[str, np.ndarray]], seeds: list[int]) -> dict[str, np.ndarray] | None:
    """name -> array, the seeds first, of what all seeds have; None where one of them has nothing."""
    if not seeds or not all(seed in several for seed in seeds):
        return None
    chosen = [several[seed] for seed in seeds]
    shapes = [{(name, array.shape) for name, array in one.items()} for one in chosen]
    common = sorted(name for name, _ in set.intersection(*shapes))
    return {name: np.stack([one[name] for one in chosen]) for name in common} if BITS in common else None
