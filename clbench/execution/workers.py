"""Worker processes on this machine.

Groups of ours use a process one after another; whatever holds files of one's own has a process for itself,
which can fail, hang or die without harm to anything else."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, forkserver, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from clbench import own_code
from clbench.execution.devices import visible_gpus
from clbench.execution.environment import prepare
from clbench.own_code import OwnCode

if TYPE_CHECKING:
    from clbench.execution.plan import Job
    from clbench.execution.seed_group import GroupResult

NATIVE_PRELOAD = "clbench.execution.preload"
AVALANCHE_PRELOAD = "clbench.execution.preload_avalanche"
DONE = b"done"


def start_server(device: str, avalanche: bool) -> None:
    """On Linux, begins the process from which workers are forked, and which imports what all of them need.

    Not for a GPU, since CUDA does not survive a fork; on other systems libraries do not either. Called early,
    it imports while this process goes on.
    """
    if _forks(device):
        prepare()
        forkserver.set_forkserver_preload([NATIVE_PRELOAD, *[AVALANCHE_PRELOAD][: int(avalanche)]])
        forkserver.ensure_running()


def _forks(device: str) -> bool:
    return sys.platform == "linux" and not device.startswith("cuda")


def start_process(
    device: str, target: Callable[..., None], *arguments: Any
) -> tuple[BaseProcess, connection.Connection]:
    """(a process that runs target(connection, *arguments), our end of the connection)."""
    if _forks(device):
        start_server(device, avalanche=False)  # unless it is there
    context: Any = get_context("forkserver" if _forks(device) else "spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    with _without_main():
        process.start()
    theirs.close()
    return process, ours


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A new process imports the script that began this one, unless it does not know of it. Ours need nothing
    of it, and a user's script may have no `if __name__ == "__main__"`."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def kill(process: BaseProcess) -> None:
    """Ends a process and, where it leads a group of its own, all that it has started; stopped ones too."""
    if process.pid is None:
        return
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)  # only of who leads one, and of its children if it has ended
    process.kill()
    process.join(5)


def ended_with(code: int | None) -> str:
    """What became of a process that gave no answer, by its exit code."""
    if code is None:
        return "closed its connection"
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


# ---- in a worker process


def begin(environment: dict[str, str]) -> None:
    """What each worker process does first: it ends with the one that began it, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def begin_alone(own: OwnCode) -> None:
    """Makes this process one that holds files of one's own; what they print goes to standard error."""
    with contextlib.suppress(OSError):  # it is the leader of its session
        os.setsid()
    os.dup2(2, 1)
    own_code.install(own)


def write_whole(place: Path, content: bytes) -> None:
    """So that a reader finds all of it, or no file."""
    part = place.with_suffix(".part")
    part.write_bytes(content)
    part.rename(place)


def serve(channel: connection.Connection, environment: dict[str, str]) -> None:
    """Trains one group of ours after another."""
    begin(environment)
    with contextlib.suppress(EOFError):
        while True:
            job, context, place = channel.recv()
            from clbench.execution.seed_group import train_group

            write_whole(place, msgspec.json.encode(train_group(job, context)))
            channel.send_bytes(DONE)


def train_alone(
    channel: connection.Connection,
    environment: dict[str, str],
    job: "Job",
    context: dict[str, Any],
    place: Path,
) -> None:
    """Trains one group that holds files of one's own, and ends."""
    begin(environment)
    train_job_alone(job, context, place)
    channel.send_bytes(DONE)
    os._exit(0)  # whatever threads and exit functions there are


def train_job_alone(job: "Job", context: dict[str, Any], place: Path) -> None:
    """Trains the group in this process, which holds the files of this job and no others."""
    begin_alone(job.own)
    from clbench.execution.seed_group import failure, train_group

    try:
        results = train_group(job, context)
    except BaseException as error:  # such as SystemExit
        results = [failure(job, error)]
    write_whole(place, msgspec.json.encode(results))


# ---- in the process that holds the plan


@dataclass
class _Worker:
    process: BaseProcess
    channel: connection.Connection
    alone: bool
    job: "Job | None" = None
    place: Path = Path()  # of the result
    deadline: float = float("inf")


