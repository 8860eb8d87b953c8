"""One seed group, in whichever process: trains it and says how that went, whatever happened."""

import math
import os
import platform
import traceback
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from typing import TYPE_CHECKING, Any

from clbench import own_code, registry
from clbench.artefacts.asked import Place
from clbench.errors import BrokeOff, InputError, RunFailed, Unavailable
from clbench.execution.devices import choose_device
from clbench.execution.environment import prepare
from clbench.execution.plan import Job
from clbench.execution.processor import describe_processor, one_thread
from clbench.metrics import within
from clbench.metrics.tally import of_arrays
from clbench.registry import RUNNERS
from clbench.results import source
from clbench.results.record import Failure, Group, Matrix, Probe
from clbench.results.tally import pack

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from clbench.core.benchmark import Benchmark
    from clbench.engine.run import Outcome
    from clbench.execution.own import AnyStrategy


@dataclass(frozen=True)
class GroupResult:
    """What came of one seed group."""

    status: str  # ok | failed | diverged | unsupported | unavailable
    error: Failure | None = None
    group: Group | None = None  # None where nothing was trained to the end
    acc: list[Matrix] | None = None  # a matrix for each seed of the group
    tally: bytes | None = None  # the group's arrays, see `clbench.results.tally`

    @property
    def reason(self) -> str:
        """Why it is not ok."""
        return self.error.reason if self.error else ""


def train_group(job: Job, context: dict[str, Any], notes: tuple[str, ...] = ()) -> list[GroupResult]:
    """Trains one seed group and returns its results. Never raises for what the run did.

    context: what the calling process knows of the run: its command, its commit, and how many groups run at
    once.

    Where the memory does not hold all its seeds they are trained in two groups, and so on: one result each.
    """
    result = _result(job, context, notes)
    if result is not None:
        return [result]
    _free_memory()  # here, where no traceback holds on to tensors any more
    half = (len(job.seeds) + 1) // 2
    notes = (*notes, f"out of memory with {len(job.seeds)} seeds together, so the group was halved")
    first, second = (replace(job, seeds=seeds) for seeds in (job.seeds[:half], job.seeds[half:]))
    return train_group(first, context, notes) + train_group(second, context, notes)


