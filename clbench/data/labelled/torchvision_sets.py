"""Classification sets of torchvision, from a folder where they lie: path='torchvision:Flowers102'."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
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
# What sets call what is learnt and what is tested, the first that a set has.
TRAINING, TESTING = ("train", "trainval", "train-standard"), ("test", "val")
NO_SPLIT = "for argument split"  # in what torchvision says of a split that a set does not have


def load(name: str, size: int | None) -> Found:
    """The set of this name as it lies in a data folder; nothing is downloaded.

    size: of its images; None: as they are if all are alike and small, else 32. Raises InputError for a name
    that is no such set, and Unavailable where it is not here.
    """
    try:
        from torchvision import datasets
    except ImportError as error:
        raise Unavailable("torchvision is not installed: pip install torchvision") from error
    cls: Any = getattr(datasets, name, None)
    takes = inspect.signature(cls).parameters if inspect.isclass(cls) else {}
    if "root" not in takes or cls is datasets.VisionDataset:  # the base of all
        raise InputError(f"torchvision has no data set {name}; its names are like Flowers102 and CIFAR10")
    needed = [key for key, one in takes.items() if one.default is one.empty and one.kind != one.VAR_KEYWORD]
    if more := [key for key in needed if key not in ("root", "split")]:
        raise InputError(
            f"torchvision's {name} cannot be read by its name alone, since it needs {', '.join(more)}, too"
        )
    sides = _opened(cls, name)
    try:
        x, y, split = _read(sides, name, size)
    except OtherSize:  # they differ: all get one size
        x, y, split = _read(sides, name, 32)
    names = _class_names(getattr(next(iter(sides.values())), "classes", None) or ())
    labels = [names[label] if label < len(names) else label for label in y]
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


def _class_names(names: Sequence) -> list[str]:
    """Synonyms of one class are one name, and ImageNet's two classes that are called crane are two."""
    said = [name if isinstance(name, str) else ", ".join(name) for name in names]
    return [name if said.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(said)]


def _opened(cls: Any, name: str) -> dict[str, Any]:
    """train and test, or val -> the set; all where it has no sides."""
    takes = inspect.signature(cls).parameters
    make = partial(cls, download=False) if "download" in takes else cls
    problems = []
    roots = [Path("."), *files.folders()]
    for place in [*(root / name for root in roots), *roots]:
        try:
            if "train" in takes:
                return {side: make(str(place), train=side == "train") for side in ("train", "test")}
            if "split" in takes:
                train, test = (_first(make, name, place, splits) for splits in (TRAINING, TESTING))
                return {"train": train[1], test[0]: test[1]}
            return {"all": make(str(place))}
        except (RuntimeError, OSError, ValueError, ImportError) as error:
            problems.append(f"{place}: {(str(error) or type(error).__name__).splitlines()[0]}")
    raise Unavailable(
        f"{name} is not in any data folder; put it under $CLBENCH_DATA as torchvision has it ({problems[-1]})"
    )


def _first(make: Callable, name: str, place: Path, splits: Sequence[str]) -> tuple[str, Any]:
    """(its name, the set) of the first of these splits that the set has. Raises InputError if it has none."""
    for split in splits:
        try:
            return split, make(str(place), split=split)
        except ValueError as error:
            if NO_SPLIT not in str(error):
                raise
            there = str(error).partition("Valid values are ")[2].rstrip(".")
    raise InputError(
        f"torchvision's {name} has none of the splits {', '.join(splits)}; it has {there}: save what you "
        "want as images in folders of their classes, or as an npz"
    )
