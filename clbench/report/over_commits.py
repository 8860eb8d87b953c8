"""One pair over the commits that hold a record of it: values, verdicts between neighbours, a figure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from clbench.core.text import printable
from clbench.metrics.accuracy import METRICS
from clbench.metrics.comparison import Comparison
from clbench.metrics.statistics import Summary, summarise
from clbench.report.axes import WIDTH
from clbench.report.compared import Place, compare_records, difference_in_words, entries_at, value_in_words
from clbench.report.formats import json_text
from clbench.report.style import COLOURS, report_style
from clbench.report.svg import INK, svg_of
from clbench.results.files import write_atomically
from clbench.results.record import Record
from clbench.results.repository import Commit

QUIET = ("identical", "equivalent")
SIDE_BY_SIDE = 12  # names of commits that fit beside each other
LONGEST = 48  # characters of a commit's title in the text


@dataclass(frozen=True)
class Point:
    """The record of a pair at a commit."""

    commit: Commit | None  # None: the working tree's, which no commit holds
    status: str  # of the record
    value: Summary
    since: Comparison | None  # the point before; None for the first

    @property
    def name(self) -> str:
        return self.commit.short if self.commit else "here"


def points_of(
    place: Place, found: Sequence[tuple[Commit | None, Sequence[Record]]], metric: str, margin: float
) -> list[Point]:
    """found: for each commit, oldest first, the pair's record and those that metrics compare it with."""
    points = []
    for (commit, made), (_, before) in zip(found, [(None, ()), *found], strict=False):
        entry = entries_at(made, [place])[place]
        (row,) = compare_records(before, made, [place], [metric], margin)
        value = summarise(list(entry.metrics.get(metric, {}).values()))
        points.append(Point(commit, entry.record.status, value, row.comparison if before else None))
    return points


def lines(points: list[Point], margin: float) -> list[str]:
    """A line for each commit: name, date, title, value, the verdict against the line before, and why."""
    cells = [
        (
            point.name,
            point.commit.date if point.commit else "",
            _cut(printable(point.commit.title)) if point.commit else "as it is now",
            value_in_words(point.value) if point.status == "ok" else point.status,
            *_since(point.since, margin),
        )
        for point in points
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…"


def _since(found: Comparison | None, margin: float) -> tuple[str, str]:
    """(verdict, why)."""
    if found is None:
        return "", ""
    said = [one.text for one in found.findings]
    said += [difference_in_words(one, margin) for one in found.metrics if one.status != "identical"]
    return found.status, printable("; ".join(said))


def to_json(points: list[Point], place: Place, metric: str, margin: float) -> str:
    """Everything, with fractions where the text has points."""
    profile, benchmark, strategy = place
    made = [
        {
            "commit": point.commit and point.commit._asdict(),
            "status": point.status,
            "value": asdict(point.value),
            "since": point.since and asdict(point.since),
        }
        for point in points
    ]
    of = {"profile": profile, "benchmark": benchmark, "strategy": strategy, "metric": metric}
    return json_text(of | {"margin": margin, "points": made})


def draw(points: list[Point], place: Place, metric: str, path: Path) -> None:
    """Writes the figure, SVG or PNG by the path's ending: value and 95 % interval at each commit, with the
    verdicts that say something."""
    drawn = [(x, point) for x, point in enumerate(points) if point.value.mean is not None]
    with report_style():
        figure = Figure(figsize=(min(WIDTH, 2.5 + 0.7 * len(points)), 3.4), layout="constrained")
        axes = figure.subplots()
        axes.errorbar(
            [x for x, _ in drawn],
            [100 * (point.value.mean or 0) for _, point in drawn],
            yerr=[100 * (point.value.half_width or 0) for _, point in drawn],
            color=COLOURS[0],
            marker="o",
            markersize=4,
            linewidth=1.3,
            elinewidth=0.9,
        )
        for x, point in drawn:
            if point.since and point.since.status not in QUIET:
                at = (x, 100 * ((point.value.mean or 0) + (point.value.half_width or 0)))
                axes.annotate(
                    point.since.status.replace(" ", "\n"), at, (0, 4), textcoords="offset points", ha="center"
                )
        names = [f"{point.name}\n{point.commit.date if point.commit else ''}" for point in points]
        axes.set_xticks(range(len(points)), names)
        if len(points) > SIDE_BY_SIDE:
            axes.tick_params("x", rotation=45)
        axes.set(xlim=(-0.5, len(points) - 0.5), ylabel=f"{METRICS[metric].title} (points)")
        axes.margins(y=0.15)
        axes.set_title(printable(f"{place[2]} on {place[1]}, {place[0]}"), color=INK)
        axes.grid(axis="y")
        if path.suffix.lower() == ".svg":
            write_atomically(path, svg_of(figure))
        else:
            file = BytesIO()
            figure.savefig(file, dpi=150, format="png", metadata={"Software": None})
            write_atomically(path, file.getvalue())
