"""Whole runs of two source trees on this machine, from the same seeds: what `clbench check --against` judges.

Each tree runs its own `clbench run` in processes of its own. What the tree of a commit has measured is kept
in the user's cache: a commit does not change.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from clbench.data.files import folders
from clbench.errors import InputError
from clbench.execution import asked, commits, trees
from clbench.execution.trees import Place
from clbench.results import records
from clbench.results.record import BrokenRecord, Record

Name = tuple[str, str]  # benchmark, strategy
Seeds = tuple[int, ...]


@dataclass
class Side:
    """A source tree, and what it has measured so far."""

    place: Place
    records: dict[Name, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class HowToRun:
    profile: str
    device: str  # as `clbench run` takes it
    workers: int


@contextmanager
def tree_of(commit: str) -> Iterator[Place]:
    """The package as a commit has it, within the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield Place(commits.unpack(commit, Path(folder)), commit)


def known_pairs(place: Place, profile: str, pairs: Iterable[Name]) -> set[Name]:
    """Those of the pairs that the tree can plan."""
    answer = _ask(place, {"profile": profile, "pairs": sorted(pairs), "arrays": []})
    return {(benchmark, strategy) for benchmark, strategy in answer["known"]}


def metrics_of(place: Place, profile: str, made: Mapping[Name, Record]) -> dict[Name, dict]:
    """name -> [S] of every record's accuracies, by the tree's own code."""
    with_numbers = {name: record for name, record in made.items() if record.acc}
    arrays = [record.acc for record in with_numbers.values()]
    answer = _ask(place, {"profile": profile, "pairs": [], "arrays": arrays})
    return dict(zip(with_numbers, answer["metrics"], strict=True))


def _ask(place: Place, question: dict) -> dict:
    ended = trees.python(place, [str(Path(asked.__file__))], json.dumps(question))
    if ended.returncode:
        raise InputError(f"{_name(place)} cannot be asked: {trees.last_line(ended.stderr)}")
    answer: dict = json.loads(ended.stdout.splitlines()[-1])
    trees.check_imported(Path(answer["package"]), place)
    return answer


def measure(side: Side, how: HowToRun, wanted: Mapping[Name, Seeds]) -> float:
    """Runs these seeds of these pairs by the tree and adds them to its records; returns the seconds it
    took."""
    started = time.monotonic()
    for seeds, names in _by_seeds(wanted).items():
        with _folder(side.place, how, seeds) as folder:
            for benchmarks, strategies in _commands(names):
                _run(side.place, how, benchmarks, strategies, seeds, folder)
            for name in names:
                if record := _record(folder, how.profile, name):
                    side.records[name] = _joined(side.records.get(name), record)
    return time.monotonic() - started


def _by_seeds(wanted: Mapping[Name, Seeds]) -> dict[Seeds, list[Name]]:
    found: dict[Seeds, list[Name]] = {}
    for name, seeds in sorted(wanted.items()):
        found.setdefault(seeds, []).append(name)
    return found


def _commands(names: list[Name]) -> list[tuple[list[str], list[str]]]:
    """(benchmarks, strategies) of as few commands as run just these pairs: a command runs every strategy on
    every benchmark."""
    strategies: dict[str, list[str]] = {}
    for benchmark, strategy in names:
        strategies.setdefault(benchmark, []).append(strategy)
    together: dict[tuple[str, ...], list[str]] = {}
    for benchmark, own in strategies.items():
        together.setdefault(tuple(own), []).append(benchmark)
    return [(benchmarks, list(own)) for own, benchmarks in together.items()]


def _run(
    place: Place, how: HowToRun, benchmarks: list[str], strategies: list[str], seeds: Seeds, folder: Path
) -> None:
    names = [part for name in benchmarks for part in ("-b", name)]
    names += [part for name in strategies for part in ("-s", name)]
    options = {
        "--profile": how.profile,
        "--seed-list": ",".join(map(str, seeds)),
        "--workers": str(how.workers),
        "--device": how.device,
        "--out": str(folder),
    }
    ended = trees.clbench(place, ["run", *names, *(part for pair in options.items() for part in pair)])
    made = any(
        records.path_of(folder, how.profile, benchmark, strategy).exists()
        for benchmark in benchmarks
        for strategy in strategies
    )
    if ended.returncode and not (made and ended.returncode == 1):  # 1: a pair failed; its record says so
        why = trees.last_line(ended.stderr.strip() or ended.stdout)
        raise InputError(f"{_name(place)} cannot run {benchmarks[0]}: {why}")


def _record(folder: Path, profile: str, name: Name) -> Record | None:
    path = records.path_of(folder, profile, *name)
    if not path.exists():
        return None
    try:
        return records.read(path)
    except BrokenRecord as error:
        raise InputError(str(error)) from None


def _joined(before: Record | None, more: Record) -> Record:
    """A record of the seeds of both; of the later one's status where that has none."""
    if before is None or more.status != "ok" or not more.groups:
        return more
    joined = deepcopy(before)
    of_seed = dict(zip(more.seeds, more.acc, strict=True))
    for group in more.groups:
        joined.add(group, [of_seed[seed] for seed in group.seeds])
    return joined


@contextmanager
def _folder(place: Place, how: HowToRun, seeds: Seeds) -> Iterator[Path]:
    """Where the tree's records of these seeds are written: kept for a commit's, by all that the bits depend
    on. The seeds belong to that, for they are trained in groups."""
    if place.commit is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    about = json.dumps([trees.platform(), how.profile, how.device, seeds])
    name = hashlib.sha256(about.encode()).hexdigest()[:24]
    yield folders()[-1] / "compared" / place.commit / name


def _name(place: Place) -> str:
    return f"the code of {place.commit[:12]}" if place.commit else "the code here"


def add_seeds(
    sides: tuple[Side, Side],
    how: HowToRun,
    undecided: Callable[[], Mapping[Name, Seeds]],
    seconds: float,
    last_took: float,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Doubles the seeds of both sides while pairs are undecided, until another round would not end in time.

    undecided: looks at what there is, and says which seeds each pair has that is open, or that one of these
    needs. last_took: seconds that the first round took, for all pairs together.
    """
    deadline = time.monotonic() + seconds
    runs = sum(len(record.seeds) for record in sides[1].records.values())
    while open_ones := undecided():
        more = {
            name: tuple(range(max(seeds) + 1, max(seeds) + 1 + len(seeds)))
            for name, seeds in open_ones.items()
        }
        count = sum(map(len, more.values()))
        expected = last_took * count / max(1, runs)
        if time.monotonic() + expected > deadline:
            return
        say(f"undecided, so more seeds on each side: runs {count}, pairs {len(more)}")
        last_took, runs = sum(measure(side, how, more) for side in sides), count
