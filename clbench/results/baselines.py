"""Baselines: what was once accepted, one file per benchmark, and the verdict on what is measured now."""
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clbench.core.costs import EXACT
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics import verdict
from clbench.metrics.references import JOINT
from clbench.metrics.verdict import BAD, PRECEDENCE, Verdict, compare
from clbench.registry import pair_matches
from clbench.results.files import read_json, readable, write_atomically
from clbench.results.records import Record, file_name
from clbench.results.staleness import is_stale

SCHEMA = 1
# Of an entry
FIELDS = {"status", "reason", "data", "source", "settings", "platform", "seeds", "costs", "acc"}
PLATFORM = {"processor": "processor", "machine": "platform", "device": "device", "torch": "torch", "threads": "threads"}
NOT_COMPARED = ("missing", "failed", "changed set-up")

Pair = tuple[str, str]                                    # benchmark, strategy: canonical specs
Results = list[tuple[str, str, Verdict]]


# ---- accepting

def accept(records: Iterable[Record], baselines: Path, profile: str) -> list[Path]:
    """Makes the profile's records the baseline; returns the files written. Other strategies' entries stay
    there."""
    records = [record for record in records if record.profile == profile]
    _refuse_what_is_no_result(records, profile)
    texts = {}
    for benchmark in sorted({record.benchmark for record in records}):
        path = Path(baselines) / profile / f"{file_name(benchmark)}.json"
        entries = _read(path)["strategies"] if path.exists() else {}
        entries |= {record.strategy: _entry(record) for record in records if record.benchmark == benchmark}
        texts[path] = readable({"schema": SCHEMA, "profile": profile, "benchmark": benchmark,
                                "strategies": dict(sorted(entries.items()))})
    for path, text in texts.items():
        write_atomically(path, text)
    return list(texts)


def _refuse_what_is_no_result(records: list[Record], profile: str) -> None:
    if not records:
        raise InputError(f'no records of the profile "{profile}" to accept; '
                         f"make them with: clbench run --all --profile {profile}")
    refused = sorted(f"{record.benchmark} {record.strategy} ({problem})" for record in records
                     if (problem := _problem(record)))
    if refused:
        raise InputError(f"nothing accepted: no baseline can be made of {', '.join(refused)}; run them again")


def _problem(record: Record) -> str | None:
    if record.status not in ("ok", "unsupported"):
        return record.status
    return "stale" if is_stale(record) else None


def _entry(record: Record) -> dict:
    """What a baseline keeps of a record, as it would come back from its file."""
    costs = {name: _whole(record.cost(name)) for name in EXACT}
    entry = {"status": record.status, "reason": record.error.reason if record.error else None, "data": record.data,
             "source": record.source, "settings": record.settings, "platform": _platform(record),
             "seeds": record.seeds, "costs": costs, "acc": record.acc}
    read: dict[str, Any] = json.loads(json.dumps(entry))
    return read


def _platform(record: Record) -> dict:
    """Where the arithmetic was done; a list where the seed groups differ. Empty when nothing was trained."""
    if not record.groups:
        return {}
    found = {name: [group.provenance.get(key) for group in record.groups] for name, key in PLATFORM.items()}
    found["group_size"] = [len(group.seeds) for group in record.groups]
    distinct = {name: sorted(set(values), key=str) for name, values in found.items()}
    return {name: values[0] if len(values) == 1 else values for name, values in distinct.items()}


def _whole(value: float | None) -> float | int | None:
    """200 for 200.0: an exact count reads as one."""
    return int(value) if value is not None and value == int(value) else value


# ---- reading

def load_baselines(folder: Path, profile: str) -> dict[Pair, dict]:
    """(benchmark, strategy) -> entry, of all the profile's baselines."""
    paths = sorted((Path(folder) / profile).glob("*.json"))
    if not paths:
        raise InputError(f'no baselines for profile "{profile}" in {folder}/; '
                         f"make them with: {_accept_command(profile)}")
    files = [_read(path) for path in paths]
    return {(file["benchmark"], strategy): entry for file in files for strategy, entry in file["strategies"].items()}


def _read(path: Path) -> dict:
    try:
        content = read_json(path)
    except ValueError as error:
        raise InputError(printable(f"{path}: {error}")) from None
    if not isinstance(content, dict) or "schema" not in content:
        raise InputError(f"{path}: no baseline of clbench")
    if content["schema"] != SCHEMA:
        raise InputError(f"{path}: schema {content['schema']}, this version reads {SCHEMA}")
    if not isinstance(content.get("benchmark"), str) or not isinstance(content.get("strategies"), dict):
        raise InputError(f"{path}: no baseline of clbench")
    for strategy, entry in content["strategies"].items():
        if not isinstance(entry, dict) or not FIELDS <= entry.keys():
            raise InputError(f"{path}: the entry {strategy} is not whole")
    return content


def _accept_command(profile: str, *pair: str) -> str:
    """For one pair, or for all that is in the results folder."""
    options = [f"{option} {shlex.quote(spec)}" for option, spec in zip(("-b", "-s"), pair, strict=False)]
    return " ".join([f"clbench baseline accept --profile {profile}", *options])


# ---- comparing

