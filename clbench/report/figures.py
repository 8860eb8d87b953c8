"""Figures as SVG text: the same records give the same bytes. Every figure takes the rows of one benchmark."""

from io import BytesIO
from itertools import pairwise
from textwrap import wrap

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from PIL import Image

from clbench.report.across import Across
from clbench.report.axes import (
    WIDTH,
    Line,
    Point,
    draw_lines,
    draw_matrices,
    draw_points,
    label,
    lines_of,
    panels,
    points_of,
    short,
    ticks,
)
from clbench.report.layout import LEADER, Box, near, place, spread
from clbench.report.style import FAINT, Look, looks, report_style
from clbench.report.svg import svg_of
from clbench.report.values import Entry

__all__ = ["across", "cost", "growth", "looks", "matrices", "pictures", "seen"]

ACROSS = 3  # pictures beside each other


def matrices(found: list[Entry]) -> str | None:
    """Accuracy matrices, mean over seeds: one panel per strategy, a row per task learnt, a column per
    slice."""
    drawn = [entry for entry in found if entry.ok]
    if not drawn:
        return None
    shape = drawn[0].record.array.shape[1:]
    drawn = [entry for entry in drawn if entry.record.array.shape[1:] == shape]
    down, across, size = panels(drawn)
    with report_style():
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)  # shared axes would each set those of all others
        draw_matrices(figure, grid, drawn)
        return svg_of(figure)


def seen(found: list[Entry], look: dict[str, Look]) -> str | None:
    """Mean accuracy on the tasks seen so far, after each task, with 95 % intervals and a label at each line's
    end."""
    lines = lines_of(found, look, apart=0.12)
    if not lines:
        return None
    with report_style():
        figure = Figure(figsize=(WIDTH, max(3.6, 0.19 * len(lines) + 0.9)), layout="constrained")
        axes = figure.subplots()
        draw_lines(axes, lines)
        tasks = max(line.values.shape[1] for line in lines)
        axes.set_xlim(0.7, tasks + 0.3 + 0.32 * tasks)
        axes.spines.bottom.set_bounds(0.7, tasks + 0.3)
        _end_labels(figure, axes, lines)
        return svg_of(figure)


def _end_labels(figure, axes, lines: list[Line]) -> None:
    """A sample and a name beside the last point of each line, spread so that they do not overlap, and led to
    it."""
    figure.canvas.draw()
    low, high = axes.get_ylim()
    gap = 0.165 * figure.dpi / axes.bbox.height * (high - low)
    ends = [100 * float(line.values[:, -1].mean()) for line in lines]
    places = spread(ends, gap)
    for line, end, y in zip(lines, ends, places, strict=True):
        look, tasks = line.look, line.values.shape[1]
        x = tasks + 0.3 + 0.04 * tasks
        axes.plot(
            [tasks + line.offset, tasks + 0.3, x], [end, y, y], color=look.colour, linewidth=0.6, alpha=0.7
        )
        axes.plot(
            x + np.array([0, 0.025, 0.05]) * tasks,
            [y] * 3,
            color=look.colour,
            linestyle=look.line,
            linewidth=1.3,
            marker=look.marker,
            markersize=4,
            markevery=[1],
        )
        axes.text(x + 0.06 * tasks, y, line.name, va="center_baseline", fontsize=8)
    axes.set_ylim(min(low, min(places) - gap / 2), max(high, max(places) + gap / 2))


def growth(found: list[Entry], look: dict[str, Look]) -> str | None:
    """Parameters in use after each task, of the rows whose network grows, beside the plain network."""
    drawn = [(entry, numbers) for entry in found if entry.ok and (numbers := entry.record.parameters)]
    if not drawn:
        return None
    with report_style():
        figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
        axes = figure.subplots()
        most = max(len(numbers) for _, numbers in drawn)
        for entry, numbers in drawn:
            its = look[entry.record.strategy]
            tasks = range(1, len(numbers) + 1)
            axes.plot(
                tasks, numbers, color=its.colour, linestyle=its.line, marker=its.marker, label=label(entry)
            )
        axes.set(xlabel="tasks learnt", ylabel="parameters in use", ylim=(0, None), xticks=ticks(1, most))
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(axis="y")
        axes.legend(frameon=False)
        return svg_of(figure)


def pictures(found: list[Entry]) -> str | None:
    """What methods have learnt to stand for examples: a picture for each row that has some."""
    drawn = [(entry, shown) for entry in found if entry.ok and (shown := _picture(entry)) is not None]
    if not drawn:
        return None
    with report_style():
        down = -(-len(drawn) // ACROSS)
        tallest = max(shown.shape[0] / shown.shape[1] for _, shown in drawn)
        size = (WIDTH, down * (0.4 + tallest * WIDTH / ACROSS))
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(down, ACROSS, squeeze=False).flat)
        for one in axes:
            one.axis("off")
        for one, (entry, shown) in zip(axes, drawn, strict=False):
            one.imshow(shown, cmap="gray", interpolation="none")
            one.set_title("\n".join(wrap(label(entry), 44)), fontsize=8)
        return svg_of(figure)


