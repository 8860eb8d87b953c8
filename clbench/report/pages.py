"""Reports of a results folder: `index.html`, the page of results, which needs nothing beside it but pictures
of what methods have learnt; and what GitHub shows, a short Markdown page for each profile and one for each of
its benchmarks.

The same records give the same bytes: nothing here asks for the time.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clbench.core.costs import COSTS
from clbench.core.text import printable
from clbench.metrics.accuracy import METRICS
from clbench.profiles import PROFILES
from clbench.report.agreement import COLUMNS, EXPLANATION, Agreement, agreements
from clbench.report.arrange import with_ranks
from clbench.report.board import board, sections_of
from clbench.report.cells import SIGNS
from clbench.report.columns import heading
from clbench.report.figures import cost
from clbench.report.formats import code, markdown_text, seeds_of, to_markdown
from clbench.report.headline import headline
from clbench.report.imported import KIND, with_imported
from clbench.report.ranking import rank
from clbench.report.style import looks
from clbench.report.tables import (
    Origin,
    Table,
    by_data,
    by_metric_of,
    comparison_of,
    judged_of,
)
from clbench.report.values import Entry, is_held_out, ranks_by
from clbench.results import records
from clbench.results.files import write_atomically
from clbench.results.imported import Imported, load_imported
from clbench.results.judged import markdown_table
from clbench.results.record import SCHEMA, Record
from clbench.results.records import file_name, path_of

COST_CAPTION = (
    "What the table ranks by against what the training of one seed costs, with 95 % t intervals. "
    "Hollow marks: rows that train on all data so far. Dashed: the Pareto front of the other rows."
)
SCRIPTS = (
    "statistics",
    "dom",
    "data",
    "ranking",
    "view",
    "charts",
    "table",
    "words",
    "copies",
    "detail",
    "figures",
    "app",
)
WITHOUT_SCRIPT = ("forgetting", "plasticity_gap", "recovered", "seconds", "gflops")  # beside what ranks


@dataclass
class Written:
    """The files written, what a reader should be warned of, and what the tables come to."""

    paths: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    headlines: list[str] = field(default_factory=list)  # a sentence for each benchmark


@dataclass(frozen=True)
class Section:
    """All that a report says about one benchmark."""

    name: str
    file: str  # of its Markdown page, relative to the report
    settings: list[str]
    said: str
    table: Table
    markdown: Markup
    figure: str | None  # file of the cost figure, relative to the report
    svg: str | None
    versions: str  # that all rows share
    sources: list[dict]  # per row: where its numbers come from, versions besides those
    agreements: list[Agreement]


@dataclass(frozen=True)
class Summary:
    """What a report says of all benchmarks together: those on test data, or those on held-out data."""

    said: str  # for headings
    markdown: Markup


@dataclass(frozen=True)
class PlainTable:
    """A benchmark's rows for who reads the page without its script."""

    name: str
    anchor: str
    headings: list[str]
    rows: list[list[str]]
    reasons: dict[str, list[str]]  # why rows have no numbers, and which


def write_reports(results: Path, out: Path) -> Written:
    """Writes `index.html`, `README.md`, `<profile>.md`, `<profile>/<benchmark>.md`, and their pictures."""
    found, problems = records.load(results)
    imported, more = load_imported(results)
    problems = [problem.replace(f"{results}{os.sep}", "") for problem in [*problems, *more]]
    written = Written(warnings=list(problems))
    if not found:
        return written
    judged = judged_of(found)
    tables = sections_of(judged)
    sections = {
        profile: _write_profile(
            written,
            profile,
            benchmarks,
            problems,
            results,
            out,
            imported,
            tables[profile],
        )
        for profile, benchmarks in judged.items()
    }
    _write_board(written, judged, sections, problems, results, out, imported, tables)
    about = {
        "profiles": judged,
        "known": PROFILES,
        "problems": problems,
        "outdated": {profile: _outdated(benchmarks) for profile, benchmarks in judged.items()},
        "definitions": [heading(name) for name in METRICS],
        "costs": COSTS.values(),
    }
    _write(written, out / "README.md", _render("readme.md.j2", **about))
    return written


