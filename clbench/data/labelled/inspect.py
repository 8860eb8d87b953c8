"""Describes a user's labelled data for people, as `clbench data inspect` prints it. Imports no torch."""

import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clbench.core.text import printable
from clbench.data.labelled import arrays
from clbench.data.labelled.blocks import LabelColumns, beside_images, images_below
from clbench.data.labelled.dividing import Cut, Rows, calendar_of
from clbench.data.labelled.found import Found
from clbench.data.pairs import tables
from clbench.data.pairs.rows import Columns
from clbench.data.pairs.sources import Source
from clbench.errors import InputError

CLASSES = 40  # that are listed
COMMON = 0.05  # as of pairs: an input that more than this share of the rows have gets a note
LEAKS = 0.99  # accuracy of one column alone, above which it is said
IN_A_BIN = 4  # rows of a column of numbers, for that; more would hide the number of each row
BINS = 64, 1024  # at least and at most
KINDS = {"images": "images {1}x{0} {colours}", "texts": "texts", "features": "rows of {} columns"}
COLOURS = {1: "in grey", 3: "in colour", 4: "of 4 channels"}


def is_labelled(path: Path, label: str | None, caption: str | None) -> bool:
    """Whether what lies there is labelled examples, not pairs: what the user names decides, else what the
    columns are called."""
    if label or caption:
        return label is not None
    with beside_images(path):
        return _is_called_so(path)


def _is_called_so(path: Path) -> bool:
    """Whether the columns of what lies there are called like those of labelled examples."""
    if arrays.are_arrays(path):
        if path.suffix != ".npz":
            return True
        try:
            with np.load(path, allow_pickle=False) as archive:
                names = archive.files
        except (ValueError, OSError, EOFError, zipfile.BadZipFile):
            return True  # who reads it says what is wrong
    else:
        try:
            source = Source.at(path)
            if any(file.suffix == ".tar" for file in source.files):
                return False
            some = (chunk for file in source.files for chunk in tables.chunks(file, source.root))
            first = next(some, None)
        except InputError:
            return path.is_dir() and bool(images_below(path))
        if first is None:
            raise InputError(f"{path}: no row to read; give a first line with names, and rows below it")
        names = list(first.frame.columns)
    if len(names) == 1 and "|" in str(names[0]):
        raise InputError(f"{path}: its first line is one column, {names[0]!r}: separate columns by commas")
    usual = {**LabelColumns.USUAL, "label": (*LabelColumns.USUAL["label"], *arrays.USUAL["y"])}
    captions, labels = (
        {*usual_names} & {*names} for usual_names in (Columns.USUAL["caption"], usual["label"])
    )
    if not captions and not labels:
        listed = ", ".join(map(str, names[:20]))
        raise InputError(
            f"{path}: which of {listed} is the label? say it with --label; of pairs, which is the caption, "
            "with --caption"
        )
    return not captions


def cut_of(found: Found, by: str | None, given: Cut) -> Cut:
    """How to cut where the user does not say it: by time if there is one, else by class."""
    chosen = by or calendar_of(found, given.min_rows) or "class"
    return Cut(chosen, given.count, given.min_rows, given.held_out, given.duplicates)


def describe(found: Found, rows: Rows, cut: Cut) -> list[str]:
    """The lines to print: about all rows, each class, each slice, what is left out, notes, warnings."""
    about = found.about
    shape = about.shape or (len(about.columns),)
    what = KINDS[about.kind].format(*shape, colours=COLOURS.get(shape[-1], ""))
    dated = found.when[~np.isnat(found.when)]
    when = f", {dated.min()} to {dated.max()}" if len(dated) else ""
    lines = [f"{len(found.y)} {what}, {len(about.classes)} classes{when}"]
    lines += _by_class(found, rows)
    if len(rows.names) > 1:
        lines.append(f"slices by {cut.by}:")
        lines += _by_slice(found, rows)
    given = (found.split >= 0).all()
    lines.append(
        f"{len(rows.train)} for training, {len(rows.test)} for testing, "
        + ("as the data say" if given else "held out by a hash of each row, or of its group")
    )
    left_out = Counter(about.skipped) + Counter(rows.left_out)
    lines += [f"left out: {count} {why}" for why, count in left_out.items()]
    lines += [
        f"note: {note}"
        for note in (*_image_modes(found), *_undated(found, cut), *about.notes, *rows.notes, *_repeats(found))
    ]
    lines += [
        f"warning: {warning}" for warning in (*_columns_that_tell(found, rows), *_split_origins(found, rows))
    ]
    return [printable(line) for line in lines]


