"""The page of results, `index.html`: one file for a whole results folder, all profiles in it.

What is embedded is what the records say, each number once. Every metric comes from `clbench.metrics`: one
that is a weighted sum of the accuracy matrix travels as its weights, any other as one value for each seed.
The script computes only what depends on the rows that are shown: means, intervals, ranks, ties, Pareto
fronts.

The same records give the same bytes. Text of foreign origin stays data: JSON that no tag can end, compressed,
or text that Jinja escapes.
"""

import base64
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from clbench import registry
from clbench.claims import report as claims
from clbench.core.costs import COSTS
from clbench.facts import FAMILIES
from clbench.metrics.accuracy import METRICS
from clbench.metrics.ranks import UNIT
from clbench.profiles import PROFILES
from clbench.published import report as published
from clbench.report.agreement import COLUMNS, EXPLANATION, agreements
from clbench.report.columns import DESCRIPTIONS, TITLES
from clbench.report.decay import section
from clbench.report.encoding import (
    MOST_CELLS,
    by_cell,
    columns_of,
    counts_of,
    in_units,
    units_of,
    usual_shape,
    values_of,
)
from clbench.report.notes import machine
from clbench.report.orders import orders
from clbench.report.others import benchmarks_alone, embedded
from clbench.report.training import training
from clbench.report.values import (
    BUSY,
    Entry,
    data_of,
    facts_of,
    family_of,
    is_held_out,
    kind_of,
    ranks_by,
    seeds_asked,
    seen_accuracy,
    stores_examples,
    trains_on_all_data,
    wall_and_cpu,
)
from clbench.results import tally
from clbench.results.imported import Imported
from clbench.results.imported import path_of as path_of_imported
from clbench.results.record import BrokenRecord, Record
from clbench.results.records import file_name

SCHEMA = 1  # of what is embedded
HASH_DIGITS = 16  # of the sha256 of a record; all of them are in its file
MOST_CLASSES = 20  # whose confusion is in the page; more are in the file beside the record
SCENARIOS = {
    "class": "class-incremental",
    "task": "task-incremental",
    "domain": "domain-incremental",
    "pairs": "pairs in time",
}
LIBRARIES = ("python", "torch", "numpy", "avalanche-lib", "platform", "commit", "dirty")

Judged = dict[str, dict[str, list[Entry]]]  # profile -> benchmark -> entries


