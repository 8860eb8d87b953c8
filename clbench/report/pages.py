"""Reports: for each profile one HTML file that needs nothing else, and the same as Markdown with figures
beside it.

The same records give the same bytes: nothing here asks for the time.
"""

import os
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from clbench.core.costs import COSTS
from clbench.core.text import printable
from clbench.metrics.accuracy import METRICS
from clbench.profiles import PROFILES
from clbench.report import figures, svg
from clbench.report.across import Across, across
from clbench.report.agreement import COLUMNS, EXPLANATION, Agreement, agreements
from clbench.report.formats import code, markdown_text, seeds_of, to_markdown, unbroken
from clbench.report.headline import headline
from clbench.report.tables import (
    KEPT,
    Origin,
    Table,
    by_benchmark,
    by_data,
    by_metric,
    by_profile,
    comparison,
    heading,
    interval,
)
from clbench.report.values import Entry, compute_matched, entries, is_held_out, ranks_by
from clbench.results import records
from clbench.results.files import write_atomically
from clbench.results.records import Record, file_name, path_of

CAPTIONS = {
    "matrices": "Accuracy after learning each task (rows; 0 is the untrained network) on each task "
    "(columns): mean over seeds, in points. The line divides the tasks learnt so far from those to come.",
    "seen": "Mean accuracy on the tasks seen so far. Bars are 95 % t intervals over seeds; the points of one "
    "task stand a little apart so that bars do not cover each other.",
    "across": "A faint dot for each benchmark; a large mark for the mean rank, or for the sum of gains over "
    "the sum of damages, with its 95 % interval. Arrows: outside of the range that is drawn. Rows without a "
    "rank train on all data so far.",
    "learnt": "What the first seed of each method has learnt to stand for examples: a column for each class "
    "of each task, at most ten pictures of each.",
    "growth": "Parameters of the network in use after each task, of the methods whose network grows.",
    "cost": "What the table ranks by against what the training of one seed costs, with 95 % t intervals. "
    "Hollow marks: rows that train on all data so far. Dashed: the Pareto front of the other rows.",
}


@dataclass
class Written:
    """The files written, what a reader should be warned of, and what the tables come to."""

    paths: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    headlines: list[str] = field(default_factory=list)  # a sentence for each benchmark


@dataclass(frozen=True)
class Drawing:
    """A figure of a benchmark: its file, and itself for the page."""

    file: str  # relative to the report
    text: str  # the SVG file
    inline: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """All that a report says about one benchmark."""

    name: str
    anchor: str
    settings: list[str]
    table: Table
    markdown: Markup
    drawings: list[Drawing]
    sources: list[dict]  # per row: where its numbers come from
    agreements: list[Agreement]


@dataclass(frozen=True)
class Summary:
    """What a report says of all benchmarks together: those on test data, or those on held-out data."""

    suffix: str  # of anchors and headings
    said: str
    table: Table
    markdown: Markup
    groups: list["Group"]
    at_naive_cost: Table | None
    at_naive_cost_markdown: Markup


@dataclass(frozen=True)
class Group:
    """Rows that all ran on the same benchmarks."""

    across: Across
    drawing: Drawing
    fewer: str  # the rows that ran on some of them only
    ranked_by: str


def write_reports(results: Path, out: Path) -> Written:
    """Writes `<profile>.html`, `<profile>.md`, `figures/<profile>/*.svg`; `index.html` and `README.md` over
    them."""
    found, problems = records.load(results)
    problems = [problem.replace(f"{results}{os.sep}", "") for problem in problems]
    written = Written(warnings=list(problems))
    profiles, outdated = by_profile(found), {}
    for profile, own in profiles.items():
        judged = {name: entries(mixed) for name, mixed in by_benchmark(own).items()}
        outdated[profile] = all(entry.stale for several in judged.values() for entry in several)
        _write_profile(written, profile, judged, outdated[profile], problems, results, out)
        written.warnings += _stale(profile, judged, outdated[profile])
    if not found:
        written.warnings.append(f"{results}: no records; `clbench run` makes them")
        return written
    about = {"profiles": profiles, "known": PROFILES, "problems": problems, "outdated": outdated}
    for template, name in (("index.html.j2", "index.html"), ("readme.md.j2", "README.md")):
        _write(written, out / name, _render(template, **about))
    return written


