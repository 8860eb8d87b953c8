"""MNIST, Fashion-MNIST and scikit-learn's digits as tensors; benchmarks call these functions for their data.

Each data set is loaded once per process.
"""

import hashlib
import importlib.util
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clbench.core.keyed import generator
from clbench.data import files
from clbench.data.files import File, Published
from clbench.data.labelled import idx
from clbench.errors import InputError, Unavailable

MNIST = Published(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    (
        File(
            "train-images-idx3-ubyte",
            md5_gz="f68b3c2dcbeaaa9fbdd348bbdeb94873",
            md5="6bbc9ace898e44ae57da46a324031adb",
        ),
        File(
            "train-labels-idx1-ubyte",
            md5_gz="d53e105ee54ea40749a09fcbcd1e9432",
            md5="a25bea736e30d166cdddb491f175f624",
        ),
        File(
            "t10k-images-idx3-ubyte",
            md5_gz="9fb629c4189551a2d022fa330f9573f3",
            md5="2646ac647ad5339dbf082846283269ea",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            md5_gz="ec29112dd5afa0611ce80d1b7f02629c",
            md5="27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    "MNIST/raw",
)
FASHION_MNIST = Published(
    "FashionMNIST",
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    (
        File(
            "train-images-idx3-ubyte",
            md5_gz="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            md5="f4a8712d7a061bf5bd6d2ca38dc4d50a",
        ),
        File(
            "train-labels-idx1-ubyte",
            md5_gz="25c81989df183df01b3e8a0aad5dffbe",
            md5="9018921c3c673c538a1fc5bad174d6f9",
        ),
        File(
            "t10k-images-idx3-ubyte",
            md5_gz="bef4ecab320f06d8554ea6380940ec79",
            md5="8181f5470baa50b63fa0f6fddb340f0a",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            md5_gz="bb300cfdad3c16e7a12a480ee83cd310",
            md5="15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    "FashionMNIST/raw",
)
_PUBLISHED = {"mnist": MNIST, "fashion_mnist": FASHION_MNIST}
NAMES = (*_PUBLISHED, "digits")


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images, or rows of a table, for training and for testing, flattened, in the type in which they
    are stored."""

    x: Tensor  # [n, d] uint8, or any type of numbers
    y: Tensor  # [n] int64: labels, any whole numbers from 0
    x_test: Tensor  # [m, d], as x
    y_test: Tensor  # [m], as y
    scale: float  # x divided by it has values from 0 to 1
    fingerprint: str = ""  # what their author calls them; records keep it beside the digest
    shape: tuple[int, ...] | None = None  # of pictures, as x holds them: height, width, channels
    mean: tuple[float, ...] = (0.0,)  # per channel, of the values from 0 to 1, to standardise them
    std: tuple[float, ...] = (1.0,)
    hardness: Tensor | None = None  # [n] how hard each example is to learn, larger is harder
    accepted: str | None = None  # sum of an unpublished copy that the user accepts
    # What x and x_test are computed from, where a network does it: machines differ in the last bits.
    computed: str = ""

    @cached_property
    def digest(self) -> str:
        """Of its tensors: 16 hex digits, the same on every machine."""
        content = hashlib.sha256()
        optional = [] if self.hardness is None else [self.hardness]
        content.update(self.computed.encode())
        inputs = [] if self.computed else [self.x, self.x_test]
        for tensor in (*inputs[:1], self.y, *inputs[1:], self.y_test, *optional):
            array = tensor.cpu().contiguous().numpy()
            content.update(str(array.shape).encode())
            if array.dtype not in (np.uint8, np.int64):
                content.update(str(array.dtype).encode())
            content.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return content.hexdigest()[:16]

    def check(self) -> None:
        """Raises InputError, which names the tensor, for what no stream can be made of."""
        for x_name, y_name in (("x", "y"), ("x_test", "y_test")):
            x, y = getattr(self, x_name), getattr(self, y_name)
            for name, tensor in ((x_name, x), (y_name, y)):
                if not isinstance(tensor, Tensor):
                    raise InputError(
                        f"{name} is no tensor but {type(tensor).__name__}: give torch.from_numpy(…), "
                        "or call as_images"
                    )
            _check_inputs(x_name, x)
            _check_labels(y_name, y)
            if len(x) != len(y):
                raise InputError(f"{x_name} has {len(x)} rows and {y_name} {len(y)} labels: give as many")
        if self.hardness is not None and self.hardness.shape != self.y.shape:
            raise InputError(
                f"hardness has the shape {list(self.hardness.shape)}: give [{len(self.y)}], a number for "
                "each training example"
            )
        if self.x.shape[1] != self.x_test.shape[1]:
            raise InputError(
                f"a row of x has {self.x.shape[1]} numbers, one of x_test {self.x_test.shape[1]}: "
                "give as many"
            )
        if not 0 < self.scale < np.inf:
            raise InputError(f"scale is {self.scale}: x is divided by it, so give a number above 0")

    def validation(self) -> "Images":
        """The same with a tenth of the training images of each class in place of the test images, at least
        one, drawn by a key.

        Raises InputError for a class that has only one.
        """
        held = torch.zeros(len(self.y), dtype=torch.bool)
        for label, count in zip(
            *(found.tolist() for found in self.y.unique(return_counts=True)), strict=True
        ):
            if count < 2:
                raise InputError(
                    f"class {label} has one training example: with validation=True a class needs two, one to "
                    "learn and one to hold out"
                )
            drawn = torch.randperm(count, generator=generator(0, f"validation of class {label}"))
            held[(self.y == label).nonzero().squeeze(1)[drawn[: max(1, count // 10)]]] = True
        hardness = None if self.hardness is None else self.hardness[~held]
        return replace(
            self,
            x=self.x[~held],
            y=self.y[~held],
            x_test=self.x[held],
            y_test=self.y[held],
            hardness=hardness,
        )

    def to(self, device: torch.device) -> "Images":
        """The same with all tensors on the device."""
        return replace(
            self,
            x=self.x.to(device),
            y=self.y.to(device),
            x_test=self.x_test.to(device),
            y_test=self.y_test.to(device),
            hardness=None if self.hardness is None else self.hardness.to(device),
        )


@lru_cache
def mnist() -> Images:
    """Handwritten digits, 28x28 (LeCun, Cortes, Burges 1998)."""
    return _from_idx(MNIST)


@lru_cache
def fashion_mnist() -> Images:
    """Ten kinds of clothing, 28x28 (Xiao, Rasul, Vollgraf 2017)."""
    return _from_idx(FASHION_MNIST)


@lru_cache
def digits() -> Images:
    """Handwritten digits, 8x8 in 17 greys, as scikit-learn ships them.

    Every fifth of a class is for tests.
    """
    package = importlib.util.find_spec("sklearn")  # to import scikit-learn would take two seconds
    if package is None or package.origin is None:
        raise Unavailable("digits come with scikit-learn, which is not installed: pip install scikit-learn")
    table = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    x, y = table[:, :-1], table[:, -1]
    test = np.zeros(len(y), bool)
    for label in range(10):
        test[np.flatnonzero(y == label)[4::5]] = True
    return as_images(x[~test], y[~test], x[test], y[test], scale=16.0, shape=(8, 8, 1))


def available(name: str) -> str | None:
    """Where the data set lies, or None. Nothing is read, checked or downloaded.

    Raises InputError for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise InputError(f'unknown data set "{name}": there are {", ".join(NAMES)}')
    if name == "digits":
        return "scikit-learn" if importlib.util.find_spec("sklearn") else None
    data = _PUBLISHED[name]
    places = [place for file in data.files if (place := files.find(data, file)) is not None]
    if len(places) < len(data.files):
        return None
    return ", ".join(dict.fromkeys(str(place.parent) for place in places))


def _from_idx(data: Published) -> Images:
    """Reads a data set of four idx files: images and labels for training, then for testing."""
    x, y, x_test, y_test = [idx.read(files.get(data, file)) for file in data.files]
    shape = (*x.shape[1:], 1)
    x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    return as_images(x, y, x_test, y_test, scale=255.0, shape=shape)


def as_images(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, **facts: Any) -> Images:
    """Images [n, d] and labels [n] as tensors. `facts` are the other fields.

    Whole numbers from 0 to 255 are stored as bytes, all others as float32.
    """
    kind = np.uint8 if _are_bytes(x) and _are_bytes(x_test) else np.float32
    arrays = (x.astype(kind), y.astype(np.int64), x_test.astype(kind), y_test.astype(np.int64))
    images, labels, test_images, test_labels = map(torch.from_numpy, arrays)
    return Images(images, labels, test_images, test_labels, **facts)


def _are_bytes(x: np.ndarray) -> bool:
    """Whether bytes hold these numbers without loss."""
    return x.dtype == np.uint8 or bool(((x >= 0) & (x <= 255) & (x == np.floor(x))).all())


def _check_inputs(name: str, x: Tensor) -> None:
    if x.dim() != 2:
        raise InputError(
            f"{name} has the shape {list(x.shape)}: give [n, d], a row for each example, as "
            f"{name}.flatten(1); shape= says the height, width and channels of pictures"
        )
    if not len(x):
        raise InputError(f"{name} has no rows")
    if x.is_complex() or x.dtype in (torch.bool, torch.bfloat16):
        raise InputError(
            f"{name} is {x.dtype}: give uint8, float32 or another type of numbers that NumPy has"
        )
    if x.is_floating_point() and len(bad := (~x.isfinite()).any(1).nonzero()):
        raise InputError(
            f"{name} has NaN or infinite values in {len(bad)} of its {len(x)} rows, first in row "
            f"{int(bad[0])}"
        )


def _check_labels(name: str, y: Tensor) -> None:
    if y.dim() != 1:
        raise InputError(f"{name} has the shape {list(y.shape)}: give [n], a label for each example")
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise InputError(f"{name} is {y.dtype}: labels are whole numbers, as int64")
    if len(y) and y.min() < 0:
        raise InputError(f"{name} has the label {int(y.min())}: labels are whole numbers from 0")
