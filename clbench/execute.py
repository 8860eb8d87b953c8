"""The plan on workers: each seed group is one dask task; failures become records; only this process writes results."""
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from clbench import records, registry
from clbench.devices import checked_form, visible_gpus
from clbench.environment import ENVIRONMENT, prepare
from clbench.errors import InputError
from clbench.plan import RUNNERS, Job, Plan
from clbench.records import Record
from clbench.worker import failure, train_group


@dataclass
class Finished:
    """How it ended."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)     # by benchmark and strategy
    unavailable: dict[tuple[str, str], str] = field(default_factory=dict)
    left: int = 0                                                            # groups not run: time limit or Ctrl-C
    interrupted: bool = False

    @property
    def bad(self) -> bool:
        return any(record.status in ("failed", "diverged") for record in self.records.values())


def execute(plan: Plan, jobs: list[Job], out: Path | None, *, workers: int, scheduler: str | None = None,
            time_limit: float | None = None,
            on_done: Callable[[Job, Record | None], None] = lambda job, record: None) -> Finished:
    """Runs the jobs and merges each group into its record as it ends. out: None to keep the records in memory.

    on_done: called with each group that has ended and the record of its pair, None where it was unavailable.
    """
    finished = Finished({(pair.blank.benchmark, pair.blank.strategy): pair.stored for pair in plan.pairs if pair.current})
    pairs = {(pair.blank.benchmark, pair.blank.strategy): pair for pair in plan.pairs}
    waiting = list(reversed(jobs))
    deadline = time.monotonic() + time_limit if time_limit else float("inf")

    def following() -> Job | None:
        return waiting.pop() if waiting and time.monotonic() < deadline else None

    try:
        with contextlib.closing(_results(following, jobs, workers, scheduler)) as results:
            for job, parts in results:
                for result in parts:
                    _merge(finished, pairs[job.benchmark, job.strategy], job, result, out)
                on_done(job, finished.records.get((job.benchmark, job.strategy)))
    except KeyboardInterrupt:
        finished.interrupted = True
    finished.left = len(waiting)
    return finished


def _merge(finished: Finished, pair, job: Job, result: dict, out: Path | None) -> None:
    """One group's result into the record of its pair, on disk and in memory."""
    name = (job.benchmark, job.strategy)
    if result["status"] == "unavailable":
        finished.unavailable[name] = result["error"]["reason"]
        return
    fresh = name not in finished.records
    record = deepcopy(pair.blank) if fresh else finished.records[name]
    if record is pair.stored:                                    # a failed record, or more seeds of a good one
        record = deepcopy(record)
        record.status, record.error = "ok", None
    if result["group"]:
        record.add(result["group"], result["acc"])
    # One seed that diverged marks the row for good; a group that failed only until it is tried again.
    if result["status"] == "diverged" or (result["status"] != "ok" and record.status == "ok"):
        record.status, record.error = result["status"], result["error"]
    finished.records[name] = record
    if out is not None:
        records.write(record, out)


# ---- where the groups run

def _results(following: Callable[[], Job | None], jobs: list[Job], workers: int,
             scheduler: str | None) -> Iterator[tuple[Job, list[dict]]]:
    """(job, results) of every job that `following` hands out, as they end."""
    told = {"command": _command(), **_commit()}
    if scheduler is None and (workers == 0 or len(jobs) <= 1):
        while job := following():
            yield job, train_group(job, told | {"concurrent": 1})
    elif jobs:
        cluster = (_their_cluster(scheduler, jobs) if scheduler
                   else _own_cluster(min(workers, len(jobs)), jobs[0].device, jobs))
        with cluster as (client, size):
            yield from _on_workers(client, size, following, told | {"concurrent": min(size, len(jobs))})


