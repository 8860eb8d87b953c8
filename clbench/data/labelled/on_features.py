"""Features in the place of pictures: of a pretrained network, or computed elsewhere."""

import zipfile
import zlib
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.ranges import Text
from clbench.data import sums
from clbench.data.labelled.backbones import backbone
from clbench.data.labelled.computing import features_of
from clbench.data.labelled.found import Found
from clbench.data.labelled.sources import Images
from clbench.data.places import path_of
from clbench.errors import InputError

NETWORK = ("net", "norm")  # fields whose usual values are for pictures
OF_PICTURES = ("augment", "depth", "activation", "pad", "mean", "std")  # fields that are nothing for features
ARRAYS = ("x_train", "x_test")
# Of adam, for a linear layer on features, in every profile. Chosen on held-out training data of
# split_cifar10_class under quick, two seeds: joint training and replay of 500 give
#     1e-4  .826  .772        3e-4  .848  .793        1e-3  .857  .780        3e-3  .844  .760
LR = 3e-4


@dataclass
class OnFeatures(Benchmark):
    """A field for benchmarks of pictures: what is learnt from in their place, by a linear layer or net=."""

    # efficientnet_lite0 (extra `pretrained`): its frozen features, computed once. Or an npz with the arrays
    # x_train [n, d] and x_test [m, d], in the order of the pictures.
    features: Text | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.features is None:
            return
        if not is_file(self.features):
            backbone(self.features)
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in (*NETWORK, *OF_PICTURES) and value in self._usual(one.name, one.default):
                setattr(self, one.name, None)  # nothing of the kind is done
            elif one.name in OF_PICTURES and value is not None:
                raise InputError(
                    f"{one.name}={value!r} is for pictures, not for features={self.features!r}: leave one of "
                    "them out"
                )

    def _usual(self, name: str, default: Any) -> list[Any]:
        """What the field is where the user says nothing."""
        return [default, *(given[name] for given in self.arguments.values() if name in given)]

    def budget(self, profile: str) -> Budget:
        budget = super().budget(profile)
        return budget if self.features is None or self.lr is not None else budget.with_fields(lr=LR)

    @classmethod
    def of_profile(cls, profile: str, arguments: dict[str, Any]) -> dict[str, Any]:
        named = super().of_profile(profile, arguments)
        if arguments["features"] is None:
            return named
        lr = arguments["lr"]
        return named | {"lr": None if lr == LR else lr}

    def contents(self) -> Images:
        images: Images = super().contents()
        if self.features is None:
            return images
        if is_file(self.features):
            path = path_of(self.features, "")
            return _given(images, path, sums.of([path], path)[0])
        return _computed(images, self.features)

    @property
    def numbers(self) -> int:
        """That stand for a picture."""
        return int(self.contents().x.shape[1])


def is_file(features: str) -> bool:
    return features.endswith(".npz")


@lru_cache(maxsize=4)
def _computed(images: Images, name: str) -> Images:
    assert images.shape is not None
    found = [features_of(x, images.shape, images.scale, name) for x in (images.x, images.x_test)]
    (x, key), (x_test, key_test) = found
    return _with_features(images, x, x_test, f"{name} {key} {key_test}")


def _with_features(images: Images, x: Tensor, x_test: Tensor, computed: str = "") -> Images:
    plain: dict[str, Any] = {"scale": 1.0, "shape": None, "mean": (0.0,), "std": (1.0,)}
    return replace(images, x=x, x_test=x_test, computed=computed, **plain)


@lru_cache(maxsize=4)
def _given(images: Images, path: Path, content: str | None) -> Images:
    """With the features of a file. Raises InputError for arrays that do not fit the images.

    content: the file's sum; another one is read anew."""
    x, x_test = _arrays(path)
    for name, array, pictures in ((ARRAYS[0], x, images.x), (ARRAYS[1], x_test, images.x_test)):
        if array.ndim != 2 or array.dtype.kind != "f" or not array.shape[1]:
            raise InputError(f"{path}: {name} is {array.dtype} {list(array.shape)}: give [n, d] of floats")
        if len(array) != len(pictures):
            raise InputError(
                f"{path}: {name} has {len(array)} rows for {len(pictures)} pictures: give as many"
            )
    kind = np.float16 if x.dtype == x_test.dtype == np.float16 else np.float32
    features = _with_features(images, torch.from_numpy(x.astype(kind)), torch.from_numpy(x_test.astype(kind)))
    try:
        features.check()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return features


def _arrays(path: Path) -> list[np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in ARRAYS if name not in archive.files]
            if not missing:
                return [archive[name] for name in ARRAYS]
            there = ", ".join(archive.files) or "none"
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    raise InputError(
        f"{path}: no array {missing[0]}; there are {there}. It needs x_train and x_test, a row of features "
        "for each picture"
    )


@lru_cache(maxsize=4)
def found_on_features(found: Found, name: str, source: str) -> Found:
    """A user's pictures as features; the rows, their labels and what else is known of them stay."""
    backbone(name)
    about = found.about
    if about.shape is None:
        raise InputError(f"features={name!r} are of images, and {source} has {about.kind}: leave it out")
    content = sums.digest([found.content.tolist(), str(found.x.dtype)])
    x, key = features_of(found.x, about.shape, about.scale, name, content)
    about = replace(about, kind="features", shape=None, scale=1.0)
    said = f"{found.fingerprint} {name}"
    return replace(found, x=x.numpy(), about=about, fingerprint=said, computed=f"{name} {key}")