def check(records: Iterable[Record], baselines: Path, profile: str, benchmarks: list[str] | None = None,
          strategies: list[str] | None = None) -> Results:
    """The verdict on each pair, sorted. Without patterns (canonical names or globs): on every pair of the
    baseline; with them also on pairs that only have a record."""
    before = load_baselines(baselines, profile)
    current = {(record.benchmark, record.strategy): record for record in records if record.profile == profile}
    stale = {pair for pair, record in current.items() if is_stale(record)}
    now = {pair: _entry(record) for pair, record in current.items()}
    pairs = _selected(before.keys() | now.keys(), profile, benchmarks, strategies) if benchmarks or strategies else before.keys()
    fresh = {pair: entry for pair, entry in now.items() if pair not in stale}
    return [(*pair, _verdict(pair, before, fresh, pair in stale, profile)) for pair in sorted(pairs)]


def _selected(pairs: Iterable[Pair], profile: str, benchmarks: list[str] | None,
              strategies: list[str] | None) -> list[Pair]:
    """The pairs that match; a pattern that stands for none of them is a mistake."""
    for pattern in [*(benchmarks or []), *(strategies or [])]:
        alone = ([pattern], None) if pattern in (benchmarks or []) else (None, [pattern])
        if not any(pair_matches(*pair, profile, *alone) for pair in pairs):
            raise InputError(f'"{pattern}" is neither in the baselines nor among the records')
    return [pair for pair in pairs if pair_matches(*pair, profile, benchmarks, strategies)]


def _verdict(pair: Pair, before: dict[Pair, dict], now: dict[Pair, dict], stale: bool, profile: str) -> Verdict:
    """The regression rule, with what to do about it in the line."""
    if pair not in before:
        return Verdict("missing", f"not in the baseline: accept it with: {_accept_command(profile, *pair)}")
    if stale:
        return Verdict("missing", "its record is stale, the source has changed since: run it again")
    found = compare(_side(pair, before), _side(pair, now))
    if found.drift:
        what = "unchanged" if before[pair]["source"] == now[pair]["source"] else "changed"
        found = replace(found, detail=f"{found.detail}; drift: not bit-equal on the same platform, source {what}")
    if found.status == "improved":
        found = replace(found, detail=f"{found.detail}; accept it with: {_accept_command(profile, *pair)}")
    return found


def _side(pair: Pair, entries: dict[Pair, dict]) -> dict | None:
    """One side as `compare` wants it, with its own joint for the plasticity gap."""
    entry, retrained = entries.get(pair), entries.get((pair[0], JOINT))
    if entry is None:
        return None
    side = entry | {"error": entry["reason"], "settings": entry["settings"] | {"data": entry["data"]}}
    if retrained and retrained["status"] == "ok" and retrained["data"] == entry["data"] and _shape(retrained) == _shape(entry):
        side["retrained"] = {"seeds": retrained["seeds"], "acc": retrained["acc"]}
    return side


def _shape(entry: dict) -> tuple[int, ...]:
    """(T+1, E); nothing for an entry without numbers."""
    shape: tuple[int, ...] = np.shape(entry["acc"])
    return shape[1:]


# ---- showing

def exit_status(results: Results, strict: bool = False) -> int:
    """1 if any pair is bad (or, when strict, improved) or nothing was compared, else 3 if any is undecided,
    else 0."""
    return verdict.exit_status([found for _, _, found in results], strict)


def lines(results: Results, format: str = "text") -> list[str]:
    """One line per pair, and a last one that counts what was compared."""
    if format not in FORMATS:
        raise InputError(f'--format "{format}": use {", ".join(FORMATS)}')
    one_line = [(benchmark, strategy, replace(found, detail=" ".join(found.detail.split())))
                for benchmark, strategy, found in results]
    return FORMATS[format](one_line)


def _text(results: Results) -> list[str]:
    cells = [(found.status, benchmark, strategy) for benchmark, strategy, found in results]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), found.detail]).rstrip()
            for row, (_, _, found) in zip(cells, results, strict=True)]
    return [*rows, _count(results)]


def _markdown(results: Results) -> list[str]:
    rows = [[found.status, f"`{benchmark}`", f"`{strategy}`", found.detail] for benchmark, strategy, found in results]
    table = [["status", "benchmark", "strategy", "detail"], ["---"] * 4, *rows]
    return [*("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in table), "", _count(results)]


def _github(results: Results) -> list[str]:
    """Workflow commands, which GitHub shows as annotations, then the text."""
    commands = []
    for benchmark, strategy, found in results:
        if level := _level(found):
            message = f"{benchmark} {strategy}: {found.status}: {found.detail}".replace("%", "%25")
            commands.append(f"::{level} title=clbench check::{message}")
    return commands + _text(results)


def _level(found: Verdict) -> str | None:
    if found.bad:
        return "error"
    if found.status == "undecided" or found.drift:
        return "warning"
    return "notice" if found.status == "improved" else None


def _count(results: Results) -> str:
    statuses = [found.status for _, _, found in results]
    counts = [f"{statuses.count(status)} {status}" for status in dict.fromkeys((*BAD, *PRECEDENCE, "identical"))
              if status in statuses]
    if drift := sum(found.drift for _, _, found in results):
        counts.append(f"{drift} with drift")
    compared = sum(status not in NOT_COMPARED for status in statuses)
    start = f"compared {compared} of {len(results)} pairs" if compared else "nothing was compared"
    return ": ".join(filter(None, [start, ", ".join(counts)]))


FORMATS = {"text": _text, "markdown": _markdown, "github": _github}