def _write_profile(
    written: Written,
    profile: str,
    judged: dict[str, list[Entry]],
    outdated: bool,
    problems: list[str],
    results: Path,
    out: Path,
) -> None:
    look = figures.looks([entry for several in judged.values() for entry in several])
    sections = [_section(profile, name, several, look, results, out) for name, several in judged.items()]
    written.headlines += [headline(section.table) for section in sections]
    own = [entry.record for several in judged.values() for entry in several]
    summaries = [_summary(profile, part, judged, look) for part in by_data(own)]
    known = PROFILES.get(profile)
    about = {
        "profile": profile,
        "about": known.summary if known else "",
        "outdated": outdated,
        "sections": sections,
        "summaries": summaries,
        "strategies": len({record.strategy for record in own}),
        "records": own,
        "dates": _dates(own),
        "problems": problems,
        "definitions": [heading(name) for name in METRICS],
        "costs": COSTS.values(),
        "kept": KEPT,
        "columns": COLUMNS,
        "explanation": EXPLANATION,
    }
    of_groups = [group.drawing for summary in summaries for group in summary.groups]
    for drawing in [*of_groups, *(drawing for section in sections for drawing in section.drawings)]:
        _write(written, out / drawing.file, drawing.text)
    _write(written, out / f"{profile}.html", _render("profile.html.j2", **about))
    _write(written, out / f"{profile}.md", _render("profile.md.j2", **about))


def _summary(profile: str, part: list[Record], judged: dict[str, list[Entry]], look: dict) -> Summary:
    """part: the records on test data, or those on held-out data."""
    held_out = is_held_out(part[0])
    suffix = "-held-out" if held_out else ""
    names = {record.benchmark for record in part}
    groups = across({name: several for name, several in judged.items() if name in names})
    matched = compute_matched(part)
    at_naive_cost = by_metric(matched, beside=part) if matched else None
    table = by_metric(part)
    return Summary(
        suffix,
        ", on held-out training data" if held_out else "",
        table,
        Markup(to_markdown(table)),
        [_group(profile, suffix, i, one, look) for i, one in enumerate(groups)],
        at_naive_cost,
        Markup(to_markdown(at_naive_cost) if at_naive_cost else ""),
    )


def _group(profile: str, suffix: str, place: int, one: Across, look: dict) -> Group:
    text = figures.across(one, look)
    drawing = _drawing(f"figures/{profile}/across{suffix}-{place + 1}.svg", text, CAPTIONS["across"])
    counts = sorted(one.fewer.items(), key=lambda item: -item[1])
    fewer = ", ".join(f"{strategy} ({number})" for strategy, number in counts)
    metrics = dict.fromkeys(one.ranked_by)
    ranked = [
        f"{heading(name).title}" + (f" ({', '.join(_by(one, name))})" if len(metrics) > 1 else "")
        for name in metrics
    ]
    return Group(one, drawing, fewer, "; ".join(ranked))


def _by(one: Across, metric: str) -> list[str]:
    return [name for name, other in zip(one.benchmarks, one.ranked_by, strict=True) if other == metric]


def _write(written: Written, path: Path, text: str) -> None:
    write_atomically(path, text)
    written.paths.append(path)


def _stale(profile: str, judged: dict[str, list[Entry]], outdated: bool) -> list[str]:
    if outdated:
        return [f"{profile}: every record is stale, made by source code that has changed since: run it again"]
    stale = [
        f"{name} {entry.record.strategy}"
        for name, several in judged.items()
        for entry in several
        if entry.stale
    ]
    return [f"{profile}: stale, run again: {', '.join(stale)}"] if stale else []


# ---- what a page shows


def _section(profile: str, name: str, found: list[Entry], look: dict, results: Path, out: Path) -> Section:
    table = comparison([entry.record for entry in found])
    sources = [
        _source(entry, row.origins[name], results, out) for entry, row in zip(found, table.rows, strict=True)
    ]
    return Section(
        name,
        file_name(name),
        _settings(found),
        table,
        Markup(to_markdown(table)),
        _drawings(profile, name, found, look),
        sources,
        agreements(found),
    )


