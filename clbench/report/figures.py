"""The figure of a benchmark's Markdown page, as SVG text: the same records give the same bytes."""

from itertools import pairwise

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from clbench.metrics.references import JOINT, NAIVE
from clbench.report.axes import WIDTH, Point, draw_points, points_of
from clbench.report.layout import LEADER, Box, near, place
from clbench.report.style import FAINT, Look, report_style
from clbench.report.svg import svg_of
from clbench.report.values import Entry


def cost(found: list[Entry], look: dict[str, Look], metric: str = "acc") -> str | None:
    """A metric against FLOPs per seed, with 95 % intervals, names, and the Pareto front of the rows that
    compete. None where there is nothing to compare."""
    points = points_of(found, look, metric)
    if len(points) < 2:
        return None
    with report_style():
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        axes = figure.subplots()
        front = draw_points(axes, points, metric)
        if unnamed := _point_labels(figure, axes, points, front):
            axes.set_xlabel(
                f"{axes.get_xlabel()} · {unnamed} of {len(points)} rows not named, for want of room"
            )
        for artist in axes.get_children():
            artist.set_clip_on(False)  # all of it lies within the axes, and a file that says so is larger
        return svg_of(figure)


def _point_labels(figure, axes, points: list[Point], front: list[tuple[float, float]]) -> int:
    """Names near their points, clear of each other, of the intervals and of the front; how many had no room:
    variants of a method give way to it, and all to the front and the yardsticks."""
    needed = {point.name for point in points if (point.x, point.y) in front or point.name in (NAIVE, JOINT)}
    points = sorted(points, key=lambda point: (point.name not in needed, "(" in point.name))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    figure.set_layout_engine("none")  # it has laid out the axes; names change nothing about that
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
    must = [point.name in needed for point in points]
    boxes = place(pixels, sizes, whiskers + steps, Box(*axes.bbox.bounds), must)
    back = axes.transData.inverted()
    for text, box, (a, b) in zip(texts, boxes, pixels, strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(back.transform((box.left + 1, box.bottom)))
        end = near((a, b), box)
        if np.hypot(end[0] - a, end[1] - b) > LEADER:
            axes.plot(*zip(*back.transform([(a, b), end]), strict=True), color=FAINT, linewidth=0.6, zorder=0)
    return boxes.count(None)
