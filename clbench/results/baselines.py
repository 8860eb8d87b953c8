"""Baselines: what was once accepted, one file per benchmark, and the verdict on what is measured now."""

import json
import shlex
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from clbench.core.costs import EXACT
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics.accuracy import METRICS, per_seed
from clbench.metrics.references import JOINT
from clbench.metrics.shift import ALARMS, Shift, shift
from clbench.metrics.verdict import ALPHA, MARGIN, Verdict, agreement, compare, metric_differences
from clbench.registry import facts, pair_matches
from clbench.results.files import read_json, readable, write_atomically
from clbench.results.record import Record
from clbench.results.records import file_name
from clbench.results.staleness import is_stale

SCHEMA = 2
LATER = ("slices", "metrics")  # None in entries that were accepted under schema 1
ACCEPT_WITH_THE_CODE = "run it, `clbench baseline accept`, and commit the baselines with the code"
PLATFORM = {
    "processor": "processor",
    "machine": "platform",
    "device": "device",
    "torch": "torch",
    "threads": "threads",
}


class _Entry(msgspec.Struct):
    """What a baseline holds of a pair."""

    status: str
    reason: str | None
    data: str
    source: str
    settings: dict[str, Any]
    platform: dict[str, Any]
    seeds: list[int]
    costs: dict[str, float | int | None]
    acc: list[list[list[float | None]]]
    slices: list[list[int]] | None = None
    metrics: dict[str, list[float | None]] | None = None

    def __post_init__(self) -> None:
        shapes = {(len(matrix), *map(len, matrix)) for matrix in self.acc}
        if len(self.acc) != len(self.seeds) or len(shapes) > 1 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"{len(self.acc)} matrices of {len(shapes)} shapes for {len(self.seeds)} seeds")
        if missing := set(EXACT) - self.costs.keys():
            raise ValueError(f"no cost {', '.join(sorted(missing))}")
        if self.slices is not None and len(self.slices) != len(self.seeds):
            raise ValueError("other slices than seeds")
        short = [name for name, values in (self.metrics or {}).items() if len(values) != len(self.seeds)]
        if short:
            raise ValueError(f"{short[0]} of other seeds")


Pair = tuple[str, str]  # benchmark, strategy: canonical specs
Entries = Mapping[Pair, dict]
Results = list[tuple[str, str, Verdict]]
ALL = "*"  # in the place of a name: what is said of several pairs


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
        entries |= {record.strategy: entry_of(record) for record in records if record.benchmark == benchmark}
        texts[path] = readable(
            {
                "schema": SCHEMA,
                "profile": profile,
                "benchmark": benchmark,
                "strategies": dict(sorted(entries.items())),
            }
        )
    for path, text in texts.items():
        write_atomically(path, text)
    return list(texts)


def moved(records: Iterable[Record], baselines: Path, profile: str) -> Results:
    """What accepting these records would change: the verdict on each against what the baselines hold; "new"
    where they hold nothing."""
    records = [record for record in records if record.profile == profile]
    there = any((Path(baselines) / profile).glob("*.json"))
    before = load_baselines(baselines, profile) if there else {}
    now = {(record.benchmark, record.strategy): entry_of(record) for record in records}
    return [
        (*pair, compare(_side(pair, before), _side(pair, now)) if pair in before else _new(now[pair]))
        for pair in sorted(now)
    ]


def _new(entry: dict) -> Verdict:
    if entry["status"] != "ok":
        return Verdict("new", f"{entry['status']}: {entry['reason']}")
    values = per_seed(np.array(entry["acc"], dtype=np.float64))["acc"]
    return Verdict("new", f"ACC {100 * values.mean():.1f}, seeds {entry['seeds']}")


def _refuse_what_is_no_result(records: list[Record], profile: str) -> None:
    if not records:
        raise InputError(
            f'no records of the profile "{profile}" to accept; '
            f"make them with: clbench run --all --profile {profile}"
        )
    refused = sorted(
        f"{record.benchmark} {record.strategy} ({problem})"
        for record in records
        if (problem := _problem(record))
    )
    if refused:
        raise InputError(f"nothing accepted: no baseline can be made of {', '.join(refused)}; run them again")


def _problem(record: Record) -> str | None:
    if record.status not in ("ok", "unsupported"):
        return record.status
    return "stale" if is_stale(record) else None


def entry_of(record: Record) -> dict:
    """What a baseline keeps of a record, as it would come back from its file."""
    costs = {name: _whole(record.cost(name)) for name in EXACT}
    entry = {
        "status": record.status,
        "reason": record.error.reason if record.error else None,
        "data": record.data,
        "source": record.source,
        "settings": record.settings,
        "platform": _platform(record),
        "seeds": record.seeds,
        "costs": costs,
        "acc": record.acc,
        "slices": record.slice_sizes,
        "metrics": _metrics(record),
    }
    read: dict[str, Any] = json.loads(json.dumps(entry))
    return read


