"""Collects the rows of a user's labelled files; their inputs go to disk as they come."""

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from clbench.data.labelled import features
from clbench.data.labelled.blocks import Block
from clbench.data.labelled.cells import coded, codes_of, key_of, names_of, sides
from clbench.data.labelled.found import About, Found, Kind
from clbench.data.pairs import dates, slices
from clbench.data.pairs.images import NARROW, Unreadable, decode
from clbench.errors import InputError

UNDATED = "times are not used: "  # how the note begins that says why
LARGEST_OWN = 32  # pixels of a side up to which images stay as they are, if all are alike
PIECE = 1 << 24  # bytes at a time


class OtherSize(Exception):
    """Images differ in size, and none was asked for."""


class Builder:
    """Takes blocks one after another; `found` gives what they are together."""

    def __init__(
        self,
        inputs: BinaryIO,
        unit: dates.Unit,
        timed: bool,
        size: int | None,
        buckets: int,
        source: str,
        vectors: bool = False,
    ) -> None:
        self.inputs, self.unit, self.timed, self.size = inputs, unit, timed, size
        self.buckets, self.source, self.vectors = buckets, source, vectors
        self.kind: Kind | None = None
        self.shape: tuple[int, ...] | None = None
        self.grey = True  # so far
        self.frames: list[Any] = []  # of features
        self.means: list[np.ndarray] = []  # of the vectors of texts' words
        self.lists: dict[str, list] = {name: [] for name in ("label", "when", "place", "split", "part")}
        self.groups: list[bytes | None] = []
        self.keys: list[bytes] = []  # equal where inputs are
        self.origins: dict[str, list] = {}
        self.skipped: Counter[str] = Counter()
        self.unlabelled: list[str] = []  # their places
        self.sizes: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self.brightest: int | None = None  # value of all images of 16 bits
        self.read = 0

    def add(self, block: Block, side: str | None) -> None:
        """Takes a block. side: which side of the split all of it is on; None: as it says itself."""
        names = names_of(block.labels, block.places, "a label")
        if not names:
            return
        self.read += len(names)
        kept = [i for i, name in enumerate(names) if name is not None]
        self.unlabelled += [block.places[i] for i, name in enumerate(names) if name is None]
        if hasattr(block.inputs, "columns"):
            kind: Kind = "features"
            frame = block.inputs.iloc[kept]
            self.frames.append(frame)
        else:
            kind = "images" if callable(block.inputs[0]) else "texts"
            kept = self._images(block, kept) if kind == "images" else self._texts(block, kept)
        if self.kind not in (None, kind):
            raise InputError(f"{self.source}: {block.places[0]} has {kind} among {self.kind}")
        self.kind = kind
        told = {
            "label": names,
            "when": block.whens,
            "place": block.places,
            "split": [side] * len(names) if side else block.splits,
            "part": names_of(block.parts, block.places, "what tasks are cut by"),
        }
        for name, values in told.items():
            self.lists[name] += [values[i] for i in kept]
        groups = names_of(block.groups, block.places, "a group")
        self.groups += [key_of(groups[i]) for i in kept]
        before = len(self.groups) - len(kept)
        for name in dict.fromkeys([*self.origins, *block.origins]):
            own = self.origins.setdefault(name, [None] * before)
            values = names_of(block.origins.get(name, [None] * len(names)), block.places, None)
            own += [values[i] for i in kept]

    def _images(self, block: Block, kept: list[int]) -> list[int]:
        """Writes the images of these rows; those of them that could be read."""
        done = []
        for i in kept:
            try:
                self._image(*block.inputs[i]())
                done.append(i)
            except Unreadable as reason:
                self.skipped[str(reason)] += 1
        return done

    def _image(self, content: bytes | None, problem: str | None) -> None:
        if content is None:
            raise Unreadable(problem or "no image")
        pixels, brightest, mode, size = decode(content, self.size)
        if self.size is None and (pixels.shape[0] > LARGEST_OWN or pixels.shape[1] > LARGEST_OWN):
            raise OtherSize
        if self.shape not in (None, pixels.shape):
            raise OtherSize
        self.shape = pixels.shape
        self.grey = self.grey and bool((pixels == pixels[..., :1]).all())
        if brightest is not None:
            self.brightest = max(brightest, self.brightest or 0)
        self.sizes["{}x{}".format(*size)] += 1
        self.modes[mode] += 1
        content = pixels.tobytes()
        self.inputs.write(content)
        self.keys.append(hashlib.blake2b(content, digest_size=16).digest())

    def _texts(self, block: Block, kept: list[int]) -> list[int]:
        empty = {i for i in kept if not block.inputs[i].strip()}
        self.skipped["empty text"] += len(empty)
        kept = [i for i in kept if i not in empty]
        texts = [block.inputs[i] for i in kept]
        for numbers in features.numbers_of_texts(texts, self.buckets, self.vectors):
            if self.vectors:
                self.means.append(numbers)
            else:
                self.inputs.write(numbers.tobytes())
        self.keys += [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        return kept

    # ---- all together

    def found(self, folder: Path) -> Found:
        """What the rows are together; the inputs stand in the folder's x.u8, or are given here.

        Raises InputError for rows that are no labelled examples."""
        n = len(self.lists["label"])
        self._stop_if_unlabelled()
        if not n:
            said = ", ".join(f"{count} with {why}" for why, count in self.skipped.items() if count)
            raise InputError(f"{self.source}: no example could be read" + (f" ({said})" if said else ""))
        y, classes = coded(self.lists["label"], self.source)
        when, notes = self._when()
        about: dict[str, Any] = {"shape": None, "scale": 1.0}
        if self.kind == "features":
            import pandas as pd

            numbers = features.numbers_of(pd.concat(self.frames), self.source)
            os.unlink(folder / "x.u8")
            x, self.keys = numbers.x, numbers.keys
            about |= {"columns": tuple(numbers.spans), "numeric": numbers.numeric}
            notes += numbers.notes
        elif self.means:
            x = np.concatenate(self.means)
            os.unlink(folder / "x.u8")
        else:
            if self.kind == "images":
                assert self.shape is not None
                if self.grey:
                    self.shape = _without_colour(folder / "x.u8", self.shape)
                about = {"shape": self.shape, "scale": 255.0}
                notes += self._image_notes()
            x = np.memmap(folder / "x.u8", np.uint8, "r").reshape(n, -1)
        content = slices.digests(self.keys)
        groups = [key if key is not None else own for key, own in zip(self.groups, self.keys, strict=True)]
        assert self.kind is not None
        return Found(
            x=x,
            y=y,
            when=when,
            part=np.array([name or "" for name in self.lists["part"]], str),
            split=sides(self.lists["split"], self.lists["place"], self.source, notes),
            content=content,
            group=slices.digests(groups),
            origin=np.stack([codes_of(values) for values in self.origins.values()])
            if self.origins
            else np.zeros((0, n), np.int64),
            about=About(
                kind=self.kind,
                classes=classes,
                origins=tuple(self.origins),
                sizes=dict(self.sizes),
                modes=dict(self.modes),
                skipped={why: count for why, count in self.skipped.items() if count},
                notes=tuple(notes),
                **about,
            ),
            fingerprint="",
        )

    def _stop_if_unlabelled(self) -> None:
        if self.unlabelled:
            self.skipped["no label"] += len(self.unlabelled)
        if len(self.unlabelled) > dates.BAD_SHARE * self.read:
            first = ", ".join(self.unlabelled[:3])
            raise InputError(
                f"{self.source}: {len(self.unlabelled)} of {self.read} rows have no label: {first}; "
                "label them or take them out; images lie in a folder of their class"
            )

    def _when(self) -> tuple[np.ndarray, list[str]]:
        """The days, and what is wrong with them where they are not needed."""
        values = self.lists["when"]
        nothing = np.full(len(values), dates.NEVER, "datetime64[D]")
        if all(value is None for value in values):
            return nothing, []
        try:
            return dates.read(values, self.unit, self.lists["place"], self.source), []
        except InputError as error:
            if self.timed:
                raise
            return nothing, [f"{UNDATED}{error}"]

    def _image_notes(self) -> list[str]:
        notes = []
        if len(self.sizes) > 1 or self.size is not None and set(self.sizes) != {f"{self.size}x{self.size}"}:
            common = ", ".join(f"{count} of {size}" for size, count in self.sizes.most_common(3))
            assert self.shape is not None
            notes.append(
                f"images came as {common}{' and others' if len(self.sizes) > 3 else ''}: the middle square "
                f"of each is scaled to {self.shape[1]}x{self.shape[0]}; a benchmark's size= takes another"
            )
        if self.brightest is not None and self.brightest < NARROW:
            notes.append(
                f"the brightest pixel of all images of 16 bits is {self.brightest} of 65535, so they are "
                f"dark: scale them up if they hold {self.brightest.bit_length()} bits"
            )
        return notes


def _without_colour(path: Path, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Rewrites a file of grey pictures with one channel; their new shape."""
    part = path.with_name("x.part")
    with open(path, "rb") as colour, open(part, "wb") as grey:
        while piece := colour.read(3 * PIECE):
            grey.write(piece[::3])
    os.replace(part, path)
    return (*shape[:2], 1)


def why_undated(found: Found) -> str | None:
    """Why times are not used that the files have."""
    notes = (note for note in found.about.notes if note.startswith(UNDATED))
    return next((note.removeprefix(UNDATED) for note in notes), None)
