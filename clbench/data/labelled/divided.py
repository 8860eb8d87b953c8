"""Labelled rows of a user's, cut into slices, divided into training and test rows."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from clbench.data.labelled import dividing
from clbench.data.labelled.dividing import Cut, Rows
from clbench.data.labelled.found import Found
from clbench.data.labelled.sources import Images

FAR = 10.0  # standard deviations: what lies farther out is taken to lie there


@dataclass(frozen=True, eq=False)
class Divided(Images):
    """Images, texts or rows of a table as numbers, with the slice of each. Labels are places in `classes`."""

    part: np.ndarray | None = None  # [n] slice of each training row
    part_test: np.ndarray | None = None  # [m]
    by: str = "class"  # what the slices are cut by
    slices: tuple[str, ...] = ()  # their names
    classes: tuple[str, ...] = ()  # their names
    first_seen: tuple[int, ...] = ()  # classes in the order in which the files have them
    keys: np.ndarray | None = None  # [n, 2] uint64 of training rows: equal inputs, equal groups

    def validation(self) -> "Divided":
        """The same with a tenth of the training rows in place of the test rows: whole groups, by a key.

        Raises InputError for a slice or class of which nothing could be held out."""
        assert self.part is not None and self.keys is not None
        y = self.y.numpy()
        held = dividing.hold_out(y, self.part, self.keys[:, 0], self.keys[:, 1], dividing.VALIDATION, salt=1)
        return replace(
            self,
            x=self.x[~held],
            y=self.y[~held],
            x_test=self.x[held],
            y_test=self.y[held],
            part=self.part[~held],
            part_test=self.part[held],
            keys=self.keys[~held],
        )


def divide(found: Found, cut: Cut, source: str) -> Divided:
    """Raises InputError where the rows cannot be cut or tested as asked."""
    rows = _in_order_of_slices(dividing.divide(found, cut, source))
    x, x_test = _inputs(found, rows)
    seen, first = np.unique(found.y, return_index=True)
    return Divided(
        x=torch.from_numpy(x),
        y=torch.from_numpy(found.y[rows.train]),
        x_test=torch.from_numpy(x_test),
        y_test=torch.from_numpy(found.y[rows.test]),
        scale=found.about.scale,
        fingerprint=found.fingerprint,
        shape=found.about.shape,
        computed=found.computed,
        by=cut.by,
        part=rows.part[rows.train],
        part_test=rows.part[rows.test],
        slices=rows.names,
        classes=found.about.classes,
        first_seen=tuple(seen[np.argsort(first)].tolist()),
        keys=np.stack([found.content[rows.train], found.group[rows.train]], 1),
    )


def _in_order_of_slices(rows: Rows) -> Rows:
    """So that rows keep their places when a slice comes later, wherever its rows stand."""
    train, test = (side[np.argsort(rows.part[side], kind="stable")] for side in (rows.train, rows.test))
    return replace(rows, train=train, test=test)


def _inputs(found: Found, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Training and test inputs. Numbers of a table are standardised by the training rows of the first slice,
    since what comes later is not known then; where a number is missing its mean stands."""
    x, x_test = np.array(found.x[rows.train]), np.array(found.x[rows.test])
    numeric = found.about.numeric
    if numeric:
        first = x[rows.part[rows.train] == 0, :numeric].astype(np.float64)
        known = np.isfinite(first)
        count = known.sum(0).clip(1)
        mean = np.where(known, first, 0).sum(0) / count
        deviation = np.sqrt((np.where(known, first - mean, 0) ** 2).sum(0) / count)
        deviation[deviation == 0] = 1
        for side in (x, x_test):
            scaled = ((side[:, :numeric] - mean) / deviation).clip(-FAR, FAR)
            side[:, :numeric] = np.where(np.isfinite(scaled), scaled, 0)
    return x, x_test