class Interned:
    """Values that many rows share, each kept once: `of(value)` is its place in `values`."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._place: dict[str, int] = {}

    def of(self, value: Any) -> int:
        key = json.dumps(value, sort_keys=True)
        if key not in self._place:
            self._place[key] = len(self.values)
            self.values.append(value)
        return self._place[key]


@dataclass
class Board:
    """What the page holds, and the files beside it."""

    content: dict[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)  # by name, relative to the page

    def packed(self) -> str:
        """The content as compressed JSON in base64, with rows as columns."""
        profiles = {
            name: own | {"rows": columns_of(own["rows"])} for name, own in self.content["profiles"].items()
        }
        content = self.content | {"profiles": profiles}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def sections_of(judged: Judged) -> dict[str, list[dict[str, Any]]]:
    """profile -> its tables of published figures and of claims"""
    figures_of, claims_of = published.sections(judged), claims.sections(judged)
    return {profile: figures_of.get(profile, []) + claims_of.get(profile, []) for profile in judged}


def board(
    judged: Judged,
    results: Path,
    out: Path,
    imported: Sequence[Imported] = (),
    sections: Mapping[str, list[dict[str, Any]]] | None = None,
) -> Board:
    """results: the folder of the records; out: the folder of the page; imported: what others say; sections:
    as `sections_of` has them, which takes long."""
    sections = sections_of(judged) if sections is None else sections
    shared, strategies, weights = Interned(), Interned(), {}  # type: ignore[var-annotated]
    made = Board({})
    alone = {row.profile: {} for row in imported if row.profile not in judged}  # type: ignore[var-annotated]
    profiles = {
        profile: _profile(profile, benchmarks, shared, strategies, weights, results, made)
        for profile, benchmarks in (judged | alone).items()
    }
    for profile, told in profiles.items():
        told["sections"] += sections.get(profile, [])
        own = [row for row in imported if row.profile == profile]
        told["imported"] = embedded(own, path_of_imported(results, profile))
        for name, metric in benchmarks_alone(own, [*told["benchmarks"]]).items():
            told["benchmarks"][name] = _benchmark(name, metric)
    found: dict[str, list[Record]] = {}
    for benchmarks in judged.values():
        for entry in (entry for several in benchmarks.values() for entry in several):
            found.setdefault(entry.record.strategy, []).append(entry.record)
    made.content = {
        "schema": SCHEMA,
        "version": version("clbench"),
        "unit": UNIT,
        "busy": BUSY,
        "results": quote(Path(os.path.relpath(results, out)).as_posix()),
        "scenarios": SCENARIOS,
        "families": [*FAMILIES, "own"],
        "metrics": {
            name: [metric.title, metric.higher_is_better, metric.description]
            for name, metric in METRICS.items()
        },
        "costs": {
            name: [TITLES.get(name, cost.title), cost.unit, DESCRIPTIONS.get(name, cost.description)]
            for name, cost in COSTS.items()
        },
        "strategies": [_strategy(name, found[name]) for name in strategies.values],
        "weights": list(weights.values()),
        "shared": shared.values,
        "profiles": profiles,
    }
    return made


def _strategy(name: str, rows: list[Record]) -> dict:
    record = rows[-1]
    keeps = "examples" if any(map(stores_examples, rows)) else "no examples"
    return {
        "name": name,
        "about": _about(record),
        "family": family_of(record),
        "kind": kind_of(record),
        "task_labels": any(one.needs_task_label for one in facts_of(record)),
        "stores": "all data" if trains_on_all_data(record) else keeps,
        "file": file_name(name),
    }


def _about(record: Record) -> str:
    """What its parts are, in a sentence each."""
    known = registry.strategies()
    names = [*record.settings.get("strategy", {})] or [record.strategy]
    return " ".join(known[name].summary for name in names if name in known)


# ---- a profile


def _profile(
    profile: str,
    benchmarks: dict[str, list[Entry]],
    shared: Interned,
    strategies: Interned,
    weights: dict[str, dict],
    results: Path,
    made: Board,
) -> dict:
    told, rows = {}, []
    for place, (name, entries) in enumerate(benchmarks.items()):
        units, shape = units_of(entries), usual_shape(entries)
        first = entries[0].record
        told[name] = _benchmark(name, ranks_by(first)) | {
            "scenario": first.settings.get("scenario"),
            "held_out": is_held_out(first),
            "seeds": seeds_asked(first),
            "shape": shape,
            "units": units,
        }
        for entry in entries:
            rows.append({"benchmark": place, "strategy": strategies.of(entry.record.strategy)})
            rows[-1] |= _row(entry, shape, units, shared, weights, results)
            _add_picture(entry.record, rows[-1], made)
    known = PROFILES.get(profile)
    return {
        "about": known.summary if known else "",
        "benchmarks": told,
        "rows": rows,
        "orders": orders(benchmarks),
        "sections": _sections(benchmarks),
    }


def _benchmark(name: str, metric: str) -> dict:
    """What is told of one that no record is of, too."""
    return {"file": file_name(name), "ranks_by": metric, "about": _about_benchmark(name), "held_out": False}


def _about_benchmark(spec: str) -> str:
    name = spec.split("(")[0]
    known = registry.benchmarks()
    return known[name].summary if name in known else ""


def _sections(benchmarks: dict[str, list[Entry]]) -> list[dict]:
    """Further tables of a benchmark: what each is about, its headings and its rows of text."""
    sections = []
    for place, entries in enumerate(benchmarks.values()):
        if ageing := section(entries):
            sections.append({"benchmark": place} | ageing)
        if pairs := agreements(entries):
            sections.append(
                {
                    "benchmark": place,
                    "title": "Two implementations of one method",
                    "about": EXPLANATION,
                    "columns": COLUMNS,
                    "rows": [pair.cells for pair in pairs],
                }
            )
    return sections


def _add_picture(record: Record, row: dict, made: Board) -> None:
    """What a method has learnt to stand for examples lies beside the page; not what is no picture."""
    picture = record.pictures
    if picture and _is_whole(picture):
        own = f"pictures/{record.profile}-{file_name(record.benchmark)}-{file_name(record.strategy)}.png"
        same = (other for other, known in made.pictures.items() if known == picture)
        name = next(same, own)  # rows that learn the same share a file
        made.pictures[name] = picture
        row["picture"] = quote(name)


def _is_whole(picture: bytes) -> bool:
    try:
        with Image.open(BytesIO(picture)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


# ---- a row


def _row(
    entry: Entry,
    shape: list[int],
    units: list[int],
    shared: Interned,
    weights: dict[str, dict],
    results: Path,
) -> dict:
    record = entry.record
    told: dict[str, Any] = {
        "settings": shared.of(_settings(record)),
        "arguments": shared.of(
            {
                name: {key: str(value) for key, value in given.items()}
                for name, given in record.settings.get("strategy", {}).items()
            }
        ),
        "sha256": record.sha256[:HASH_DIGITS],
        "source": shared.of(record.source),
        "data": shared.of(data_of(record)),
    }
    if entry.stale:
        told["stale"] = 1
    if record.verified:
        told["verified"] = 1
    if curves := training(record, results):
        told["training"] = curves
    if not entry.ok:
        reason = record.error.reason if record.error else "no reason given"
        return told | {"status": record.status, "reason": shared.of(reason)}
    if list(record.array.shape[1:]) != shape:
        shape = told["shape"] = list(record.array.shape[1:])
        units = told["units"] = units_of([entry])
    told["seeds"] = record.seeds
    if record.array.size <= MOST_CELLS:
        told["counts"] = by_cell(counts_of(record.array, units))
    else:  # of a long stream: what its curve needs
        told["seen"] = in_units(seen_accuracy(record).ravel())
    told |= values_of(entry, shape, units, weights)
    told["costs"] = {name: _short(value) for name in COSTS if (value := entry.costs.get(name)) is not None}
    told["groups"] = [_group(group, shared) for group in record.groups]
    if record.parameters and len(set(record.parameters)) > 1:
        told["parameters"] = record.parameters
    if record.kept_bytes and any(record.kept_bytes):
        told["kept"] = record.kept_bytes
    return told | _of_evaluation(record, results)


def _of_evaluation(record: Record, results: Path) -> dict:
    """All seeds together: which classes were taken for which after the last task; what a probe saw."""
    told: dict[str, Any] = {}
    try:
        last = [one["confusion"][-1] for one in tally.read(record, results).values() if "confusion" in one]
    except BrokenRecord:  # the record has its metrics all the same
        last = []
    if last and len(last[0]) <= MOST_CLASSES:
        told["confusion"] = sum(last).tolist()
    probes = [group.probe for group in record.groups if group.probe]
    if probes and len(probes) == len(record.groups):
        seen = np.array([values for probe in probes for values in probe.seen], dtype=float)
        told["probe"] = [probes[0].task, probes[0].step, in_units(seen.mean(axis=0))]
    return told


def _settings(record: Record) -> dict:
    """What the rows of a benchmark usually share, as text."""
    settings = record.settings
    told = {name: settings[name] for name in ("network", "precision") if settings.get(name)}
    for name in ("budget", "benchmark"):
        told[name] = {key: str(value) for key, value in settings.get(name, {}).items()}
    return told | ({"accepted": 1} if "accepted_data" in settings else {})


def _group(group, shared: Interned) -> list:
    """[seeds, when, where and with what, wall seconds, CPU seconds (null where a GPU worked), groups at a
    time, notes]"""
    provenance = group.provenance
    wall, cpu = wall_and_cpu(group)
    where = {name: provenance.get(name) for name in LIBRARIES if name in provenance}
    where["machine"] = machine(provenance) if provenance else ""
    return [
        group.seeds,
        str(provenance.get("started") or "")[:16],
        shared.of(where),
        _short(wall),
        None if cpu is None else _short(cpu),
        group.concurrent,
        shared.of(group.notes),
    ]


def _short(value: float) -> float | int:
    """Seven digits: what a page can show, in half the letters."""
    return int(value) if value == int(value) else float(f"{value:.7g}")
