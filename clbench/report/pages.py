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
from clbench.metrics.accuracy import METRICS
from clbench.profiles import PROFILES
from clbench.report import figures, svg
from clbench.report.formats import markdown_text, to_markdown, unbroken
from clbench.report.headline import headline
from clbench.report.tables import (
    Origin,
    Table,
    by_benchmark,
    by_metric,
    by_profile,
    comparison,
    heading,
    lead_of,
)
from clbench.report.values import Entry, across_benchmarks, compute_matched, entries
from clbench.results import records
from clbench.results.files import write_atomically
from clbench.results.records import Record, file_name, path_of

CAPTIONS = {
    "matrices": "Accuracy after learning each task (rows; 0 is the untrained network) on each task "
    "(columns): mean over seeds, in points. The line divides the tasks learnt so far from those to come.",
    "seen": "Mean accuracy on the tasks seen so far. Bars are 95 % t intervals over seeds; the points of one "
    "task stand a little apart so that bars do not cover each other.",
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
    markdown: str
    drawings: list[Drawing]
    sources: list[dict]  # per row: where its numbers come from


def write_reports(results: Path, out: Path) -> Written:
    """Writes `<profile>.html`, `<profile>.md`, `figures/<profile>/*.svg`; `index.html` and `README.md` over
    them."""
    found, problems = records.load(results)
    problems = [problem.replace(f"{results}{os.sep}", "") for problem in problems]
    written = Written(warnings=list(problems))
    profiles = by_profile(found)
    for profile, own in profiles.items():
        sections = _sections(profile, own, results, out)
        _write_profile(written, profile, own, sections, problems, out)
        written.warnings += _stale(profile, sections)
        written.headlines += [headline(section.table) for section in sections]
    if not found:
        written.warnings.append(f"{results}: no records; `clbench run` makes them")
        return written
    for template, name in (("index.html.j2", "index.html"), ("readme.md.j2", "README.md")):
        _write(written, out / name, _render(template, profiles=profiles, known=PROFILES, problems=problems))
    return written


def _write_profile(
    written: Written, profile: str, own: list[Record], sections: list[Section], problems: list[str], out: Path
) -> None:
    summary = by_metric(own, "acc")
    known = PROFILES.get(profile)
    matched = compute_matched(own)
    at_naive_cost = by_metric(matched, "acc", beside=own) if matched else None
    about = {
        "at_naive_cost": at_naive_cost,
        "at_naive_cost_markdown": to_markdown(at_naive_cost) if at_naive_cost else "",
        "across": {strategy: one for strategy, one in across_benchmarks(own).items() if one},
        "profile": profile,
        "about": known.summary if known else "",
        "sections": sections,
        "summary": summary,
        "summary_markdown": to_markdown(summary),
        "records": own,
        "dates": _dates(own),
        "problems": problems,
        "definitions": [heading(name) for name in METRICS],
        "costs": COSTS.values(),
    }
    for drawing in (drawing for section in sections for drawing in section.drawings):
        _write(written, out / drawing.file, drawing.text)
    _write(written, out / f"{profile}.html", _render("profile.html.j2", **about))
    _write(written, out / f"{profile}.md", _render("profile.md.j2", **about))


def _write(written: Written, path: Path, text: str) -> None:
    write_atomically(path, text)
    written.paths.append(path)


def _stale(profile: str, sections: list[Section]) -> list[str]:
    stale = [
        f"{section.name} {row.strategy}"
        for section in sections
        for row in section.table.rows
        if row.origins[section.name].stale
    ]
    return [f"{profile}: stale, run again: {', '.join(stale)}"] if stale else []


# ---- what a page shows


def _sections(profile: str, own: list[Record], results: Path, out: Path) -> list[Section]:
    found = {name: entries(mixed) for name, mixed in by_benchmark(own).items()}
    look = figures.looks([entry for several in found.values() for entry in several])
    return [_section(profile, name, several, look, results, out) for name, several in found.items()]


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
        to_markdown(table),
        _drawings(profile, name, found, look),
        sources,
    )


def _drawings(profile: str, benchmark: str, found: list[Entry], look: dict) -> list[Drawing]:
    drawn = {
        "seen": figures.seen(found, look),
        "cost": figures.cost(found, look, lead_of(found[0].record)),
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
    versions = {f"{library} {one[library]}" for one in origin.provenance for library in libraries}
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
    return (provenance["commit"] or "no commit")[:8] + (" + changes" if provenance["dirty"] else "")


def _dates(own: list[Record]) -> str:
    """The day of the runs, or the first and the last."""
    days = sorted(
        {
            str(group.provenance["started"])[:10]
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
    )
    environment.filters |= {
        "points": lambda fraction: f"{100 * fraction:z.1f}",
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
    return Markup("_<wbr>").join(text.split("_"))