@dataclass
class Workers:
    """So many worker processes, each with one group in flight."""

    size: int
    device: str
    context: dict[str, Any]  # see `train_group`
    _slots: list[_Worker | None] = field(init=False)
    _begun: int = 0
    _again: set[int] = field(default_factory=set)  # groups begun for the second time, by id

    def __enter__(self) -> "Workers":
        self._slots = [None] * self.size
        self._folder = tempfile.TemporaryDirectory(prefix="clbench-")
        self._gpus = visible_gpus() if self.device == "cuda" else []
        return self

    def __exit__(self, *_: object) -> None:
        for worker in filter(None, self._slots):
            kill(worker.process)
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    @property
    def has_room(self) -> bool:
        return any(worker is None or worker.job is None for worker in self._slots)

    @property
    def busy(self) -> bool:
        return any(worker is not None and worker.job for worker in self._slots)

    def begin(self, job: "Job") -> None:
        """Gives the group to a worker that is free."""
        slot = next(i for i, one in enumerate(self._slots) if one is None or one.job is None)
        worker = self._slots[slot]
        self._begun += 1
        place = Path(self._folder.name, f"{self._begun}.json")
        gpu = {"CUDA_VISIBLE_DEVICES": self._gpus[slot % len(self._gpus)]} if self._gpus else {}
        if job.own:
            if worker:
                kill(worker.process)
            process, channel = start_process(self.device, train_alone, gpu, job, self.context, place)
            worker = _Worker(process, channel, alone=True)
        else:
            try:
                worker = worker or _Worker(*start_process(self.device, serve, gpu), alone=False)
                worker.channel.send((job, self.context, place))
            except OSError:  # it has died since its last group
                worker = _Worker(*start_process(self.device, serve, gpu), alone=False)
                worker.channel.send((job, self.context, place))
        worker.job, worker.place, worker.deadline = job, place, time.monotonic() + job.limit
        self._slots[slot] = worker

    def wait(self) -> Iterator[tuple["Job", "list[GroupResult]"]]:
        """Waits until a group has ended, or two; gives each with its results."""
        running = [worker for worker in self._slots if worker is not None and worker.job]
        left = min(worker.deadline for worker in running) - time.monotonic()
        handles = [handle for worker in running for handle in (worker.channel, worker.process.sentinel)]
        ready = connection.wait(handles, min(max(0.0, left), threading.TIMEOUT_MAX))
        for worker in running:
            job = worker.job
            assert job is not None
            if {worker.channel, worker.process.sentinel} & set(ready):
                results = self._results(worker)
                if results is not None:
                    yield job, results
            elif time.monotonic() >= worker.deadline:
                self._drop(worker)
                yield job, [broken_off(job, over_the_limit(job))]

    def _results(self, worker: _Worker) -> "list[GroupResult] | None":
        """Of a worker that has said something or died; None where the group is begun again."""
        from clbench.execution.seed_group import GroupResult

        job, done = worker.job, False
        assert job is not None
        with contextlib.suppress(EOFError, OSError):
            done = worker.channel.poll() and worker.channel.recv_bytes() == DONE
        if done:
            results = msgspec.json.decode(worker.place.read_bytes(), type=list[GroupResult])
            worker.place.unlink()
            worker.job = None
            if worker.alone:
                self._drop(worker)
            return results
        worker.process.join(5)
        how = ended_with(worker.process.exitcode)
        self._drop(worker)
        if job.own:
            return [broken_off(job, f"its process {how}")]
        if id(job) in self._again:
            return [broken_off(job, f"its process died twice; the second {how}")]
        self._again.add(id(job))  # a machine short of memory kills processes that have done nothing wrong
        self.begin(job)
        return None

    def _drop(self, worker: _Worker) -> None:
        kill(worker.process)
        worker.channel.close()
        self._slots[self._slots.index(worker)] = None


def over_the_limit(job: "Job") -> str:
    return f"took longer than {job.limit:.0f} s and was stopped (--run-limit)"


def broken_off(job: "Job", reason: str) -> "GroupResult":
    from clbench.execution.seed_group import GroupResult
    from clbench.results.record import Failure

    return GroupResult("failed", Failure(reason, seeds=list(job.seeds)))
