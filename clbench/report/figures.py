"""Figures as SVG text: the same records give the same bytes. Every figure takes the rows of one benchmark."""

from dataclasses import dataclass
from io import BytesIO
from itertools import cycle, pairwise
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter
from PIL import Image

from clbench import registry
from clbench.core.text import printable
from clbench.facts import FAMILIES
from clbench.metrics.accuracy import METRICS
from clbench.metrics.references import NAIVE, place_of
from clbench.metrics.statistics import summarise
from clbench.report.layout import LEADER, Box, near, pareto, place, spread
from clbench.report.svg import INK, PAPER, svg_of
from clbench.report.values import Entry, order_of, seen_accuracy, trains_on_all_data

FAINT = "#8c959f"
COLOURS = ("#0077bb", "#ee7733", "#009988", "#cc3311", "#8a5cc2", "#33a1d6", "#d6458b", "#8c7a2b")
MARKERS, DASHES = ("o", "s", "^", "D", "v", "P", "X"), ((), (5, 2), (2, 1.5), (6, 2, 1.5, 2))
WIDTH = 9.5  # inches
ACROSS = 3  # pictures beside each other
LOOK: dict[Any, Any] = {
    "svg.hashsalt": "clbench",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 8.5,
    "axes.titlecolor": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "axes.unicode_minus": False,
    "text.parse_math": False,  # a name with two dollar signs is a name
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
}


@dataclass(frozen=True)
class Look:
    """How a strategy is drawn in every figure of a report."""

    colour: str
    dash: tuple[float, ...]
    marker: str

    @property
    def line(self):
        return (0, self.dash) if self.dash else "-"


def looks(found: list[Entry]) -> dict[str, Look]:
    """Colour, dash and marker by strategy: references in ink and grey, the others through all
    combinations."""
    fixed = reference_looks()
    given = dict.fromkeys(
        entry.record.strategy for entry in sorted(found, key=lambda entry: order_of(entry.record))
    )
    others = [name for name in given if name.split("(")[0] not in fixed]
    cycled = {
        name: Look(
            COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)], MARKERS[i % len(MARKERS)]
        )
        for i, name in enumerate(others)
    }
    return {name: cycled[name] if name in cycled else fixed[name.split("(")[0]] for name in given}


def reference_looks() -> dict[str, Look]:
    """Of the native references: a faint dot for fine-tuning, a star each for those that train on all data."""
    native = [name for name, entry in registry.strategies().items() if entry.backend == "native"]
    facts = {name: registry.facts(name) for name in native}
    on_all_data = [name for name, its in facts.items() if its.family == FAMILIES[0] and its.sees_all_data]
    stars = cycle([(INK, ()), (INK, (5, 2)), (INK, (2, 1.5)), (FAINT, (5, 2)), (FAINT, (2, 1.5))])
    by_place = sorted(on_all_data, key=lambda name: (place_of(name), name))
    drawn = {name: Look(*style, "*") for name, style in zip(by_place, stars, strict=False)}
    return {NAIVE: Look(FAINT, (), "o")} | drawn


# ---- the figures


def matrices(found: list[Entry]) -> str | None:
    """Accuracy matrices, mean over seeds: one panel per strategy, a row per task learnt, a column per
    slice."""
    drawn = [entry for entry in found if entry.ok]
    if not drawn:
        return None
    rows, columns = drawn[0].record.array.shape[1:]
    drawn = [entry for entry in drawn if entry.record.array.shape[1:] == (rows, columns)]
    panel = 0.34 * max(columns, 4) + 0.45  # inches
    across = max(1, min(len(drawn), int(WIDTH / panel)))
    down = -(-len(drawn) // across)
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        size = across * panel, down * (0.24 * rows + 0.5) + 0.6
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)  # shared axes would each set those of all others
        for axes in grid.flat[len(drawn) :]:
            axes.set_visible(False)
        for axes, entry in zip(grid.flat, drawn, strict=False):
            mesh = _matrix(axes, entry)
        figure.supxlabel("evaluated on task", fontsize=8.5)
        figure.supylabel("after learning task (0: untrained)", fontsize=8.5)
        bar = figure.colorbar(
            mesh, ax=grid, shrink=min(1, 1.6 / down), aspect=16, pad=0.015, ticks=[0, 50, 100]
        )
        bar.outline.set_visible(False)
        return svg_of(figure)


