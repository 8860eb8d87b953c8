"""Metrics as they come, in the tracker that a team has already: a run for each seed, and one for the row
when it has ended, which holds its record.

    tensorboard:DIR     mlflow:URI     wandb:PROJECT
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench.artefacts.asked import Place
from clbench.core.text import printable
from clbench.engine.look import Look
from clbench.errors import BrokeOff, InputError, Unavailable

if TYPE_CHECKING:
    from clbench.results.record import Record


class Writer(ABC):
    """One run in a tracker. Made from what stands behind the colon, the pair, and what the run is called
    among those of its pair, like `seed 0`; raises Unavailable without the library."""

    @abstractmethod
    def settings(self, settings: dict[str, Any]) -> None: ...

    @abstractmethod
    def metrics(self, values: dict[str, float], task: int) -> None: ...

    @abstractmethod
    def file(self, name: str, text: str) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class TensorBoard(Writer):
    def __init__(self, where: str, place: Place, name: str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise Unavailable(f"--log tensorboard: needs it ({error}): pip install tensorboard") from None
        self.writer: Any = SummaryWriter(str(place.folder(where) / name.replace(" ", "-")))

    def settings(self, settings: dict[str, Any]) -> None:
        self.file("settings", json.dumps(settings, indent=1))

    def metrics(self, values: dict[str, float], task: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, task)

    def file(self, name: str, text: str) -> None:
        self.writer.add_text(
            name, "\n".join(f"    {line}" for line in text.splitlines())
        )  # as Markdown's code

    def close(self) -> None:
        self.writer.close()


class MLflow(Writer):
    def __init__(self, where: str, place: Place, name: str) -> None:
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise Unavailable(f"--log mlflow: needs it ({error}): pip install mlflow-skinny") from None
        self.client = MlflowClient(where)
        experiment = self.client.get_experiment_by_name("clbench")
        number = experiment.experiment_id if experiment else self.client.create_experiment("clbench")
        tags = {
            "profile": place.profile,
            "benchmark": place.benchmark,
            "strategy": place.strategy,
            "of": name,
        }
        title = f"{place.benchmark} {place.strategy} {name}"
        self.run = self.client.create_run(number, tags=tags, run_name=title).info.run_id

    def settings(self, settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            self.client.log_param(self.run, name, str(value)[:6000])

    def metrics(self, values: dict[str, float], task: int) -> None:
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, step=task)

    def file(self, name: str, text: str) -> None:
        self.client.log_text(self.run, text, f"{name}.json")

    def close(self) -> None:
        self.client.set_terminated(self.run)


class WandB(Writer):
    def __init__(self, where: str, place: Place, name: str) -> None:
        try:
            import wandb
        except ImportError as error:
            raise Unavailable(f"--log wandb: needs it ({error}): pip install wandb") from None
        title = f"{place.benchmark} {place.strategy} {name}"
        self.run = wandb.init(
            project=where, name=title, group=f"{place.profile} {place.benchmark}", reinit="create_new"
        )
        self.run.config.update(
            {"profile": place.profile, "benchmark": place.benchmark, "strategy": place.strategy}
        )

    def settings(self, settings: dict[str, Any]) -> None:
        self.run.config.update(settings)

    def metrics(self, values: dict[str, float], task: int) -> None:
        self.run.log(values, step=task)

    def file(self, name: str, text: str) -> None:
        path = Path(self.run.dir) / f"{name}.json"
        path.write_text(text, encoding="utf-8")
        self.run.save(str(path), base_path=self.run.dir)

    def close(self) -> None:
        self.run.finish()


TRACKERS: dict[str, Callable[[str, Place, str], Writer]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WandB,
}


class Logging(Look):
    """Writes each row of the matrix when it is there: accuracy on every slice, and the mean of those seen."""

    name = "log"

    def __init__(self, log: str, place: Place, about: dict[str, Any]) -> None:
        self.log, self.place = log, place
        self.about = {name: value for name, value in about.items() if name != "contents"}
        self.writers: dict[int, Writer] = {}  # by seed

    def after_row(self, run: Any) -> None:
        with telling(self.log):
            self.write(run)

    def write(self, run: Any) -> None:
        row = run.scores_so_far[-1][..., 0]
        learnt = len(run.scores_so_far) - 1
        for seed, accuracies in zip(run.seeds, row.tolist(), strict=True):
            if seed not in self.writers:
                self.writers[seed] = writer_of(self.log, self.place, f"seed {seed}")
                self.writers[seed].settings({**self.about, "seed": seed})
            values = {f"accuracy/slice {j}": one for j, one in enumerate(accuracies, 1)}
            if learnt:
                values["accuracy/seen so far"] = sum(accuracies[:learnt]) / learnt
            self.writers[seed].metrics(values, learnt)
            if learnt == len(run.stream.tasks) or not row.isfinite().any():  # nothing comes any more
                self.writers.pop(seed).close()


def check_log(log: str) -> None:
    """Raises InputError for what names no tracker, and Unavailable where its library is not here."""
    kind, _, where = log.partition(":")
    if kind not in TRACKERS or not where:
        raise InputError("write tensorboard:DIR, mlflow:URI or wandb:PROJECT", "log", log)


@contextmanager
def telling(log: str) -> Iterator[None]:
    """What a tracker raises becomes one line: it is no fault of the run."""
    try:
        yield
    except Unavailable:
        raise
    except Exception as error:
        reason = printable(str(error).strip() or type(error).__name__).splitlines()[0]
        raise BrokeOff(f"--log {log}: {reason[:300]}") from error


def writer_of(log: str, place: Place, name: str) -> Writer:
    kind, _, where = log.partition(":")
    return TRACKERS[kind](where, place, name)


def log_record(log: str, record: "Record", metrics: dict[str, float], text: str) -> None:
    """The row that has ended: its metrics, means over the seeds, and its record as a file."""
    with telling(log):
        writer = writer_of(log, Place(record.profile, record.benchmark, record.strategy), "all seeds")
        writer.settings({"seeds": record.seeds, "status": record.status})
        writer.metrics(metrics, len(record.acc[0]) - 1 if record.acc else 0)
        writer.file("record", text)
        writer.close()