def _metrics(record: Record) -> dict[str, list[float | None]] | None:
    """name -> [S]: what today's code computes from the accuracies, without what this stream has not."""
    if not record.acc:
        return None
    values = per_seed(record.array)
    return {
        name: [None if one != one else one for one in own.tolist()]
        for name, own in values.items()
        if not np.isnan(own).all()
    }


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
        raise InputError(
            f'no baselines for profile "{profile}" in {folder}/; make them with: {_accept_command(profile)}'
        )
    files = [_read(path) for path in paths]
    return {
        (file["benchmark"], strategy): entry
        for file in files
        for strategy, entry in file["strategies"].items()
    }


def _read(path: Path) -> dict:
    try:
        content = read_json(path)
    except ValueError as error:
        raise InputError(printable(f"{path}: {error}")) from None
    if not isinstance(content, dict) or "schema" not in content:
        raise InputError(f"{path}: no baseline of clbench")
    if content["schema"] not in (1, SCHEMA):
        raise InputError(f"{path}: schema {content['schema']}, this version reads {SCHEMA}")
    if not isinstance(content.get("benchmark"), str) or not isinstance(content.get("strategies"), dict):
        raise InputError(f"{path}: no baseline of clbench")
    for strategy, entry in content["strategies"].items():
        try:
            msgspec.convert(entry, _Entry)
        except msgspec.ValidationError as error:
            raise InputError(printable(f"{path}: the entry {strategy} is no baseline ({error})")) from None
        content["strategies"][strategy] = entry | {name: entry.get(name) for name in LATER}
    return content


def _accept_command(profile: str, *pair: str) -> str:
    """For one pair, or for all that is in the results folder."""
    options = [f"{option} {shlex.quote(spec)}" for option, spec in zip(("-b", "-s"), pair, strict=False)]
    return " ".join([f"clbench baseline accept --profile {profile}", *options])


# ---- comparing with what was accepted


def check(
    records: Iterable[Record],
    baselines: Path,
    profile: str,
    benchmarks: list[str] | None = None,
    strategies: list[str] | None = None,
    margin: float = MARGIN,
) -> Results:
    """The verdict on each pair, sorted, and what can only be said of several pairs. Without patterns
    (canonical names or globs): on every pair of the baseline; with them also on pairs that only have a
    record."""
    before = load_baselines(baselines, profile)
    current = {(record.benchmark, record.strategy): record for record in records if record.profile == profile}
    stale = {pair for pair, record in current.items() if is_stale(record)}
    now = {pair: entry_of(record) for pair, record in current.items()}
    pairs = (
        _selected(before.keys() | now.keys(), profile, benchmarks, strategies)
        if benchmarks or strategies
        else before.keys()
    )
    fresh = {pair: entry for pair, entry in now.items() if pair not in stale}
    results = [
        (*pair, _verdict(pair, before, fresh, pair in stale, profile, margin)) for pair in sorted(pairs)
    ]
    return [*results, *disagreements(fresh, pairs, margin), *_shifts(results, before, fresh)]


def _selected(
    pairs: Iterable[Pair], profile: str, benchmarks: list[str] | None, strategies: list[str] | None
) -> list[Pair]:
    """The pairs that match; a pattern that stands for none of them is a mistake."""
    for pattern in [*(benchmarks or []), *(strategies or [])]:
        alone = ([pattern], None) if pattern in (benchmarks or []) else (None, [pattern])
        if not any(pair_matches(*pair, profile, *alone) for pair in pairs):
            raise InputError(f'"{pattern}" is neither in the baselines nor among the records')
    return [pair for pair in pairs if pair_matches(*pair, profile, benchmarks, strategies)]


def _verdict(pair: Pair, before: Entries, now: Entries, stale: bool, profile: str, margin: float) -> Verdict:
    """The regression rule, with what to do about it in the line."""
    if pair not in before:
        return Verdict("missing", f"not in the baseline: accept it with: {_accept_command(profile, *pair)}")
    if stale:
        return Verdict(
            "missing", "its record is stale, the source or its tuned values have changed since: run it again"
        )
    found = compare(_side(pair, before), _side(pair, now), margin)
    if found.changed:
        what = "unchanged" if before[pair]["source"] == now[pair]["source"] else "changed"
        found = replace(
            found, detail=f"{found.detail}; changed: not bit-equal on the same platform, source {what}"
        )
    if found.status == "improved":
        found = replace(found, detail=f"{found.detail}; accept it with: {_accept_command(profile, *pair)}")
    return found


def disagreements(now: Entries, pairs: Iterable[Pair], margin: float = MARGIN) -> Results:
    """Rows of another library that are the same method as one of ours (`mirrors`), and whose numbers are not.

    Compared on the seeds that both have.
    """
    found = []
    for benchmark, strategy in sorted(pairs):
        native, other = now.get((benchmark, _mirrored(strategy))), now.get((benchmark, strategy))
        if native is None or other is None or not native["status"] == other["status"] == "ok":
            continue
        common = {*native["seeds"]} & {*other["seeds"]}
        if not common or native["data"] != other["data"]:
            continue
        of_native, of_other = (
            {**_of_seeds(entry, common), "error": None, "metrics": None} for entry in (native, other)
        )
        said = agreement(of_native, of_other, margin)
        if said.status != "pass":
            found.append(
                (benchmark, strategy, replace(said, detail=f"with {_mirrored(strategy)}: {said.detail}"))
            )
    return found