def _matrix(axes, entry: Entry):
    """One panel: colours, numbers where they can be read, and a line around the tasks already seen."""
    mean = 100 * entry.record.array.mean(axis=0)
    rows, columns = mean.shape
    colours = mpl.colormaps["YlGnBu"].resampled(20)
    edges = np.arange(columns + 1) + 0.5, np.arange(rows + 1) - 0.5
    mesh = axes.pcolormesh(*edges, mean, cmap=colours, vmin=0, vmax=100, clip_on=False)
    axes.vlines(edges[0][1:-1], -0.5, rows - 0.5, color=PAPER, linewidth=0.6)
    axes.hlines(edges[1][1:-1], 0.5, columns + 0.5, color=PAPER, linewidth=0.6)
    if columns <= 12:
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
    if rows == columns + 1:
        steps = np.arange(columns + 1) + 0.5
        axes.step(steps, steps, where="post", color=INK, linewidth=1.5, zorder=3)
    axes.set(
        xlim=(0.5, columns + 0.5),
        ylim=(rows - 0.5, -0.5),
        xticks=_ticks(1, columns),
        yticks=_ticks(0, rows - 1),
    )
    axes.set_title("\n".join(wrap(_label(entry), max(14, 5 * columns))), pad=4)
    axes.tick_params(length=0)
    axes.label_outer()
    for spine in axes.spines.values():
        spine.set_visible(False)
    return mesh


def seen(found: list[Entry], look: dict[str, Look]) -> str | None:
    """Mean accuracy on the tasks seen so far, after each task, with 95 % intervals and a label at each line's
    end."""
    curves = [
        (entry, values)
        for entry, values in ((entry, seen_accuracy(entry.record)) for entry in found if entry.ok)
        if values.shape[1] > 1
    ]
    if not curves:
        return None
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        figure = Figure(figsize=(WIDTH, max(3.6, 0.19 * len(curves) + 0.9)), layout="constrained")
        axes = figure.subplots()
        offsets = np.linspace(-0.12, 0.12, len(curves)) if len(curves) > 1 else [0.0]
        lines = [
            (_label(entry), values, offset, look[entry.record.strategy])
            for (entry, values), offset in zip(curves, offsets, strict=True)
        ]
        for _, *line in lines:
            _curve(axes, *line)
        tasks = max(values.shape[1] for _, values in curves)
        axes.set(
            xlabel="tasks learnt",
            ylabel="accuracy on tasks seen so far (points)",
            xticks=_ticks(1, tasks),
            xlim=(0.7, tasks + 0.3 + 0.32 * tasks),
        )
        axes.grid(axis="y")
        axes.spines.bottom.set_bounds(0.7, tasks + 0.3)
        _end_labels(figure, axes, lines)
        return svg_of(figure)


def _curve(axes, values: np.ndarray, offset: float, look: Look) -> None:
    summaries = [summarise(column) for column in values.T]
    means = [100 * summary.mean if summary.mean is not None else np.nan for summary in summaries]
    halves = [100 * (summary.half_width or 0) for summary in summaries]
    x = np.arange(1, len(means) + 1) + offset
    axes.errorbar(x, means, yerr=halves, fmt="none", ecolor=look.colour, elinewidth=0.9, alpha=0.55)
    axes.plot(
        x, means, color=look.colour, linestyle=look.line, marker=look.marker, markersize=4, linewidth=1.3
    )


def _end_labels(figure, axes, lines: list) -> None:
    """A sample and a name beside the last point of each line, spread so that they do not overlap, and led to
    it."""
    figure.canvas.draw()
    low, high = axes.get_ylim()
    gap = 0.165 * figure.dpi / axes.bbox.height * (high - low)
    ends = [100 * float(values[:, -1].mean()) for _, values, _, _ in lines]
    places = spread(ends, gap)
    for (name, values, offset, look), end, y in zip(lines, ends, places, strict=True):
        tasks = values.shape[1]
        x = tasks + 0.3 + 0.04 * tasks
        axes.plot([tasks + offset, tasks + 0.3, x], [end, y, y], color=look.colour, linewidth=0.6, alpha=0.7)
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
        axes.text(x + 0.06 * tasks, y, name, va="center_baseline", fontsize=8)
    axes.set_ylim(min(low, min(places) - gap / 2), max(high, max(places) + gap / 2))


def growth(found: list[Entry], look: dict[str, Look]) -> str | None:
    """Parameters in use after each task, of the rows whose network grows, beside the plain network."""
    drawn = [(entry, numbers) for entry in found if entry.ok and (numbers := entry.record.parameters)]
    if not drawn:
        return None
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
        axes = figure.subplots()
        most = max(len(numbers) for _, numbers in drawn)
        for entry, numbers in drawn:
            its = look[entry.record.strategy]
            tasks = range(1, len(numbers) + 1)
            axes.plot(
                tasks, numbers, color=its.colour, linestyle=its.line, marker=its.marker, label=_label(entry)
            )
        axes.set(xlabel="tasks learnt", ylabel="parameters in use", ylim=(0, None), xticks=_ticks(1, most))
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(axis="y")
        axes.legend(frameon=False)
        return svg_of(figure)


