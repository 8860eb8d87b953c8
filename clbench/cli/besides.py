"""What `clbench run` is asked for beside its records: the options together, how much it will be, and what is
done with it when the runs have ended."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from clbench import registry
from clbench.artefacts.asked import Asked
from clbench.core.paths import check_writable
from clbench.errors import InputError, Unavailable

if TYPE_CHECKING:
    from clbench.execution.plan import Pair, Plan
    from clbench.results.record import Record

MB = 1e6
OF_A_POINT = 7 * 4  # bytes: the values of a curve


def asked(
    probe: int | None, curves: bool, models: Path | None, predictions: Path | None, log: str | None
) -> Asked:
    """Checked before anything runs. Raises InputError."""
    if log is not None:
        from clbench.artefacts.logs import check_log

        check_log(log)
        kind, _, where = log.partition(":")
        if kind == "tensorboard":
            check_writable(Path(where))
            log = f"{kind}:{Path(where).absolute()}"
    for folder in (models, predictions):
        if folder is not None:
            check_writable(folder)
    return Asked(
        probe,
        curves,
        str(models.absolute()) if models else "",
        str(predictions.absolute()) if predictions else "",
        log or "",
    )


def lines_of_size(plan: "Plan", wanted: Asked) -> list[str]:
    """How much there will be of each, at most or about."""
    names = [name for name in ("models", "predictions") if getattr(wanted, name)]
    names += ["curves"] * wanted.curves
    if not names:
        return []
    total = dict.fromkeys(names, 0.0)
    unknown = 0
    for pair in plan.pairs:
        try:
            for name, size in _sizes(pair).items():
                if name in total:
                    total[name] += size * len(pair.missing)
        except (InputError, Unavailable):
            unknown += 1
    lines = [f"{name}: about {_size(size)}" for name, size in total.items()]
    if "models" in total:
        lines[names.index("models")] += ", more where a method keeps networks or examples"
    return [*lines, *([f"of {unknown} pairs the size is not known"] if unknown else [])]


def _size(size: float) -> str:
    return f"{size / MB:,.0f} MB" if size >= MB else f"{size / 1e3:,.0f} kB"


def _sizes(pair: "Pair") -> dict[str, float]:
    """Bytes of one seed, by what is asked for. Raises InputError where the pair is not ours to look into."""
    import torch

    if pair.own.texts or pair.given:
        raise InputError("files of one's own are looked into by workers only")
    _, benchmark, _ = registry.benchmark(pair.blank.benchmark, pair.blank.profile)
    stream, layout = benchmark.stream([0], torch.device("cpu")), benchmark.network().layout
    budget, tasks = benchmark.budget(pair.blank.profile), len(stream.tasks)
    rows = sum(len(task.test) for task in stream.tasks)
    labels = sum(len(task.train) + len(task.test) for task in stream.tasks)
    copies = 2 + (1 if budget.optimiser == "sgd" else 2)  # now, at the start, and the optimiser's
    points = min(100, budget.steps) * tasks
    return {
        "models": tasks * (4 * layout.P * copies + labels) if pair.blank.backend == "native" else 0,
        "predictions": (tasks + 1) * rows * (2 * stream.classes + 6 if stream.classes else 40),
        "curves": points * OF_A_POINT if pair.blank.backend == "native" else 0,
    }


def log_records(wanted: Asked, records: list["Record"]) -> None:
    """The rows that have ended, in the tracker that is asked for."""
    if not wanted.log:
        return
    from clbench.artefacts.logs import log_record
    from clbench.metrics.accuracy import per_seed
    from clbench.results import records as keeping

    for record in records:
        if not record.seeds:
            continue
        values = per_seed(record.array, record.settings.get("step_of"))
        means = {name: float(one.mean()) for name, one in values.items() if isfinite(one.mean())}
        log_record(wanted.log, record, means, keeping.signed(record))
