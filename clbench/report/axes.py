"""What a figure shows of one benchmark's rows, drawn onto given axes: for reports and for notebooks."""

from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from clbench.core.text import printable
from clbench.metrics.accuracy import METRICS
from clbench.metrics.statistics import summarise
from clbench.report.layout import pareto
from clbench.report.style import FAINT, Look
from clbench.report.svg import INK, PAPER
from clbench.report.values import Entry, seen_accuracy, trains_on_all_data

WIDTH = 9.5  # inches of a figure
MATRIX_X, MATRIX_Y = "evaluated on task", "after learning task (0: untrained)"

# ---- matrices


def panels(drawn: list[Entry]) -> tuple[int, int, tuple[float, float]]:
    """(panels below each other, panels beside each other, size in inches) for the matrices of these rows."""
    rows, columns = np.max([entry.record.array.shape[1:] for entry in drawn], axis=0).tolist()
    panel = 0.34 * max(columns, 4) + 0.45  # inches
    across = max(1, min(len(drawn), int(WIDTH / panel)))
    down = -(-len(drawn) // across)
    return down, across, (across * panel, down * (0.24 * rows + 0.5) + 0.6)


def draw_matrices(figure, grid: np.ndarray, drawn: list[Entry]) -> None:
    """Fills a figure's grid of axes: a matrix for each row, what the sides are, and a bar of the colours."""
    for axes in grid.flat[len(drawn) :]:
        axes.set_visible(False)
    for axes, entry in zip(grid.flat, drawn, strict=False):
        mesh = draw_matrix(axes, entry)
        axes.label_outer()
    figure.supxlabel(MATRIX_X, fontsize=8.5)
    figure.supylabel(MATRIX_Y, fontsize=8.5)
    bar = figure.colorbar(
        mesh, ax=grid, shrink=min(1, 1.6 / len(grid)), aspect=16, pad=0.015, ticks=[0, 50, 100]
    )
    bar.outline.set_visible(False)


def draw_matrix(axes, entry: Entry):
    """The mean over seeds in points: colours, numbers where they can be read, and a line around the tasks
    already seen. Gives the mesh, for a bar of the colours."""
    mean = 100 * entry.record.array.mean(axis=0)
    rows, columns = mean.shape
    colours = mpl.colormaps["YlGnBu"].resampled(20)
    edges = np.arange(columns + 1) + 0.5, np.arange(rows + 1) - 0.5
    mesh = axes.pcolormesh(*edges, mean, cmap=colours, vmin=0, vmax=100, clip_on=False)
    axes.vlines(edges[0][1:-1], -0.5, rows - 0.5, color=PAPER, linewidth=0.6)
    axes.hlines(edges[1][1:-1], 0.5, columns + 0.5, color=PAPER, linewidth=0.6)
    if columns <= 12:
        _numbers(axes, mean)
    if rows == columns + 1:
        steps = np.arange(columns + 1) + 0.5
        axes.step(steps, steps, where="post", color=INK, linewidth=1.5, zorder=3)
    axes.set(
        xlim=(0.5, columns + 0.5),
        ylim=(rows - 0.5, -0.5),
        xticks=ticks(1, columns),
        yticks=ticks(0, rows - 1),
    )
    as_it_is(axes.set_title("\n".join(wrap(label(entry), max(14, 5 * columns))), pad=4))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return mesh


def _numbers(axes, mean: np.ndarray) -> None:
    for (i, j), value in np.ndenumerate(mean):
        if np.isfinite(value):
            axes.text(
                j + 1,
                i,
                f"{value:.0f}",
                ha="center",
                va="center_baseline",
                fontsize=7,
                color="#ffffff" if value > 55 else "#1b1b1b",
            )


# ---- accuracy on the tasks seen so far


@dataclass(frozen=True)
class Line:
    """A row's accuracy on the tasks seen so far."""

    name: str
    values: np.ndarray  # [S, T]
    look: Look


def lines_of(found: list[Entry], look: dict[str, Look]) -> list[Line]:
    """Those of the rows that have more than one task."""
    curves = ((entry, seen_accuracy(entry.record)) for entry in found if entry.ok)
    return [
        Line(label(entry), values, look[entry.record.strategy])
        for entry, values in curves
        if values.shape[1] > 1
    ]


def draw_lines(axes, lines: list[Line]) -> None:
    """Means over seeds with their 95 % t intervals as a band."""
    for line in lines:
        _draw_line(axes, line)
    tasks = max(line.values.shape[1] for line in lines)
    axes.set(xlabel="tasks learnt", ylabel="accuracy on tasks seen so far (points)", xticks=ticks(1, tasks))
    axes.grid(axis="y")


def _draw_line(axes, line: Line) -> None:
    look, summaries = line.look, [summarise(column) for column in line.values.T]
    means = np.array([100 * one.mean if one.mean is not None else np.nan for one in summaries])
    halves = np.array([100 * (one.half_width or 0) for one in summaries])
    x = np.arange(1, len(means) + 1)
    axes.fill_between(x, means - halves, means + halves, color=look.colour, alpha=0.2, linewidth=0)
    axes.plot(
        x,
        means,
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=4,
        linewidth=1.3,
        label=line.name,
    )


# ---- a metric against its cost


@dataclass(frozen=True)
class Point:
    """A row's place among metric and cost."""

    name: str
    x: float  # FLOPs per seed
    y: float  # mean of the metric, in points
    half: float  # of its 95 % interval, in points
    look: Look
    hollow: bool  # it trains on all data so far
    competes: bool  # for the Pareto front


def points_of(found: list[Entry], look: dict[str, Look], metric: str) -> list[Point]:
    """Those of the rows that have the metric and whose FLOPs are known."""
    points = []
    for entry in found:
        flops = entry.costs["flops"]
        summary = summarise(list(entry.metrics.get(metric, {}).values())) if entry.ok else None
        if flops and summary is not None and summary.mean is not None:
            mean, half = 100 * summary.mean, 100 * (summary.half_width or 0)
            on_all = trains_on_all_data(entry.record)
            its = look[entry.record.strategy]
            points.append(Point(label(entry), flops, mean, half, its, on_all, not entry.stale and not on_all))
    return points


def draw_points(axes, points: list[Point], metric: str) -> list[tuple[float, float]]:
    """Points with their intervals and the Pareto front of those that compete, whose corners it gives."""
    for point in points:
        _draw_point(axes, point)
    axes.set(xscale="log", xlabel="FLOPs per seed", ylabel=f"{METRICS[metric].title} (points)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.14, y=0.1)
    axes.grid()
    sign = 1 if METRICS[metric].higher_is_better else -1
    return _draw_front(axes, [(point.x, point.y) for point in points if point.competes], sign)


def _draw_point(axes, point: Point) -> None:
    look = point.look
    axes.errorbar(
        [point.x],
        [point.y],
        yerr=[point.half],
        fmt=look.marker,
        color=look.colour,
        markersize=6 if look.marker != "*" else 8,
        markerfacecolor=PAPER if point.hollow else look.colour,
        elinewidth=1,
        markeredgewidth=1,
        label=point.name,
    )


def _draw_front(axes, points: list[tuple[float, float]], sign: int) -> list[tuple[float, float]]:
    """sign: 1 where the higher value is better, else -1."""
    front = [points[i] for i in pareto([a for a, _ in points], [sign * b for _, b in points])]
    corners = [corner for (a, b), (c, d) in pairwise(front) for corner in ((a, b), (c, b), (c, d))]
    if corners:
        axes.plot(*zip(*corners, strict=True), color=FAINT, linewidth=1.1, linestyle=(0, (4, 2)), zorder=0)
    return corners


# ---- shared


def label(entry: Entry) -> str:
    """What a figure calls a row."""
    return short(entry.record.strategy) + (" (stale)" if entry.stale else "")


def short(name: str) -> str:
    """At most 40 characters of a name, on one line."""
    name = printable(name)
    return name if len(name) <= 40 else name[:39] + "…"


def as_it_is(text) -> None:
    """Shows a matplotlib text as it is written: what stands between two dollar signs is no formula."""
    text.set(parse_math=False, usetex=False)


def ticks(first: int, last: int) -> list[int]:
    """Whole numbers from the first to the last, about ten where there are many."""
    return list(
        range(first, last + 1, max(1, (last - first) // 10 + ((last - first) % 10 > 0 and last - first > 10)))
    )