def pictures(found: list[Entry]) -> str | None:
    """What methods have learnt to stand for examples: a picture for each row that has some."""
    drawn = [(entry, shown) for entry in found if entry.ok and (shown := _picture(entry)) is not None]
    if not drawn:
        return None
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        down = -(-len(drawn) // ACROSS)
        tallest = max(shown.shape[0] / shown.shape[1] for _, shown in drawn)
        size = (WIDTH, down * (0.4 + tallest * WIDTH / ACROSS))
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(down, ACROSS, squeeze=False).flat)
        for one in axes:
            one.axis("off")
        for one, (entry, shown) in zip(axes, drawn, strict=False):
            one.imshow(shown, cmap="gray", interpolation="none")
            one.set_title("\n".join(wrap(_label(entry), 44)), fontsize=8)
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
    points = [(entry, point) for entry in found if (point := _cost_and_value(entry, metric))]
    if not points:
        return None
    drawn = [entry for entry, _ in points]
    x, y, halves = (list(values) for values in zip(*(point for _, point in points), strict=True))
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK}):
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        axes = figure.subplots()
        for entry, point in points:
            _point(axes, *point, look[entry.record.strategy], hollow=_sees_all(entry))
        axes.set(xscale="log", xlabel="FLOPs per seed", ylabel=f"{METRICS[metric].title} (points)")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.14, y=0.1)
        axes.grid()
        front = _front(
            axes,
            [
                (a, b)
                for entry, a, b in zip(drawn, x, y, strict=True)
                if not entry.stale and not _sees_all(entry)
            ],
        )
        _point_labels(figure, axes, [_label(entry) for entry in drawn], x, y, halves, front)
        return svg_of(figure)


def _cost_and_value(entry: Entry, metric: str) -> tuple[float, float, float] | None:
    """(FLOPs per seed, mean of the metric, half its interval) in points; None where the row lacks one."""
    flops = entry.costs["flops"]
    summary = summarise(list(entry.metrics[metric].values())) if entry.ok else None
    if not flops or summary is None or summary.mean is None:
        return None
    return flops, 100 * summary.mean, 100 * (summary.half_width or 0)


def _point(axes, x: float, y: float, half: float, look: Look, hollow: bool) -> None:
    axes.errorbar(
        [x],
        [y],
        yerr=[half],
        fmt=look.marker,
        color=look.colour,
        markersize=6 if look.marker != "*" else 8,
        markerfacecolor=PAPER if hollow else look.colour,
        elinewidth=1,
        markeredgewidth=1,
    )


def _front(axes, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Draws the Pareto front as steps and gives its corners."""
    front = [points[i] for i in pareto([a for a, _ in points], [b for _, b in points])]
    corners = [corner for (a, b), (c, d) in pairwise(front) for corner in ((a, b), (c, b), (c, d))]
    if corners:
        axes.plot(*zip(*corners, strict=True), color=FAINT, linewidth=1.1, linestyle=(0, (4, 2)), zorder=0)
    return corners


def _point_labels(
    figure,
    axes,
    names: list[str],
    x: list[float],
    y: list[float],
    halves: list[float],
    front: list[tuple[float, float]],
) -> None:
    """Names near their points, clear of each other, of the intervals and of the front."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    pixels = [tuple(point) for point in axes.transData.transform(list(zip(x, y, strict=True)))]
    scale = axes.bbox.height / np.diff(axes.get_ylim())[0]
    texts = [axes.text(0, 0, name, fontsize=8, va="bottom") for name in names]
    sizes = [(box.width + 2, box.height) for box in (text.get_window_extent(renderer) for text in texts)]
    whiskers = [
        Box(a - 5, b - half * scale - 5, 10, 2 * half * scale + 10)
        for (a, b), half in zip(pixels, halves, strict=True)
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


# ---- shared


def _sees_all(entry: Entry) -> bool:
    return trains_on_all_data(entry.record)


def _label(entry: Entry) -> str:
    return _short(entry.record.strategy) + (" (stale)" if entry.stale else "")


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= 40 else name[:39] + "…"


def _ticks(first: int, last: int) -> list[int]:
    return list(
        range(first, last + 1, max(1, (last - first) // 10 + ((last - first) % 10 > 0 and last - first > 10)))
    )
