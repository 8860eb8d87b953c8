"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as tensors, for the benchmarks that split them into tasks.

They are read from the unpacked folder or from the archive, in torchvision's layout. The files are pickles,
and a pickle can run code: they are read only when their md5 sums are the published ones, or when
`CLBENCH_ACCEPT_DATA` names this very copy, and then by an unpickler that knows arrays and plain types only.
"""

import hashlib
import io
import os
import pickle
import tarfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clbench.data import files
from clbench.data.files import File, Published
from clbench.data.labelled.sources import Images, as_images
from clbench.errors import InputError

SHAPE = (32, 32, 3)
SITE = ("https://www.cs.toronto.edu/~kriz/",)


class Cifar(NamedTuple):
    """What is known of one of the two data sets before its files are read."""

    archive: Published
    folder: str  # name of the folder of unpacked files, also within the archive
    train: dict[str, str]  # file name -> md5
    test: dict[str, str]
    labels: str  # key of the labels in the pickles
    classes: int
    mean: tuple[float, ...]  # per channel, over the training images
    std: tuple[float, ...]


CIFAR10 = Cifar(
    Published(
        "CIFAR-10",
        SITE,
        (File("cifar-10-python.tar", md5_gz="c58f30108f718f92721af3b95e74349a", md5=""),),
        folder=".",
    ),
    "cifar-10-batches-py",
    {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    {"test_batch": "40351d587109b95175f43aff81a1287e"},
    labels="labels",
    classes=10,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)
CIFAR100 = Cifar(
    Published(
        "CIFAR-100",
        SITE,
        (File("cifar-100-python.tar", md5_gz="eb9058c3a382ffc7106e4002c42a8d85", md5=""),),
        folder=".",
    ),
    "cifar-100-python",
    {"train": "16019d7e3df5f24257cddd939b257f8d"},
    {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    labels="fine_labels",
    classes=100,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
)
NAMES = {"cifar10": CIFAR10, "cifar100": CIFAR100}


@lru_cache
def cifar10() -> Images:
    """Ten kinds of objects, 32x32 in colour."""
    return _load(CIFAR10)


@lru_cache
def cifar100() -> Images:
    """A hundred kinds of objects (the fine labels), 32x32 in colour."""
    return _load(CIFAR100)


@lru_cache
def cifar10_then_100() -> Images:
    """Both data sets as one: labels 0 to 9 are CIFAR-10's, 10 to 109 CIFAR-100's.

    CIFAR-10's mean and standard deviation standardise all images.
    """
    ten, hundred = cifar10(), cifar100()
    x, x_test = (
        np.concatenate([getattr(ten, name).numpy(), getattr(hundred, name).numpy()])
        for name in ("x", "x_test")
    )
    y, y_test = (
        np.concatenate([getattr(ten, name).numpy(), getattr(hundred, name).numpy() + 10])
        for name in ("y", "y_test")
    )
    accepted = "+".join(filter(None, (ten.accepted, hundred.accepted))) or None
    return as_images(
        x, y, x_test, y_test, scale=255.0, shape=SHAPE, mean=ten.mean, std=ten.std, accepted=accepted
    )


def available(name: str) -> str | None:
    """Where the data set lies, or None. Nothing is read, checked or downloaded."""
    place = _find(NAMES[name])
    return None if place is None else str(place)


def _load(data: Cifar) -> Images:
    """Finds, checks and parses the files of a data set; downloads the archive if need be."""
    place = _find(data) or files.get(data.archive, data.archive.files[0])
    contents = _from_folder(data, place) if place.is_dir() else _from_archive(data, place)
    accepted = _verify(data, contents, place)

    def parse(names: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
        parts = [_parse(data, contents[name], f"{place}: {name}") for name in names]
        images = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
        return images, labels

    x, y = parse(data.train)
    x_test, y_test = parse(data.test)
    return as_images(
        x, y, x_test, y_test, scale=255.0, shape=SHAPE, mean=data.mean, std=data.std, accepted=accepted
    )


# ---- where the files lie


def _find(data: Cifar) -> Path | None:
    """The unpacked folder, or else the archive, in the first data folder that has either; or None."""
    for folder in files.folders():
        unpacked = folder / data.folder
        archive = folder / f"{data.archive.files[0].name}.gz"
        if unpacked.is_dir():
            return unpacked
        if archive.is_file():
            return archive
    return None


def _from_folder(data: Cifar, folder: Path) -> dict[str, bytes]:
    """file name -> content, of the files in the folder that are data."""
    try:
        return {
            path.name: path.read_bytes() for path in folder.iterdir() if path.name in data.train | data.test
        }
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error}") from error


def _from_archive(data: Cifar, path: Path) -> dict[str, bytes]:
    """file name -> content, of the archive's members that are data.

    They are read in place; nothing is unpacked.
    """
    wanted = {f"{data.folder}/{name}": name for name in data.train | data.test}
    contents = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name in wanted and member.isfile():
                    content = archive.extractfile(member)
                    assert content is not None  # it is a regular file
                    contents[wanted[member.name]] = content.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        expected, found = data.archive.files[0].md5_gz, files.md5_of(path)
        raise InputError(
            f"{path} is damaged ({error}): expected md5 {expected}, found {found}; delete or replace it"
        ) from error
    return contents


# ---- what the files hold


def _verify(data: Cifar, contents: dict[str, bytes], place: Path) -> str | None:
    """None for the published files, and the sum of a copy that `CLBENCH_ACCEPT_DATA` names.

    The sum of a copy is the SHA-256 of the md5 sums of all its files, sorted, one per line. Raises
    InputError for any other copy, and where a file is missing.
    """
    expected = data.train | data.test
    missing = [f"{name} (md5 {expected[name]})" for name in expected if name not in contents]
    if missing:
        raise InputError(f"{place} is not whole: {', '.join(missing)} is missing; delete or replace it")
    found = {
        name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in contents.items()
    }
    if found == expected:
        return None
    total = hashlib.sha256("\n".join(sorted(found.values())).encode()).hexdigest()
    if total in os.environ.get("CLBENCH_ACCEPT_DATA", "").replace(" ", "").split(","):
        return total
    differing = "; ".join(
        f"{name}: expected md5 {expected[name]}, found {found[name]}"
        for name in expected
        if found[name] != expected[name]
    )
    raise InputError(
        f"{place} is damaged or not the published copy: {differing}; replace it, "
        f"or to use this very copy set CLBENCH_ACCEPT_DATA={total}"
    )


class _PlainUnpickler(pickle.Unpickler):
    """Reads arrays and plain types; refuses anything else before it is called."""

    RECONSTRUCT = np.empty(0).__reduce__()[0]
    KNOWN = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
        ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which data do not need")
        return self.KNOWN[module, name]


def _parse(data: Cifar, content: bytes, place: str) -> tuple[np.ndarray, np.ndarray]:
    """(images [n, 3072] uint8, labels [n]) of one pickle. The pixels lie by height, width, channel in this
    order.

    Raises InputError, with `place` in its message, for content that is not of this form.
    """
    try:
        entry = _PlainUnpickler(io.BytesIO(content), encoding="latin1").load()
        x, y = np.asarray(entry["data"]), np.array(entry[data.labels])
    except Exception as error:  # a pickle can fail in any way
        raise InputError(f"{place} cannot be read: {type(error).__name__}: {error}") from error
    if x.dtype != np.uint8 or x.shape[1:] != (3072,):
        raise InputError(
            f"{place} should hold images [n, 3072] of uint8, but holds {list(x.shape)} of {x.dtype}"
        )
    if y.shape != (len(x),) or y.dtype.kind != "i" or y.min() < 0 or y.max() >= data.classes:
        raise InputError(
            f"{place} should hold a label from 0 to {data.classes - 1} for each of its {len(x)} images"
        )
    by_channel = x.reshape(-1, 3, 32, 32)  # as the files have them
    return by_channel.transpose(0, 2, 3, 1).reshape(len(x), -1), y