def _of_seeds(entry: dict, seeds: set[int]) -> dict:
    """The entry without its other seeds."""
    places = [place for place, seed in enumerate(entry["seeds"]) if seed in seeds]
    by_seed = {name: entry[name] for name in ("seeds", "acc", "slices") if entry.get(name)}
    return entry | {name: [values[place] for place in places] for name, values in by_seed.items()}


def _mirrored(strategy: str) -> str:
    """The strategy of ours that this row's class says it is; nothing for most."""
    try:
        return facts(strategy).mirrors
    except InputError:  # of a spec with arguments, or no longer there
        return ""


def _shifts(results: Results, before: Entries, now: Entries) -> Results:
    """What no single pair shows: ACC or forgetting that moved the same way in the same seeds of many pairs.
    Pairs whose own verdict says that something has changed are left out."""
    quiet = [
        (benchmark, strategy)
        for benchmark, strategy, found in results
        if found.status in ("pass", "undecided")
    ]
    by_metric: dict[str, list[dict[int, float]]] = {}
    for pair in quiet:
        for name, values in metric_differences(before[pair], now[pair]).items():
            by_metric.setdefault(name, []).append(values)
    shifts = {name: shift(values) for name, values in by_metric.items()}
    return [
        (ALL, ALL, Verdict("shifted", _shift_in_words(name, found)))
        for name, found in shifts.items()
        if found and found.p <= ALARMS / len(shifts)
    ]


def _shift_in_words(metric: str, found: Shift) -> str:
    return (
        f"{METRICS[metric].title} is higher in {found.rose} and lower in {found.fell} runs "
        f"of {found.pairs} pairs that show nothing alone: chance does so in {100 * found.p:.1f} % of all "
        f"cases (sign test over {found.seeds} seeds)"
    )


# ---- comparing with a revision


def against(
    before: Entries,
    now: Entries,
    pairs: Iterable[Pair],
    shares: Mapping[Pair, float],
    margin: float = MARGIN,
    committed: Entries | None = None,
    unknown: Container[Pair] = (),
) -> Results:
    """The verdict on each pair whose entries were made by two source trees on this machine, from the same
    seeds: only the code differs.

    shares: of the 5 % that a decision may risk, where a pair is looked at more than once. committed: the
    baselines; a change that they hold already is accepted. unknown: pairs that the older tree does not have.
    """
    results = []
    for pair in sorted(pairs):
        if pair in unknown and pair in now:
            results.append((*pair, _new(now[pair])))
            continue
        sides = _side(pair, before), _side(pair, now)
        found = compare(*sides, margin, ALPHA * shares.get(pair, 1.0), same_platform=True)
        kept = (committed or {}).get(pair)
        if kept and found.status not in ("identical", "pass") and _accepts(kept, pair, before, now, margin):
            found = replace(found, detail=f"{found.detail}; accepted: the baseline holds it", accepted=True)
        elif found.status == "improved":
            found = replace(
                found, detail=f"{found.detail}; passes once it is accepted: {ACCEPT_WITH_THE_CODE}"
            )
        results.append((*pair, found))
    return [*results, *disagreements(now, pairs, margin)]


def _accepts(kept: dict, pair: Pair, before: Entries, now: Entries, margin: float) -> bool:
    """Whether the baseline is what the pair is now, and no longer what it was."""
    fine = ("identical", "pass")
    committed = {pair: kept}
    was, is_now = (_side(pair, entries) for entries in (before, now))
    return (
        compare(_side(pair, committed), is_now, margin).status in fine
        and compare(_side(pair, committed), was, margin).status not in fine
    )


# ---- sides


def _side(pair: Pair, entries: Entries) -> dict | None:
    """One side as `compare` wants it, with its own joint for the plasticity gap."""
    entry, retrained = entries.get(pair), entries.get((pair[0], JOINT))
    if entry is None:
        return None
    side = side_of(entry)
    if (
        retrained
        and retrained["status"] == "ok"
        and retrained["data"] == entry["data"]
        and _shape(retrained) == _shape(entry)
    ):
        side["retrained"] = {"seeds": retrained["seeds"], "acc": retrained["acc"]}
    return side


def side_of(entry: dict) -> dict:
    """One side as the rule wants it, without what is measured against others."""
    return entry | {"error": entry["reason"], "settings": entry["settings"] | {"data": entry["data"]}}


def machines_of(record: Record) -> dict[int, tuple | None]:
    """seed -> where the arithmetic was done; None where the record does not say."""
    made = {
        seed: tuple(group.provenance.get(key) for key in PLATFORM.values())
        for group in record.groups
        for seed in group.seeds
    }
    return {seed: where if any(one is not None for one in where) else None for seed, where in made.items()}


def _shape(entry: dict) -> tuple[int, ...]:
    """(T+1, E); nothing for an entry without numbers."""
    shape: tuple[int, ...] = np.shape(entry["acc"])
    return shape[1:]