def _drawings(profile: str, benchmark: str, found: list[Entry], look: dict) -> list[Drawing]:
    drawn = {
        "seen": figures.seen(found, look),
        "cost": figures.cost(found, look, ranks_by(found[0].record)),
        "growth": figures.growth(found, look),
        "learnt": figures.pictures(found),
        "matrices": figures.matrices(found),
    }
    return [
        _drawing(f"figures/{profile}/{file_name(benchmark)}-{kind}.svg", text, CAPTIONS[kind])
        for kind, text in drawn.items()
        if text
    ]


def _drawing(file: str, text: str, caption: str) -> Drawing:
    name = Path(file).stem
    return Drawing(quote(file), text, Markup(svg.inline(text, name, escape(f"{name}: {caption}"))), caption)


def _source(entry: Entry, origin: Origin, results: Path, out: Path) -> dict:
    """Where a row comes from: record, arguments, seeds, commits, dates, versions."""
    record = entry.record
    path = path_of(results, record.profile, record.benchmark, record.strategy)
    arguments = [
        f"{name}: {', '.join(f'{key}={value!r}' for key, value in given.items())}" if given else name
        for name, given in record.settings.get("strategy", {}).items()
    ]
    libraries = ("python", "torch", "numpy", *(["avalanche-lib"] if record.backend == "avalanche" else []))
    versions = {f"{name} {one[name]}" for one in origin.provenance for name in libraries if name in one}
    return {
        "strategy": record.strategy,
        "record": quote(Path(os.path.relpath(path, out)).as_posix()),
        "arguments": "; ".join(arguments),
        "seeds": ranges(origin.seeds),
        "commit": ", ".join(sorted({_commit(one) for one in origin.provenance})) or "–",
        "dates": _dates([record]),
        "versions": ", ".join(sorted(versions)) or "–",
    }


def _commit(provenance: dict) -> str:
    return (provenance.get("commit") or "no commit")[:8] + (" + changes" if provenance.get("dirty") else "")


def _dates(own: list[Record]) -> str:
    """The day of the runs, or the first and the last."""
    days = sorted(
        {
            str(group.provenance.get("started", "–"))[:10]
            for record in own
            for group in record.groups
            if group.provenance
        }
    )
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "–"


def ranges(seeds: list[int]) -> str:
    """Seeds with runs drawn together.

    >>> ranges([0, 1, 2, 7])
    '0–2, 7'
    """
    starts = [b for a, b in pairwise([-2, *seeds]) if b != a + 1]
    ends = [a for a, b in pairwise([*seeds, max(seeds, default=0) + 2]) if b != a + 1]
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True)) or "–"


def _settings(found: list[Entry]) -> list[str]:
    """One line, or where the rows differ one line for each way, with the rows it holds for."""
    lines: dict[str, list[str]] = {}
    for entry in found:
        lines.setdefault(_setting(entry.record), []).append(entry.record.strategy)
    return [line if len(lines) == 1 else f"{line} ({', '.join(rows)})" for line, rows in lines.items()]


def _setting(record: Record) -> str:
    """Scenario, network, budget, arguments, precision, data as text."""
    settings = record.settings
    parts = [f"{settings[name]}" for name in ("scenario", "network", "precision") if settings.get(name)]
    pairs = {**settings.get("budget", {}), **settings.get("benchmark", {})}
    chosen = ", ".join(f"{name} {value}" for name, value in pairs.items())
    return "; ".join(filter(None, [*parts[:2], chosen, *parts[2:], f"data {record.data[:12] or '–'}"]))


# ---- templates


def _render(template: str, **about) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: (name or "").endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda shown: printable(shown) if type(shown) is str else shown,  # no Markup: that is ours
    )
    environment.filters |= {
        "points": lambda value: "–" if value is None else f"{100 * value:.1f}",
        "interval": lambda found: interval(found.value, found.low, found.high),
        "rank": lambda found: f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]",
        "seeds": lambda row, table: seeds_of(table, row),
        "code": code,
        "value": _value,
        "breaks": _breaks,
        "md": markdown_text,
        "anchor": file_name,
        "unbroken": unbroken,
    }
    return environment.get_template(template).render(**about).rstrip() + "\n"


def _value(text: str) -> Markup:
    """A cell's text with the interval set back."""
    first, space, rest = text.partition(" ")
    return (
        Markup('{}{}<span class="interval">{}</span>').format(first, space, rest) if space else escape(text)
    )


def _breaks(text: str) -> Markup:
    """A long name that may break after its underscores."""
    return Markup("_<wbr>").join(printable(text).split("_"))
