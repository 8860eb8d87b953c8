"""Computes the features of pictures once and keeps them in a folder of the user's cache.

    <cache>/clbench/features/<key>/   x.f16 [n, width], about.json

The key is of the weights, the scaling, and the pictures' contents. What is not whole stands beside it as
<key>.part and is gone on with, so a pass that was interrupted loses at most one batch.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from filelock import FileLock
from torch import Tensor

from clbench.data import files, sums
from clbench.data.cache import WHOLE, make_folder, unwritable
from clbench.data.labelled.backbones import Backbone, backbone
from clbench.errors import BrokeOff, InputError

VERSION = 1  # of what is computed; another number computes all anew
BATCH = 50  # pictures that pass the network at a time
PIECE = 1 << 24  # bytes


def features_of(
    x: Any, shape: Sequence[int], scale: float, name: str, content: str | None = None
) -> tuple[Tensor, str]:
    """(features [n, width] float16, mapped into memory; their key) of pictures x [n, d], tensor or array.

    shape: height, width and channels. scale: x divided by it has values from 0 to 1. content: a digest of x,
    where one is known. Raises InputError for an unknown network and Unavailable for one that is not
    installed.
    """
    network = backbone(name)
    weights = network.weights()
    preparation = [network.side, network.mean, network.std, "bicubic"]
    key = sums.digest(
        [VERSION, name, sums.of([weights], weights), preparation, list(shape), scale, content or _digest(x)]
    )
    folder = files.folders()[-1] / "features" / key
    if not (folder / WHOLE).is_file():
        with _alone(folder):
            if not (folder / WHOLE).is_file():  # else another process has made it meanwhile
                _compute(folder, x, shape, scale, name, network)
    kept = np.memmap(folder / "x.f16", np.float16, "c")
    return torch.from_numpy(kept.reshape(len(x), network.width)), key


def _digest(x: Any) -> str:
    """Of the numbers, read piece by piece."""
    content = hashlib.sha256(f"{tuple(x.shape)} {x.dtype}".encode())
    rows = max(1, PIECE // max(1, x[0].nbytes))
    for start in range(0, len(x), rows):
        content.update(np.ascontiguousarray(x[start : start + rows]).tobytes())
    return content.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Within the block no other process computes the same."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        lock.acquire()
    except OSError as error:
        raise unwritable(folder.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def _compute(folder: Path, x: Any, shape: Sequence[int], scale: float, name: str, network: Backbone) -> None:
    part = folder.with_suffix(".part")
    module = network.load(network.weights())
    try:
        with open(part, "ab") as out:
            row = 2 * network.width
            done = min(out.tell() // row, len(x)) // BATCH * BATCH  # batches as without an interruption
            out.truncate(done * row)
            with _bar(name, done, len(x)) as advance:
                for start in range(done, len(x), BATCH):
                    some = features_of_batch(module, x[start : start + BATCH], shape, scale, network)
                    out.write(some.numpy().tobytes())
                    advance(len(some))
    except OSError as error:
        raise BrokeOff(
            f"{part}: {error.strerror}; what is computed stays, and the same command goes on with it"
        ) from error
    said = {"network": name, "images": len(x), "width": network.width}

    def fill(new: Path) -> None:
        os.replace(part, new / "x.f16")
        (new / WHOLE).write_text(json.dumps(said), encoding="utf-8")

    make_folder(folder, fill)


@torch.inference_mode()
def features_of_batch(
    module: torch.nn.Module, x: Any, shape: Sequence[int], scale: float, network: Backbone
) -> Tensor:
    """[n, width] float16 of pictures x [n, d]. Grey ones get three equal channels; others than square ones
    are stretched."""
    height, width, channels = shape
    pictures = torch.from_numpy(np.asarray(x).copy()).view(-1, height, width, channels).permute(0, 3, 1, 2)
    pictures = pictures.float().div_(scale)
    pictures = pictures.expand(-1, 3, -1, -1) if channels == 1 else pictures[:, :3]
    side = network.side
    if (height, width) != (side, side):
        larger = max(height, width) > side
        pictures = F.interpolate(pictures, (side, side), mode="bicubic", antialias=larger)
    features: Tensor = module((pictures - network.mean) / network.std)
    if features.shape != (len(x), network.width):
        raise InputError(
            f"the pretrained network gives {list(features.shape[1:])} numbers a picture, not {network.width}"
        )
    return features.half()


@contextmanager
def _bar(name: str, done: int, count: int) -> Iterator[Any]:
    """Gives the function to call with the number of pictures that have passed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("· left"))
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(f"features by {name}, once", total=count, completed=done)
        yield lambda passed: bar.advance(task, passed)