def _result(job: Job, context: dict[str, Any], notes: tuple[str, ...]) -> GroupResult | None:
    """The group's result; None for several seeds that the memory does not hold together."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if job.device != "cpu":
        _free_memory()  # what the run before has left, or it would count in this one's peak
    try:
        outcome, reason = train(job)
    except Unavailable as error:
        return GroupResult("unavailable", Failure(str(error)))
    except Exception as error:
        if isinstance(error.__cause__, BrokeOff):  # what is asked for besides cannot be written
            return GroupResult("unavailable", Failure(str(error.__cause__)))
        return None if len(job.seeds) > 1 and _out_of_memory(error) else failure(job, error)
    if outcome is None:
        return GroupResult("unsupported", Failure(reason or ""))
    provenance = {
        "started": started,
        **_provenance(job),
        **{key: context[key] for key in ("command", "commit", "dirty")},
    }
    arrays = {name: _as_lists(array) for name, array in outcome.more.items()}
    group = Group(
        list(job.seeds),
        outcome.costs,
        context["concurrent"],
        provenance,
        [*notes, *outcome.notes],
        arrays,
        outcome.slice_sizes,
        outcome.parameters,
        None if outcome.pictures is None else _as_png(outcome.pictures),
        outcome.weights,
        outcome.kept_bytes,
        outcome.moved,
        _tallied(outcome),
        _probed(outcome, job.besides.probe),
    )
    tally = pack(_arrays(outcome)) if outcome.tally else None
    acc = _as_lists(outcome.acc)
    if outcome.diverged:
        first = outcome.diverged[0]
        reason = (
            f"seed {first['seed']}: not finite in task {first['task']}, at step {first['step']} of the run"
        )
        return GroupResult(
            "diverged", Failure(reason, first["seed"], first["task"], first["step"]), group, acc, tally
        )
    return GroupResult("ok", None, group, acc, tally)


def _about(job: Job, benchmark: "Benchmark", strategy: "AnyStrategy") -> dict[str, Any]:
    """What a reader of a model or a log has to know of its run."""
    contents = benchmark.contents()
    return {
        "profile": job.profile,
        "benchmark": job.benchmark,
        "strategy": getattr(strategy, "trained", "") or strategy.name,
        "arguments": strategy.arguments,
        "made_by": {"clbench": _version("clbench"), **_provenance(job)},
        "contents": contents.validation() if benchmark.validation else contents,
    }


def _as_lists(array: "Tensor") -> list[Matrix]:
    """Nested lists of an array [S, T+1, E], with None for NaN."""

    def without_nan(row: list[float]) -> list[float | None]:
        return [None if cell != cell else cell for cell in row]

    return [[without_nan(row) for row in matrix] for matrix in array.tolist()]


def _as_png(pictures: "Tensor") -> str:
    """Pictures [classes, n, height, width, channels] uint8 as one: a column for each class, with its first
    three; PNG in base64."""
    from PIL import Image

    shown = pictures[:, :3]
    columns, rows, height, width, channels = shown.shape
    whole = shown.permute(1, 2, 0, 3, 4).reshape(rows * height, columns * width, channels)
    file = BytesIO()
    Image.fromarray(whole.squeeze(-1).cpu().numpy()).save(file, "png", optimize=True)
    return b64encode(file.getvalue()).decode()


def train(job: Job, run_class: type | None = None) -> tuple["Outcome | None", str | None]:
    """(outcome, None), or (None, the reason why this strategy can't learn this stream).

    run_class: what trains the seeds, derived from the runner's own class (`Run`, or Avalanche's `SingleRun`).
    """
    prepare()
    import torch

    from clbench.core.part import refusal
    from clbench.engine.clock import Clock

    if job.source != _source_when_loaded(job.modules):
        raise RuntimeError(
            "this worker has loaded other source code than the plan was made with: restart the workers"
        )
    device = torch.device(choose_device(job.device))
    if device.type == "cuda":
        torch.cuda.init()  # asking a cuda:N for its memory does not
    with one_thread(device.type):
        import_what_a_first_step_needs()
        clock = Clock(device)
        with clock.measure("setup_s"):
            if job.given:
                benchmark, strategy = job.given.benchmark, job.given.strategy
            else:
                _, benchmark, _ = registry.benchmark(job.benchmark, job.profile)
                strategy = registry.strategy_on(job.trained or job.strategy, benchmark, job.profile)
            stream, net, parts = (
                benchmark.stream(list(job.seeds), device),
                benchmark.network(),
                strategy.build(),
            )
            if job.first_tasks is not None:
                stream.tasks = stream.tasks[: job.first_tasks]
            runner, budget = import_module(RUNNERS[strategy.backend]), benchmark.budget(job.profile)
            about = _about(job, benchmark, strategy) if job.besides.beside else {}
        if reason := next(filter(None, (refusal(part, stream, net, budget) for part in parts)), None):
            return None, reason
        try:
            looks = job.besides.looks(stream, Place(job.profile, job.benchmark, job.strategy), about)
            outcome = runner.run(stream, net, parts, budget, clock, run_class, looks)
            outcome.slice_sizes = [len(task.test) for task in stream.tasks]
            return outcome, None
        except InputError as error:  # parts that do not go together in a way that their classes do not say
            return None, str(error)


def _arrays(outcome: "Outcome") -> dict[str, "np.ndarray"]:
    return {name: array.numpy() for name, array in outcome.tally.items()}


def _tallied(outcome: "Outcome") -> dict[str, list[float | None]]:
    """The metrics of what was tallied; None for a seed that diverged."""
    if not outcome.tally:
        return {}
    arrays = _arrays(outcome)
    found = of_arrays(arrays)
    if "probe" in arrays:
        seeds = zip(arrays["probe"], arrays["probe_task"], arrays["probe_step"], strict=True)
        several = [within.of_probe(*one) for one in seeds]
        found |= {name: [_known(one[name]) for one in several] for name in several[0]}
    alive = outcome.acc[:, -1].isfinite().any(-1).tolist()
    return {
        name: [value if known else None for value, known in zip(values, alive, strict=True)]
        for name, values in found.items()
    }


def _probed(outcome: "Outcome", rows: int | None) -> Probe | None:
    if rows is None or "probe" not in outcome.tally:
        return None
    arrays = _arrays(outcome)
    task, step = arrays["probe_task"][0], arrays["probe_step"][0]
    seen = [[_known(float(value)) for value in within.seen(scores, task)] for scores in arrays["probe"]]
    return Probe(rows, task.tolist(), step.tolist(), seen)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


@lru_cache
def import_what_a_first_step_needs() -> None:
    """torch imports for half a second to map a loss over seeds for the first time; a process pays for that,
    so no run is charged."""
    import torch

    torch.func.vmap(torch.nn.functional.cross_entropy)(
        torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.long)
    )


@lru_cache
def _source_when_loaded(modules: tuple[str, ...]) -> str:
    """The digest of our own modules when this process first used them; a long-lived worker does not see later
    edits."""
    return source.digest(list(modules))


def _out_of_memory(error: BaseException) -> bool:
    import torch

    cause = error.__cause__ or error if isinstance(error, RunFailed) else error
    # On a CPU torch raises a plain RuntimeError.
    return isinstance(cause, torch.OutOfMemoryError) or "can't allocate memory" in own_code.text_of(cause)


def _free_memory() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def failure(job: Job, error: BaseException) -> GroupResult:
    """The result of a group that broke off, with all that is known of it."""
    task = step = None
    cause = error
    if isinstance(error, RunFailed):
        task, step, cause = error.task, error.step, error.__cause__ or error
    reason = own_code.reason(cause, list(job.own.texts))
    if type(cause).__name__ == "KilledWorker":
        reason = "its worker process died, and so did those that tried again"
    if _out_of_memory(error):
        reason = f"out of memory with one seed alone: {cause}".splitlines()[0]
    trace = "".join(traceback.format_exception(cause)).replace(str(registry.PACKAGE.parent) + os.sep, "")
    return GroupResult(
        "failed", Failure(reason, task=task, step=step, seeds=list(job.seeds), traceback=trace)
    )


def _provenance(job: Job) -> dict:
    import torch

    device = choose_device(job.device)
    device = torch.cuda.get_device_name(device) if device != "cpu" else "cpu"
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "numpy", "avalanche-lib")},
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": describe_processor(),
        "device": device,
        "threads": 1,
    }


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