def _by_class(found: Found, rows: Rows) -> list[str]:
    classes = found.about.classes
    train, test = (np.bincount(found.y[side], minlength=len(classes)) for side in (rows.train, rows.test))
    width = max(len(name) for name in classes[:CLASSES])
    lines = [
        f"  {name:{width}}  {train[i]:6} for training  {test[i]:5} for testing"
        for i, name in enumerate(classes[:CLASSES])
    ]
    if len(classes) > CLASSES:
        lines.append(f"  … and {len(classes) - CLASSES} more")
    both = train + test
    if both.max() >= 3 * both.clip(1).min():
        most, least = classes[both.argmax()], classes[both.argmin()]
        lines.append(f"classes are unequal: {both.max()} of {most}, {both.min()} of {least}; they stay so")
    return lines


def _by_slice(found: Found, rows: Rows) -> Iterator[str]:
    width = max(map(len, rows.names))
    for i, name in enumerate(rows.names):
        train, test = (side[rows.part[side] == i] for side in (rows.train, rows.test))
        present = len(np.unique(found.y[train]))
        yield f"  {name:{width}}  {len(train):6} for training  {len(test):5} for testing  {present} classes"


def _image_modes(found: Found) -> Iterator[str]:
    if len(found.about.modes) > 1:
        listed = ", ".join(f"{count} {mode}" for mode, count in sorted(found.about.modes.items()))
        yield f"images of several modes ({listed}) are read alike: in colour, on white, upright"


def _undated(found: Found, cut: Cut) -> Iterator[str]:
    """Rows without a date among others, where they are used all the same."""
    if found.dated and not cut.timed and (count := int(np.isnat(found.when).sum())):
        yield f"{count} rows have no date; they are used, since tasks are not cut by time"


def _repeats(found: Found) -> Iterator[str]:
    """Rows with the same input as another."""
    _, number, counts = np.unique(found.content, return_inverse=True, return_counts=True)
    repeated = counts[number] > 1
    if not repeated.any():
        return
    labels = np.unique(np.stack([number[repeated], found.y[repeated]], 1), axis=0)[:, 0]
    other = int((np.bincount(labels) > 1).sum())
    yield f"{int((counts - 1).sum())} rows repeat the input of another; equal ones are on one side" + (
        f"; {other} inputs have several labels" if other else ""
    )
    if (often := int(counts.max())) > COMMON * len(number):
        yield f"the commonest input is that of {often} of {len(number)} rows ({often / len(number):.0%})"


# ---- what looks like a leak


def _columns_that_tell(found: Found, rows: Rows) -> Iterator[str]:
    """Columns of a table of which one alone tells the label of nearly all test rows, as one that is written
    down when the label is known."""
    labels, truth = found.y[rows.train], found.y[rows.test]
    common = float((truth == np.bincount(labels).argmax()).mean())
    for name, start, end in found.about.columns:
        values = _coarse(np.asarray(found.x[:, start:end]))
        right = _told_by(values[rows.train], labels, values[rows.test], truth)
        if right > LEAKS and 1 - right < (1 - common) / 2:
            yield (
                f'the column "{name}" alone tells the label of {right:.1%} of the test rows (the commonest '
                f"class: {common:.0%}): if it is only known with the label, leave it out: without=[{name!r}]"
            )


def _coarse(values: np.ndarray) -> np.ndarray:
    """[n] whole numbers for the values [n, k] of a column: which text, or in which of some bins of equally
    many rows. What is missing has a number of its own."""
    if values.shape[1] > 1:
        return values.argmax(1)
    flat = np.nan_to_num(values[:, 0].astype(float), nan=-np.inf)
    if len(np.unique(flat)) <= BINS[0]:
        return np.unique(flat, return_inverse=True)[1]
    bins = int(np.clip(len(flat) // IN_A_BIN, *BINS))
    edges = np.quantile(flat[np.isfinite(flat)], np.linspace(0, 1, bins, endpoint=False))
    return np.searchsorted(edges, flat, "right")


def _told_by(values: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """The share of test rows whose label is the commonest among the training rows of the same value."""
    votes = np.zeros((max(values.max(), test.max()) + 1, max(labels.max(), truth.max()) + 1), np.int64)
    np.add.at(votes, (values, labels), 1)
    return float((votes.argmax(1)[test] == truth).mean())


def _split_origins(found: Found, rows: Rows) -> Iterator[str]:
    """Patients, users, … whose rows stand on both sides of the split."""
    for name, codes in zip(found.about.origins, found.origin, strict=True):
        train, test = (set(codes[side].tolist()) - {-1} for side in (rows.train, rows.test))
        if 2 < len(train | test) < len(codes) and (both := train & test):
            yield (
                f'{len(both)} of {len(train | test)} values of "{name}" have rows in training and in '
                f"testing: to test on new ones, hold out whole ones: group={name!r}"
            )