def _picture(entry: Entry) -> np.ndarray | None:
    """[height, width] or [height, width, 3]; None where there is none, or none that can be read."""
    content = entry.record.pictures
    if content is None:
        return None
    try:
        with Image.open(BytesIO(content), formats=["png"]) as image:
            return np.asarray(image)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def cost(found: list[Entry], look: dict[str, Look], metric: str = "acc") -> str | None:
    """A metric against FLOPs per seed, with 95 % intervals, names, and the Pareto front of the rows that
    compete."""
    points = points_of(found, look, metric)
    if not points:
        return None
    with report_style():
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        axes = figure.subplots()
        front = draw_points(axes, points, metric)
        _point_labels(figure, axes, points, front)
        return svg_of(figure)


def _point_labels(figure, axes, points: list[Point], front: list[tuple[float, float]]) -> None:
    """Names near their points, clear of each other, of the intervals and of the front."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    pixels = [tuple(point) for point in axes.transData.transform([(one.x, one.y) for one in points])]
    scale = axes.bbox.height / np.diff(axes.get_ylim())[0]
    texts = [axes.text(0, 0, one.name, fontsize=8, va="bottom") for one in points]
    sizes = [(box.width + 2, box.height) for box in (text.get_window_extent(renderer) for text in texts)]
    whiskers = [
        Box(a - 5, b - one.half * scale - 5, 10, 2 * one.half * scale + 10)
        for (a, b), one in zip(pixels, points, strict=True)
    ]
    steps = [
        Box(min(a, c) - 1, min(b, d) - 1, abs(a - c) + 2, abs(b - d) + 2)
        for (a, b), (c, d) in pairwise(axes.transData.transform(front) if front else [])
    ]
    boxes = place(pixels, sizes, whiskers + steps, Box(*axes.bbox.bounds))
    back = axes.transData.inverted()
    for text, box, (a, b) in zip(texts, boxes, pixels, strict=True):
        text.set_position(back.transform((box.left + 1, box.bottom)))
        end = near((a, b), box)
        if np.hypot(end[0] - a, end[1] - b) > LEADER:
            axes.plot(*zip(*back.transform([(a, b), end]), strict=True), color=FAINT, linewidth=0.6, zorder=0)


LOWEST, HIGHEST = -50, 125  # points of `recovered` that are drawn; what lies outside is an arrow at the edge


def across(group: Across, look: dict[str, Look]) -> str:
    """Rows on several benchmarks: rank and share of the damage recovered, a dot for each benchmark, then the
    mean rank and the pooled share with 95 % intervals."""
    names = [row.strategy for row in group.rows]
    with report_style():
        figure = Figure(figsize=(WIDTH, 0.21 * len(names) + 0.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        ranks = [(y, float(one)) for y, row in enumerate(group.rows) if row.rank for one in row.rank.of_each]
        shares = [(y, 100 * one.value) for y, row in enumerate(group.rows) for one in row.of_each if one]
        _dots(left, ranks)
        _dots(right, shares)
        for y, row in enumerate(group.rows):
            style = look[row.strategy]
            if row.rank:
                _whole(left, y, row.rank.mean, row.rank.low, row.rank.high, style)
            if one := row.recovered:
                _whole(right, y, 100 * one.value, 100 * one.low, 100 * one.high, style)
        left.set(xlabel="rank (mean and on each benchmark)", ylim=(len(names) - 0.4, -0.6))
        left.set_yticks(range(len(names)), [short(name) for name in names])
        right.set(xlabel="recovered (pooled and on each benchmark, points)", xlim=(LOWEST - 4, HIGHEST + 4))
        for axes in (left, right):
            axes.grid()
            axes.tick_params(length=0)
        return svg_of(figure)


def _dots(axes, points: list[tuple[int, float]]) -> None:
    """Faint, at (row, value), darker where several lie on each other; what lies outside is an arrow."""
    places = {"o": [], "<": [], ">": []}  # type: dict[str, list[tuple[float, int]]]
    for y, x in points:
        marker = "<" if x < LOWEST else ">" if x > HIGHEST else "o"
        places[marker].append((min(max(x, LOWEST), HIGHEST), y))
    for marker, found in places.items():
        if found:
            axes.plot(*zip(*found, strict=True), marker, color=FAINT, markersize=3.5, alpha=0.5, zorder=1)


def _whole(axes, y: int, value: float, low: float, high: float, style: Look) -> None:
    low, high = max(low, LOWEST - 4), min(high, HIGHEST + 4)
    if low < high:
        axes.plot([low, high], [y, y], color=style.colour, linewidth=1.3, zorder=2)
    if LOWEST <= value <= HIGHEST:
        axes.plot([value], [y], style.marker, color=style.colour, markersize=6, zorder=3)
    else:
        edge, marker = (LOWEST, "<") if value < LOWEST else (HIGHEST, ">")
        axes.plot([edge], [y], marker, color=style.colour, markersize=6, zorder=3)
