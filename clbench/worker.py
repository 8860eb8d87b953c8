"""One seed group, in whichever process: trains it and says how that went, whatever happened."""
import os
import platform
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from clbench import registry, source
from clbench.devices import choose_device
from clbench.environment import prepare
from clbench.errors import RunFailed, Unavailable
from clbench.plan import RUNNERS, Job
from clbench.processor import described, one_thread


def train_group(job: Job, told: dict, notes: tuple[str, ...] = ()) -> list[dict]:
    """[{status, error, group, acc}] of one seed group. Never raises for what the run did.

    Where the memory does not hold all its seeds they are trained in two groups, and so on: one result each.
    """
    result = _result(job, told, notes)
    if result is not None:
        return [result]
    _free_memory()                           # here, where no traceback holds on to tensors any more
    half, note = (len(job.seeds) + 1) // 2, f"out of memory with {len(job.seeds)} seeds together, so the group was halved"
    return [result for seeds in (job.seeds[:half], job.seeds[half:])
            for result in train_group(replace(job, seeds=seeds), told, (*notes, note))]


def _result(job: Job, told: dict, notes: tuple[str, ...]) -> dict | None:
    """{status, error, group, acc}; None for several seeds that the memory does not hold together."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if job.device != "cpu":
        _free_memory()                       # what the run before has left, or it would count in this one's peak
    try:
        outcome, reason = _train(job)
    except Unavailable as error:
        return {"status": "unavailable", "error": {"reason": str(error)}, "group": None, "acc": []}
    except Exception as error:
        return None if len(job.seeds) > 1 and _out_of_memory(error) else failure(job, error)
    if reason:
        return {"status": "unsupported", "error": {"reason": reason}, "group": None, "acc": []}
    provenance = {"started": started, **_provenance(job), **{key: told[key] for key in ("command", "commit", "dirty")}}
    group = {"seeds": list(job.seeds), "costs": outcome.costs, "concurrent": told["concurrent"], "provenance": provenance,
             "notes": [*notes, *outcome.notes]}
    acc = _nested(outcome.acc)
    if outcome.more:
        group["arrays"] = {name: _nested(array) for name, array in outcome.more.items()}
    if outcome.diverged:
        first = outcome.diverged[0]
        reason = f"seed {first['seed']}: not finite in task {first['task']}, at step {first['step']} of the run"
        return {"status": "diverged", "error": {"reason": reason, **first}, "group": group, "acc": acc}
    return {"status": "ok", "error": None, "group": group, "acc": acc}


def _nested(array) -> list:
    """Lists of an array [S, T+1, E], None for NaN."""
    return [[[None if cell != cell else cell for cell in row] for row in matrix] for matrix in array.tolist()]


def _train(job: Job):
    """(outcome, None), or (None, the reason why this strategy can't learn this stream)."""
    prepare()
    import torch

    from clbench.engine.clock import Clock
    from clbench.engine.part import refusal
    if job.source != _source_when_loaded(job.modules):
        raise RuntimeError("this worker has loaded other source code than the plan was made with: restart the workers")
    device = torch.device(choose_device(job.device))
    if device.type == "cuda":
        torch.cuda.init()                    # asking a cuda:N for its memory does not
    with one_thread(device.type):
        import_what_a_first_step_needs()
        clock = Clock(device)
        with clock.measure("setup_s"):
            _, benchmark, _ = registry.benchmark(job.benchmark, job.profile)
            strategy = registry.strategy(job.strategy, benchmark.hyperparameters.get(benchmark.scenario))
            stream, net, parts = benchmark.stream(list(job.seeds), device), benchmark.network(), strategy.build()
            runner = import_module(RUNNERS[strategy.backend])
        if reason := next(filter(None, (refusal(part, stream, net) for part in parts)), None):
            return None, reason
        return runner.run(stream, net, parts, benchmark.budget(job.profile), clock), None


@lru_cache
def import_what_a_first_step_needs() -> None:
    """torch imports for half a second to map a loss over seeds for the first time; a process pays for that, so no run is
    charged."""
    import torch
    torch.func.vmap(torch.nn.functional.cross_entropy)(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.long))


@lru_cache
def _source_when_loaded(modules: tuple[str, ...]) -> str:
    """The digest of our own modules when this process first used them; a long-lived worker does not see later edits."""
    return source.digest(list(modules))


def _out_of_memory(error: BaseException) -> bool:
    import torch
    cause = error.__cause__ if isinstance(error, RunFailed) else error
    # On a CPU torch raises a plain RuntimeError.
    return isinstance(cause, torch.OutOfMemoryError) or "can't allocate memory" in str(cause)


def _free_memory() -> None:
    import gc

    import torch
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def failure(job: Job, error: BaseException) -> dict:
    """The result of a group that broke off, with all that is known of it."""
    place = {}
    cause = error
    if isinstance(error, RunFailed):
        place, cause = {"task": error.task, "step": error.step}, error.__cause__
    reason = f"{type(cause).__name__}: {cause}".splitlines()[0]
    if type(cause).__name__ == "KilledWorker":
        reason = "its worker process died twice"
    if _out_of_memory(error):
        reason = f"out of memory with one seed alone: {cause}".splitlines()[0]
    trace = "".join(traceback.format_exception(cause)).replace(str(registry.PACKAGE.parent) + os.sep, "")
    return {"status": "failed", "error": {"reason": reason, "seeds": list(job.seeds), **place, "traceback": trace},
            "group": None, "acc": []}


def _provenance(job: Job) -> dict:
    import torch
    device = choose_device(job.device)
    device = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    return {"python": platform.python_version(), **{name: _version(name) for name in ("torch", "numpy", "avalanche-lib")},
            "platform": f"{platform.system()} {platform.machine()}", "processor": described(), "device": device,
            "threads": 1}


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
