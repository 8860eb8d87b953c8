"""What is asked for of a run beside its record. None of it changes a number, so settings lack it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clbench.results.record import Record
from clbench.results.records import path_of
from clbench.results.tally import CURVES

if TYPE_CHECKING:
    from clbench.engine.look import Look
    from clbench.streams.stream import Stream


@dataclass(frozen=True)
class Place:
    """Of the files of one pair: what they are called by."""

    profile: str
    benchmark: str
    strategy: str

    def folder(self, of: str) -> Path:
        """DIR/<profile>/<benchmark>/<strategy>, as a record lies in its results folder."""
        return path_of(Path(of), self.profile, self.benchmark, self.strategy).with_suffix("")


@dataclass(frozen=True)
class Asked:
    """Folders are whole paths, or empty."""

    probe: int | None = None  # look into the tasks, at so many test rows of each
    curves: bool = False  # loss terms, gradients and drift, in a file of the record
    models: str = ""  # folder for the state after each task
    predictions: str = ""  # folder for the scores of every test row
    log: str = ""  # tensorboard:DIR | mlflow:URI | wandb:PROJECT

    @property
    def beside(self) -> bool:
        """Whether files are written that no record names."""
        return bool(self.models or self.predictions or self.log)

    def lacking(self, record: Record, place: Place) -> bool:
        """Whether some of it is missing for a record that is there."""
        ours = record.backend == "native"
        if ours and self.probe is not None and record.probe_rows != self.probe:
            return True
        if ours and self.curves and not any(CURVES in name for name in record.files):
            return True
        if self.log:
            return True
        last = len(record.acc[0]) - 1
        missing = [
            bool(self.predictions)
            and not _has(place.folder(self.predictions), seed, last, ".parquet")
            or ours
            and bool(self.models)
            and not _has(place.folder(self.models), seed, last, ".safetensors")
            for seed in record.seeds
        ]
        return any(missing)

    def and_what(self, record: Record | None) -> "Asked":
        """With what a record has that is run again: it loses nothing."""
        if record is None:
            return self
        had_curves = any(CURVES in name for name in record.files)
        return replace(self, probe=self.probe or record.probe_rows or None, curves=self.curves or had_curves)

    def looks(self, stream: "Stream", place: Place, about: dict[str, Any]) -> list["Look"]:
        """What looks at the run for it. about: what a reader of a model has to know, see `models.Saving`."""
        found: list[Look] = []
        if self.probe:
            from clbench.engine.probe import Probe

            found.append(Probe(stream, self.probe))
        if self.curves:
            from clbench.artefacts.curves import Curves

            found.append(Curves())
        if self.predictions:
            from clbench.artefacts.predictions import Predictions

            found.append(Predictions(place.folder(self.predictions)))
        if self.models:
            from clbench.artefacts.models import Saving

            found.append(Saving(place.folder(self.models), about))
        if self.log:
            from clbench.artefacts.logs import Logging

            found.append(Logging(self.log, place, about))
        return found


NOTHING = Asked()


def _has(folder: Path, seed: int, task: int, suffix: str) -> bool:
    """Whether the folder has the task's file of a seed, or of several among which it is."""
    for one in folder.glob(f"seed*.task-{task}{suffix}"):
        first, *last = map(int, one.name.split(".")[0].split("-")[1:])
        if first <= seed <= (last[0] if last else first):
            return True
    return False
