"""Worker processes: a local cluster of one process per core or GPU, or a dask cluster that the user has."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from clbench import registry
from clbench.errors import InputError
from clbench.execution.devices import checked_form, visible_gpus
from clbench.execution.environment import ENVIRONMENT, prepare
from clbench.execution.plan import Job
from clbench.registry import RUNNERS

ANSWER = "10s"  # how long a scheduler may take to answer
NATIVE_PRELOAD = "clbench.execution.preload"
PRELOADS = [NATIVE_PRELOAD, "clbench.execution.preload_avalanche"]


@contextlib.contextmanager
def own_cluster(workers: int, device: str, jobs: list[Job]) -> Iterator[tuple[Any, int]]:
    """(client, number of workers) of worker processes with one thread each; for `cuda` each sees one GPU, in
    turn."""
    import logging

    import dask
    from distributed import Client, Nanny, Scheduler, SpecCluster

    # dask's own environment for workers tells malloc to give memory back at once, which makes a step twice as
    # long.
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 1,
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
        }
    )
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    gpus = visible_gpus() if device == "cuda" else []
    local = {"host": "127.0.0.1", "dashboard": False}  # dask trusts whoever reaches it
    common = local | {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
    spec = {
        i: {
            "cls": Nanny,
            "options": common | {"env": {"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} if gpus else {}},
        }
        for i in range(workers)
    }
    scheduler = {"cls": Scheduler, "options": local | {"port": 0, "dashboard_address": "127.0.0.1:0"}}
    with (
        forked_workers(device, jobs),
        SpecCluster(workers=spec, scheduler=scheduler, silence_logs=logging.CRITICAL) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        client.run(_ignore_interrupt)
        yield client, workers


@contextlib.contextmanager
def forked_workers(device: str, jobs: list[Job]) -> Iterator[None]:
    """Within the block dask forks its workers, on Linux, from one process that has imported what all of them
    need.

    Not for a GPU, since CUDA does not survive a fork; on other systems libraries do not either.
    """
    import dask

    if device != "cpu" or sys.platform != "linux":
        yield
        return
    from multiprocessing import forkserver

    needs_avalanche = any(RUNNERS["avalanche"] in job.modules for job in jobs)
    prepare()
    forkserver.set_forkserver_preload(PRELOADS if needs_avalanche else [NATIVE_PRELOAD])
    forkserver.ensure_running()  # before dask sets a list of its own
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@contextlib.contextmanager
def their_cluster(address: str, jobs: list[Job]) -> Iterator[tuple[Any, int]]:
    """(client, number of threads) of a cluster that the user has; files of one's own are sent along."""
    with _connect(address) as client:
        for path in {file for job in jobs for file in registry.own_files(job.benchmark, job.strategy)}:
            client.upload_file(path)
        yield client, sum(client.nthreads().values())


def look_at_cluster(address: str, device: str) -> tuple[str, int]:
    """(the device that all its workers have, how many groups it trains at once)."""
    checked_form(device)
    with _connect(address) as client:
        gpus = all(client.run(visible_gpus).values())
        if device.startswith("cuda") and not gpus:
            raise InputError(
                f"--scheduler {address}: not all of its workers have a CUDA device; use --device auto or cpu"
            )
        return ("cuda" if gpus else "cpu") if device == "auto" else device, sum(client.nthreads().values())


def _connect(address: str) -> Any:
    from distributed import Client

    try:
        client = Client(address, timeout=ANSWER)
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