def _on_workers(client, size: int, following, told: dict) -> Iterator[tuple[Job, dict]]:
    """Keeps one group per worker in flight, so that a time limit or Ctrl-C stops between groups."""
    from distributed import as_completed
    running = {}

    def submit():
        if job := following():
            future = client.submit(train_group, job, told, pure=False)
            running[future.key] = job
            return [future]
        return []

    completed = as_completed([future for _ in range(size) for future in submit()])
    for future in completed:
        job = running.pop(future.key)
        error = future.exception()
        yield job, [failure(job, error)] if error else future.result()
        for new in submit():
            completed.add(new)


@contextlib.contextmanager
def _own_cluster(workers: int, device: str, jobs: list[Job]):
    """(client, number of workers) of worker processes with one thread each; for `cuda` each sees one GPU, in turn."""
    import logging

    import dask
    from distributed import Client, Nanny, Scheduler, SpecCluster
    # dask's own environment for workers tells malloc to give memory back at once, which makes a step twice as long.
    dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.scheduler.worker-saturation": 1.0,
                     "distributed.nanny.pre-spawn-environ": ENVIRONMENT})
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    gpus = visible_gpus() if device == "cuda" else []
    local = {"host": "127.0.0.1", "dashboard": False}             # dask trusts whoever reaches it
    common = local | {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
    spec = {i: {"cls": Nanny, "options": common | {"env": {"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} if gpus else {}}}
            for i in range(workers)}
    scheduler = {"cls": Scheduler, "options": local | {"port": 0, "dashboard_address": "127.0.0.1:0"}}
    with (_forked(device, jobs), SpecCluster(workers=spec, scheduler=scheduler, silence_logs=logging.CRITICAL) as cluster,
          Client(cluster) as client):
        client.wait_for_workers(workers)
        client.run(_ignore_interrupt)
        yield client, workers


@contextlib.contextmanager
def _forked(device: str, jobs: list[Job]):
    """Within the block dask forks its workers, on Linux, from one process that has imported what all of them need.

    Not for a GPU, since CUDA does not survive a fork; on other systems libraries do not either.
    """
    import dask
    if device != "cpu" or sys.platform != "linux":
        yield
        return
    from multiprocessing import forkserver
    avalanche = any(RUNNERS["avalanche"] in job.modules for job in jobs)
    prepare()
    forkserver.set_forkserver_preload(["clbench.preload", *(["clbench.avalanche.preload"] if avalanche else [])])
    forkserver.ensure_running()              # before dask sets a list of its own
    try:
        with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
            yield
    finally:
        forkserver._forkserver._stop()       # waits for it, so that its CPU time counts as this process's


@contextlib.contextmanager
def _their_cluster(address: str, jobs: list[Job]):
    """(client, number of threads) of a cluster that the user has; files of one's own are sent along."""
    with _connected(address) as client:
        for path in {file for job in jobs for file in registry.own_files(job.benchmark, job.strategy)}:
            client.upload_file(path)
        yield client, sum(client.nthreads().values())


def look_at_cluster(address: str, device: str) -> tuple[str, int]:
    """(the device that all its workers have, how many groups it trains at once)."""
    checked_form(device)
    with _connected(address) as client:
        gpus = all(client.run(visible_gpus).values())
        if device.startswith("cuda") and not gpus:
            raise InputError(f"--scheduler {address}: not all of its workers have a CUDA device; use --device auto or cpu")
        return ("cuda" if gpus else "cpu") if device == "auto" else device, sum(client.nthreads().values())


def _connected(address: str):
    from distributed import Client
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: it does not answer ({error})") from None
    if not client.nthreads():
        client.close()
        raise InputError(f"--scheduler {address}: it has no workers; start some with: dask worker {address}")
    return client


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; only the one that holds the plan answers it."""
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# ---- what every group is told

def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


@lru_cache
def _commit() -> dict:
    """The git commit of the package's own source, and whether the source differs from it; None if git does not hold it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", str(registry.PACKAGE), *arguments], capture_output=True, text=True, check=True).stdout
    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        return {"commit": git("rev-parse", "--short=12", "HEAD").strip(), "dirty": bool(git("status", "--porcelain", "--", "."))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}
