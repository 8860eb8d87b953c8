"""Traces made by the code of a source tree, each in processes of its own; those of a commit are kept."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from clbench.data.files import folders
from clbench.execution import commits
from clbench.execution.environment import ENVIRONMENT
from clbench.execution.processor import describe_processor
from clbench.execution.trace import COUNTS
from clbench.results import records
from clbench.results.files import write_atomically

WHOLE = 0  # the format of a tree without a tracer: seed 0 trained to the end
LIBRARIES = ("torch", "numpy", "avalanche-lib")
_running: set[subprocess.Popen] = set()  # processes in trees


class Place(NamedTuple):
    """A source tree."""

    folder: Path  # that PYTHONPATH has to name
    commit: str | None  # None: not, or not only, what a commit holds


@dataclass(frozen=True)
class Request:
    """What a tree is asked to trace; the arguments of `clbench.execution.trace.trace`."""

    benchmark: str
    strategy: str
    seeds: tuple[int, ...]
    whole: bool
    sources: tuple[str, ...]  # digests: a tree whose source is none of them need not run the pair


@dataclass
class Trace:
    """What a tree computes for a pair."""

    format: int
    source: str = ""
    capture: str = ""  # digest of the code that only a GPU runs
    notes: Sequence[Any] = ()  # (where, what, digests)
    error: str = ""


def here() -> Place:
    """The tree of this process; of its commit where nothing in it has changed since."""
    state = commits.current()
    return Place(
        commits.PACKAGE.parent,
        None if state["dirty"] or not state["commit"] else commits.resolve(state["commit"]),
    )


def traces(
    place: Place, profile: str, requests: list[Request], processes: int, *, by_training: bool = False
) -> dict[Request, Trace]:
    """The trace of each request; by so many processes at a time.

    by_training: seed 0 trained to the end in its stead, as in a tree that has no tracer in any case. So are
    trees compared whose traces have different formats.
    """
    wanted = list(dict.fromkeys(requests))
    kept = {request: trace for request in wanted if (trace := _kept(place, profile, request, by_training))}
    rest = [request for request in wanted if request not in kept]
    new = {} if by_training else _in_processes(_trace, place, profile, rest, processes)
    without_tracer = [request for request in rest if by_training or new[request].format == WHOLE]
    new |= _in_processes(_train_seed_0, place, profile, without_tracer, processes)
    for request, trace in new.items():
        _keep(place, profile, request, trace, by_training)
    return kept | new


def _in_processes(
    function: Callable[[Place, str, list[Request]], dict[Request, Trace]],
    place: Place,
    profile: str,
    requests: list[Request],
    processes: int,
) -> dict[Request, Trace]:
    """function(place, profile, requests) -> traces, with the requests of one benchmark together, which load
    its data once."""
    shares: list[list[Request]] = [[] for _ in range(processes)]
    by_benchmark: dict[str, list[Request]] = {}
    for request in requests:
        by_benchmark.setdefault(request.benchmark, []).append(request)
    for own in sorted(by_benchmark.values(), key=len, reverse=True):
        min(shares, key=len).extend(own)
    with ThreadPoolExecutor(processes) as pool:
        results = pool.map(lambda share: function(place, profile, share), filter(None, shares))
        try:
            return {request: trace for result in results for request, trace in result.items()}
        except BaseException:  # Ctrl-C or SIGTERM, which the pool would answer when its processes are done
            while _running:
                _running.pop().kill()
            raise


def _trace(place: Place, profile: str, requests: list[Request]) -> dict[Request, Trace]:
    ended = clbench(place, ["trace", profile], json.dumps([asdict(request) for request in requests]))
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {request: Trace(WHOLE) for request in requests}
    rest = {"format": lines[0]["format"], "error": f"its process ended: {last_line(ended.stderr)}"}
    lines += [rest] * (len(requests) - len(lines))
    return {request: _trace_of(line, place) for request, line in zip(requests, lines, strict=True)}


def _trace_of(line: dict, place: Place) -> Trace:
    package = Path(line.get("package", place.folder / "clbench"))
    check_imported(package, place)
    return Trace(
        line["format"],
        line.get("source", ""),
        line.get("capture", ""),
        line.get("notes", ()),
        line.get("error", ""),
    )


def _train_seed_0(place: Place, profile: str, requests: list[Request]) -> dict[Request, Trace]:
    """By `clbench run`, which every tree has: accuracies, counts and the source's digest of its record."""
    with tempfile.TemporaryDirectory() as folder:
        for benchmark in dict.fromkeys(request.benchmark for request in requests):
            strategies = [
                part
                for request in requests
                if request.benchmark == benchmark
                for part in ("-s", request.strategy)
            ]
            clbench(
                place,
                [
                    "run",
                    "-b",
                    benchmark,
                    *strategies,
                    "--profile",
                    profile,
                    "--seed-list",
                    "0",
                    "--workers",
                    "0",
                    "--device",
                    "cpu",
                    "--out",
                    folder,
                ],
            )
        return {request: _trace_of_record(Path(folder), profile, request) for request in requests}


