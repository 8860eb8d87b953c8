"""A dask cluster that the user has."""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clbench.errors import BrokeOff, InputError
from clbench.execution.devices import checked_form, visible_gpus
from clbench.execution.workers import broken_off, ended_with, over_the_limit, train_job_alone
from clbench.registry import RUNNERS

if TYPE_CHECKING:
    from clbench.execution.plan import Job
    from clbench.execution.seed_group import GroupResult

ANSWER = "10s"  # how long a scheduler may take to answer


def look_at_cluster(address: str, device: str) -> tuple[str, int]:
    """(the device that all its workers have, how many groups it trains at once)."""
    checked_form(device)
    with connect(address) as client:
        gpus = all(client.run(visible_gpus).values())
        if device.startswith("cuda") and not gpus:
            raise InputError(
                f"--scheduler {address}: not all of its workers have a CUDA device; use --device auto or cpu"
            )
        return ("cuda" if gpus else "cpu") if device == "auto" else device, sum(client.nthreads().values())


def connect(address: str) -> Any:
    """A client of the cluster. InputError where nobody answers, or no worker is there."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "dask is not installed: pip install 'clbench[cluster]'", "scheduler", address
        ) from None
    try:
        client = Client(address, timeout=ANSWER)
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler {address}: it does not answer ({error})") from None
    if not client.nthreads():
        client.close()
        raise InputError(f"--scheduler {address}: it has no workers; start some with: dask worker {address}")
    return client


def train_on_cluster(
    address: str, following: "Callable[[], Job | None]", context: dict[str, Any], in_processes: bool
) -> "Iterator[tuple[Job, list[GroupResult]]]":
    """(job, results) of every job that `following` hands out, as they end; one in flight for each thread of
    the cluster. in_processes: as `execute` has it. Raises BrokeOff when the scheduler does not answer any
    more."""
    from distributed import as_completed

    from clbench.execution.seed_group import failure

    with connect(address) as client:
        size = sum(client.nthreads().values())
        context = context | {"concurrent": size}
        running: dict[str, Job] = {}

        def submit() -> list[Any]:
            if job := following():
                future = client.submit(train_there, job, context, in_processes, pure=False)
                running[future.key] = job
                return [future]
            return []

        completed = as_completed([future for _ in range(size) for future in submit()])
        for future in completed:
            job = running.pop(future.key)
            if future.status in ("cancelled", "lost"):
                raise BrokeOff(f"--scheduler {address}: it does not answer any more")
            error = future.exception()
            yield job, [failure(job, error)] if error else future.result()
            for new in submit():
                completed.add(new)


def train_there(job: "Job", context: dict[str, Any], in_processes: bool) -> "list[GroupResult]":
    """Trains the group on a worker of a cluster; other people's code, or all, in a process for itself, which
    can be stopped."""
    from clbench.execution.seed_group import GroupResult, train_group

    if not (in_processes or job.own or RUNNERS["avalanche"] in job.modules):
        return train_group(job, context)
    with tempfile.TemporaryDirectory(prefix="clbench-") as folder:
        place = Path(folder, "results.json")
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(place)], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            process.communicate(pickle.dumps((job, context)), timeout=job.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return [broken_off(job, over_the_limit(job))]
        if not place.exists():
            return [broken_off(job, f"its process {ended_with(process.returncode)}")]
        results: list[GroupResult] = msgspec.json.decode(place.read_bytes(), type=list[GroupResult])
        return results


if __name__ == "__main__":
    job, context = pickle.load(sys.stdin.buffer)
    train_job_alone(job, context, Path(sys.argv[1]))
    os._exit(0)
