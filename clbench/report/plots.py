"""Rows of a benchmark, drawn with matplotlib: onto axes of the user's, or in a figure of pyplot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from clbench.core.text import printable
from clbench.errors import InputError
from clbench.report.axes import (
    MATRIX_X,
    MATRIX_Y,
    WIDTH,
    Line,
    Point,
    as_it_is,
    draw_lines,
    draw_matrices,
    draw_matrix,
    draw_points,
    lines_of,
    panels,
    points_of,
)
from clbench.report.style import Look, report_style
from clbench.report.svg import PAPER
from clbench.report.values import Entry, ranks_by
from clbench.spec import suggestion

KINDS = {  # of plots, and what each takes
    "matrix": "a row that is ok",
    "seen": "a row that is ok, of at least two tasks with one slice each",
    "cost": "a row that is ok, whose FLOPs are known, with the metric that the benchmark ranks by",
}
SIZE = 6.5, 3.6  # inches of a figure of one row
SMALLEST = 3.6, 2.9  # of matrices


def plot(found: list[Entry], kind: str, title: str, axes: Any, look: dict[str, Look]) -> Axes | np.ndarray:
    """Draws those of the rows that have what is drawn, see `Comparison.plot`."""
    if kind not in KINDS:
        near = suggestion(str(kind), KINDS)
        raise InputError(f"unknown kind of plot{near}; there are {', '.join(KINDS)}", "kind", kind)
    if kind == "matrix":
        drawn = [entry for entry in found if entry.ok]
        return _matrices(_some(drawn, found, kind), axes)
    if kind == "seen":
        lines = _some(lines_of(found, look), found, kind)
        return _one(lines, lambda on: draw_lines(on, lines), title, axes)
    metric = ranks_by(found[0].record)
    points = _some(points_of(found, look, metric), found, kind)
    return _one(points, lambda on: draw_points(on, points, metric), title, axes)


def _some(drawn: list, found: list[Entry], kind: str) -> list:
    if not drawn:
        names = ", ".join(f"{entry.record.strategy} ({entry.record.status})" for entry in found)
        raise InputError(f"nothing to draw, it takes {KINDS[kind]}: {names}", "kind", kind)
    return drawn


def _matrices(drawn: list[Entry], axes: Any) -> np.ndarray:
    if axes is None:
        down, across, (width, height) = panels(drawn)
        with _new_figure((max(width, SMALLEST[0]), max(height, SMALLEST[1]))) as figure:
            grid = figure.subplots(down, across, squeeze=False)
            draw_matrices(figure, grid, drawn)
        return grid.ravel()[: len(drawn)]
    given = _checked(axes, len(drawn))
    for on, entry in zip(given, drawn, strict=True):
        draw_matrix(on, entry)
        on.set(xlabel=MATRIX_X, ylabel=MATRIX_Y)
    return given


def _one(drawn: list[Line] | list[Point], draw: Callable[[Axes], Any], title: str, axes: Any) -> Axes:
    """Draws onto the given axes, or those of a new figure, and says there what is what."""
    if axes is not None:
        (on,) = _checked(axes, 1)
        draw(on)
        _name(on, [one.name for one in drawn], title)
        return on
    several = len(drawn) > 1
    with _new_figure((WIDTH, max(SIZE[1], 0.19 * len(drawn) + 0.9)) if several else SIZE) as figure:
        return _one(drawn, draw, title, figure.subplots())


def _name(axes: Axes, names: list[str], title: str) -> None:
    """A title, with the name of the only row; of several, a legend beside the axes."""
    if len(names) == 1:
        title = f"{names[0]} on {title}"
    else:
        legend = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        for text in legend.get_texts():
            as_it_is(text)
    as_it_is(axes.set_title("\n".join(wrap(printable(title), 90))))


@contextmanager
def _new_figure(size: tuple[float, float]) -> Iterator[Any]:
    """A figure of pyplot, within the style of reports."""
    from matplotlib import pyplot

    # Made outside of the style, within which pyplot is not interactive: such a figure is not displayed.
    figure = pyplot.figure(figsize=size, layout="constrained", facecolor=PAPER)
    with report_style():
        yield figure
        figure.draw_without_rendering()  # makes the marks of the axes, in this style
    figure.stale = True  # still to be shown


def _checked(axes: Any, number: int) -> np.ndarray:
    """[number] matplotlib axes."""
    given = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(given) != number or not all(isinstance(one, Axes) for one in given):
        each = ", one per strategy" if number > 1 else ""
        kinds = ", ".join(type(one).__name__ for one in given)
        raise InputError(f"axes: takes {number} matplotlib axes{each}; got {kinds or 'none'}")
    return given