# ---- the page of results


def _write_board(
    written: Written,
    judged: dict[str, dict[str, list[Entry]]],
    sections: dict[str, list[Section]],
    problems: list[str],
    results: Path,
    out: Path,
    imported: Sequence[Imported] = (),
    tables: Mapping[str, list[dict[str, Any]]] | None = None,
) -> None:
    made = board(judged, results, out, imported, tables)
    scripts = Path(__file__).parent / "templates" / "board"
    about = {
        "data": Markup(made.packed()),
        "style": Markup((scripts / "style.css").read_text(encoding="utf-8")),
        "script": Markup("\n".join((scripts / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)),
        "profiles": _plain_tables([section.table for own in sections.values() for section in own], imported),
        "known": PROFILES,
        "problems": problems,
        "results": made.content["results"],
        "named": shlex.quote(results.name if results.is_absolute() else results.as_posix()),
        "schema": SCHEMA,
        "embedded": made.content["schema"],
        "version": made.content["version"],
        "licence": (metadata("clbench").get_all("License-Expression") or ["MIT"])[0],
    }
    for name, picture in made.pictures.items():
        _write(written, out / name, picture)
    _write(written, out / "index.html", _render("board.html.j2", **about))


def _plain_tables(tables: list[Table], imported: Sequence[Imported]) -> dict[str, list[PlainTable]]:
    """By profile."""
    made: dict[str, list[PlainTable]] = {}
    for table in with_imported(tables, list(imported)):
        made.setdefault(table.profile, []).append(_plain_table(table))
    return made


def _plain_table(table: Table) -> PlainTable:
    names = (table.ranks_by, *WITHOUT_SCRIPT) if table.ranks_by else [one.name for one in table.columns]
    columns = [heading(name) for name in names]
    shown, reasons = [], {}  # type: ignore[var-annotated]
    for row in table.rows:
        origin = row.origins[table.benchmark or ""]
        numbers = [row.cells[column.name].text for column in columns]
        if row.kind == KIND:
            why = f"imported, not measured here, from {origin.source or 'no source given'}"
            name = f"{row.strategy} {SIGNS[KIND]}"
            reasons.setdefault(why, []).append(name)
            shown.append([name, seeds_of(table, row), *numbers])
            continue
        if origin.status != "ok" or not origin.seeds:
            reasons.setdefault(f"{origin.status}: {origin.reason or 'no reason given'}", []).append(
                row.strategy
            )
            continue
        name = row.strategy + (" †" if origin.stale else "")
        shown.append([name, str(len(origin.seeds)), *numbers])
    headings = ["strategy", "seeds", *(column.heading for column in columns)]
    return PlainTable(table.benchmark or "", file_name(table.benchmark or ""), headings, shown, reasons)


# ---- Markdown


def _write_profile(
    written: Written,
    profile: str,
    judged: dict[str, list[Entry]],
    problems: list[str],
    results: Path,
    out: Path,
    imported: Sequence[Imported] = (),
    tables: Sequence[dict[str, Any]] = (),
) -> list[Section]:
    look = looks([entry for several in judged.values() for entry in several])
    sections = [
        _section(profile, name, several, look, results, out, imported) for name, several in judged.items()
    ]
    own = [entry.record for several in judged.values() for entry in several]
    known = PROFILES.get(profile)
    outdated = _outdated(judged)
    about = {
        "profile": profile,
        "about": known.summary if known else "",
        "outdated": outdated,
        "sections": sections,
        "summaries": [_summary(part, judged) for part in by_data(own)],
        "strategies": len({record.strategy for record in own}),
        "records": own,
        "dates": _dates(own),
        "problems": problems,
        "tables": [
            {**table, "markdown": Markup("\n".join(markdown_table(table["columns"], table["rows"])))}
            for table in tables
            if table["benchmark"] is None  # of the whole profile
        ],
    }
    _write(written, out / f"{profile}.md", _render("profile.md.j2", **about))
    for section in sections:
        if section.figure and section.svg:
            _write(written, out / section.figure, section.svg)
        about = {"profile": profile, "section": section, "columns": COLUMNS, "explanation": EXPLANATION}
        _write(written, out / section.file, _render("benchmark.md.j2", caption=COST_CAPTION, **about))
    written.headlines += [section.said for section in sections]
    written.warnings += _stale(profile, judged, outdated)
    return sections


def _summary(part: Sequence[Record], judged: dict[str, list[Entry]]) -> Summary:
    """part: the records on test data, or those on held-out data."""
    names = {record.benchmark for record in part}
    own = {name: several for name, several in judged.items() if name in names}
    said = ", on held-out training data" if is_held_out(part[0]) else ""
    return Summary(said, Markup(to_markdown(with_ranks(by_metric_of(own), rank(own)))))


def _outdated(judged: dict[str, list[Entry]]) -> bool:
    return all(entry.stale for several in judged.values() for entry in several)


def _write(written: Written, path: Path, content: str | bytes) -> None:
    write_atomically(path, content)
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


def _section(
    profile: str,
    name: str,
    found: list[Entry],
    look: dict,
    results: Path,
    out: Path,
    imported: Sequence[Imported],
) -> Section:
    own = [row for row in imported if (row.profile, row.benchmark) == (profile, name)]
    plain = comparison_of(found)
    table = with_ranks(plain, rank({name: found}))
    origins = {row.strategy: row.origins[name] for row in plain.rows}
    page = f"{profile}/{file_name(name)}.md"
    svg = cost(found, look, ranks_by(found[0].record))
    rows = [entry.record for entry in found]
    versions = {record.strategy: _versions(record, origins[record.strategy]) for record in rows}
    shared = set.intersection(*([some for some in versions.values() if some] or [set()]))
    return Section(
        name,
        page,
        _settings(found),
        headline(plain),
        plain,
        Markup(to_markdown(with_imported([table], own)[0])),
        f"figures/{profile}/{file_name(name)}-cost.svg" if svg else None,
        svg,
        ", ".join(sorted(shared)),
        [
            _source(entry, origins[entry.record.strategy], results, out / profile)
            | {"versions": ", ".join(sorted(versions[entry.record.strategy] - shared)) or "–"}
            for entry in found
        ],
        agreements(found),
    )


def _source(entry: Entry, origin: Origin, results: Path, out: Path) -> dict:
    """Where a row comes from: record, arguments, seeds, commits, dates."""
    record = entry.record
    path = path_of(results, record.profile, record.benchmark, record.strategy)
    arguments = [
        f"{name}: {', '.join(f'{key}={value!r}' for key, value in given.items())}"
        for name, given in record.settings.get("strategy", {}).items()
        if given
    ]
    return {
        "strategy": record.strategy,
        "record": quote(Path(os.path.relpath(path, out)).as_posix()),
        "arguments": "; ".join(arguments) or "–",
        "seeds": ranges(origin.seeds),
        "commit": ", ".join(sorted({_commit(one) for one in origin.provenance})) or "–",
        "dates": _dates([record]),
    }


def _versions(record: Record, origin: Origin) -> set[str]:
    """Python and the libraries of a row's runs; avalanche-lib where the row is Avalanche's."""
    libraries = ("python", "torch", "numpy", *(["avalanche-lib"] if record.backend == "avalanche" else []))
    return {f"{name} {one[name]}" for one in origin.provenance for name in libraries if name in one}


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
    environment.filters |= {"code": code, "md": markdown_text, "path": quote}
    return environment.get_template(template).render(**about).rstrip() + "\n"