def _trace_of_record(folder: Path, profile: str, request: Request) -> Trace:
    path = records.path_of(folder, profile, request.benchmark, request.strategy)
    if not path.exists():
        return Trace(WHOLE, error="it gave no record")
    record = json.loads(path.read_text(encoding="utf-8"))
    counts = [f"{name} {group['costs'].get(name)}" for group in record["groups"] for name in COUNTS]
    reason = (record["error"] or {}).get("reason", "")
    error = reason if record["status"] == "failed" else ""
    notes = [
        ["seed 0", "status", [record["status"], reason]],
        ["seed 0", "accuracies", [json.dumps(record["acc"])]],
        ["seed 0", "counts", counts],
    ]
    return Trace(WHOLE, record["source"], notes=notes, error=error)


def clbench(place: Place, arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """The command line of the tree."""
    return python(place, ["-m", "clbench", *arguments], text)


def python(place: Place, arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Python, for which `clbench` is the tree's. -P: it does not look for packages in the current folder."""
    environment = {
        **ENVIRONMENT,
        **os.environ,
        "PYTHONPATH": str(place.folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-P", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        _running.add(process)
        try:
            output, errors = process.communicate(text)
        except BaseException:
            process.kill()
            raise
    if process not in _running:
        raise KeyboardInterrupt  # its thread begins no other
    _running.remove(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def check_imported(package: Path, place: Place) -> None:
    """That a process has worked with the tree's own code."""
    assert package.parent.resolve() == place.folder.resolve(), (
        f"{package} was imported instead of {place.folder}"
    )


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["without a word"])[-1]


# ---- what is kept


def _kept(place: Place, profile: str, request: Request, by_training: bool) -> Trace | None:
    """Of the very source that is asked for, to which files that no commit of ours holds may belong, too."""
    path = _path_kept(place, profile, request, by_training)
    if path is None or not path.is_file():
        return None
    try:
        trace = Trace(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return trace if trace.source in request.sources else None


def _keep(place: Place, profile: str, request: Request, trace: Trace, by_training: bool) -> None:
    path = _path_kept(place, profile, request, by_training)
    if path is not None and trace.notes and not trace.error:
        write_atomically(path, json.dumps(asdict(trace)))


def _path_kept(place: Place, profile: str, request: Request, by_training: bool) -> Path | None:
    """In the user's cache, by commit and by all that the bits depend on."""
    if place.commit is None:
        return None
    about = [
        platform(),
        profile,
        request.benchmark,
        request.strategy,
        request.seeds,
        request.whole,
        by_training,
    ]
    name = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24]
    return folders()[-1] / "traces" / place.commit / f"{name}.json"


@cache
def platform() -> str:
    """The processor, its instruction set and the libraries: what the bits of a computation depend on."""
    return ", ".join([describe_processor(), *(f"{name} {_version(name)}" for name in LIBRARIES)])


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"
