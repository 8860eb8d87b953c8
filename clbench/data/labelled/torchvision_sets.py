"""Classification sets of torchvision, from a folder where they lie: path='torchvision:Flowers102'."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from clbench.data import files
from clbench.data.labelled import arrays
from clbench.data.labelled.building import LARGEST_OWN, OtherSize
from clbench.data.labelled.found import Found
from clbench.data.pairs.images import used
from clbench.errors import InputError, Unavailable

PREFIX = "torchvision:"
SIDES = ("train", "test")


def load(name: str, size: int | None) -> Found:
    """The set of this name as it lies in a data folder; nothing is downloaded.

    size: of its images; None: as they are if all are alike and small, else 32. Raises InputError for a name
    that is no such set, and Unavailable where it is not here.
    """
    try:
        from torchvision import datasets
    except ImportError as error:
        raise Unavailable("torchvision is not installed: pip install torchvision") from error
    cls = getattr(datasets, name, None)
    if not inspect.isclass(cls) or "root" not in inspect.signature(cls).parameters:
        raise InputError(f"torchvision has no data set {name}; its names are like Flowers102 and CIFAR10")
    sides = _opened(cls, name)
    try:
        x, y, split = _read(sides, name, size)
    except OtherSize:  # they differ: all get one size
        x, y, split = _read(sides, name, 32)
    names = getattr(next(iter(sides.values())), "classes", None)
    labels = [names[label] if names and label < len(names) else label for label in y]
    return arrays.found_of(x, labels, split=split if len(sides) > 1 else None, source=f"{PREFIX}{name}")


def _read(sides: dict[str, Any], name: str, size: int | None) -> tuple[np.ndarray, list[int], list[str]]:
    """(pictures [n, h, w, 3 or 1] uint8, their labels, their sides)."""
    x: list[np.ndarray] = []
    y, split = [], []
    for side, images in sides.items():
        for i in range(len(images)):
            image, label = images[i]
            if not hasattr(image, "getbands") or not isinstance(label, int | np.integer):
                raise InputError(f"{name} is no set of images with one class each")
            if size is None and (max(image.size) > LARGEST_OWN or x and image.size != x[0].shape[1::-1]):
                raise OtherSize
            x.append(used(image, size).pixels)
            y.append(int(label))
            split.append(side)
    pictures = np.stack(x)
    return pictures[..., :1] if (pictures == pictures[..., :1]).all() else pictures, y, split


def _opened(cls: Any, name: str) -> dict[str, Any]:
    """train and test -> the set; all where it has no sides."""
    takes = inspect.signature(cls).parameters
    problems = []
    roots = [Path("."), *files.folders()]
    for place in [*(root / name for root in roots), *roots]:
        try:
            if "train" in takes:
                return {side: cls(str(place), train=side == "train") for side in SIDES}
            if "split" in takes:
                return {side: cls(str(place), split=side) for side in SIDES}
            return {"all": cls(str(place))}
        except (RuntimeError, OSError, ValueError, ImportError) as error:
            problems.append(f"{place}: {(str(error) or type(error).__name__).splitlines()[0]}")
    raise Unavailable(
        f"{name} is not in any data folder; put it under $CLBENCH_DATA as torchvision has it ({problems[-1]})"
    )
