"""The file of a model: weights by name, what goes on from them, and what is needed to use them without the
data. safetensors, so that reading one runs no code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from clbench.artefacts import shell
from clbench.core.text import printable
from clbench.engine.look import Look
from clbench.engine.state import State, state_of
from clbench.errors import InputError
from clbench.results.files import write_atomically

if TYPE_CHECKING:
    from clbench.core.layout import Layout

FORMAT = 1
HEADER = "clbench"
PADDING = "padding"


class Saving(Look):
    """Writes a file after each task, `seed-0.task-3.safetensors`; of seeds that were trained together one for
    all, `seeds-0-9.task-3.safetensors`.

    Tensors: `seed0.hidden0.weight`, the network's own by name; `examples.…`, what the method stores;
    `state.…` and `data.…`, see `clbench.engine.state` and `clbench.artefacts.shell`.
    about: benchmark, strategy, profile and what else a reader has to know, as JSON has it; its `contents`
    are the data, as the benchmark gives them.
    """

    name, ours_only = "models", True

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.folder, self.contents = folder, about["contents"]
        self.about = {name: value for name, value in about.items() if name != "contents"}
        self.labels: dict[str, Tensor] | None = None  # of all rows, the same in every file

    def after_row(self, run: Any) -> None:
        if len(run.scores_so_far) == 1:  # nothing has been learnt
            return
        if self.labels is None:
            self.labels, self.about["contents"] = shell.write(self.contents)
            self.about["classes"] = classes_of(run.stream, self.contents)
        tensors, header = told_of(run)
        tensors |= self.labels | shell.examples(self.contents, _stored(run))
        content = save(tensors, {HEADER: json.dumps({**header, **self.about})})
        write_atomically(self.folder / name_of(run.seeds, run.t + 1), content)


def name_of(seeds: list[int], task: int) -> str:
    several = len(seeds) > 1
    numbers = f"{seeds[0]}-{seeds[-1]}" if several else f"{seeds[0]}"
    return f"seed{'s' if several else ''}-{numbers}.task-{task}.safetensors"


def told_of(run: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors by name, everything else as JSON has it) of what the run has learnt and where it stands."""
    state, layout = state_of(run), run.learner.net.layout
    theta = state.told["learner"]["learner"]["theta"]["tensor"]
    tensors = {f"state.{name}": tensor for name, tensor in state.tensors.items() if name != theta}
    rows = run.learner.theta.detach().cpu()
    for seed, row in zip(run.seeds, rows, strict=True):
        tensors |= {f"seed{seed}.{name}": view.clone() for name, view in layout.views(row).items()}
    tensors[PADDING] = rows[:, sum(layout.sizes[:-1]) :].clone()
    return tensors, {
        "format": FORMAT,
        "seeds": list(run.seeds),
        "task": run.t + 1,
        "tasks": len(run.stream.tasks),
        "network": str(run.learner.net),
        "shapes": {name: list(shape) for name, shape in layout.shapes.items()},
        "state": state.told,
    }


def classes_of(stream: Any, contents: Any) -> list[str] | None:
    """[C] what each output stands for: its class, or, where several share it, all of them with commas
    between. None of pairs."""
    if not hasattr(contents, "y"):
        return None
    names = getattr(contents, "classes", None)
    found: dict[int, set[int]] = {}
    count = 1 + int(contents.y.max())
    for task in stream.tasks:
        outputs = stream.labels(task.train).cpu()
        labels = contents.y[task.train[:, 1].cpu()].long()
        for both in (outputs * count + labels).unique().tolist():
            found.setdefault(both // count, set()).add(both % count)
    called = [sorted(found.get(output, ())) for output in range(stream.classes)]
    return [", ".join(names[one] if names else str(one) for one in labels) for labels in called]


def _stored(run: Any) -> Tensor | None:
    """[n] places in the training data of what any part stores."""
    places = [part.stored[..., 1].flatten() for part in run.parts if part.stored is not None]
    return torch.cat(places).unique().cpu() if places else None


class ModelFile:
    """A file, read. InputError for what is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(path, "pt") as file:
                self.header: dict[str, Any] = json.loads((file.metadata() or {})[HEADER])
                self.tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else "no model that clbench saved"
            raise InputError(printable(f"{path}: {reason}")) from None
        if self.header.get("format") != FORMAT:
            raise InputError(f"{path}: of another version of clbench: train it again")

    @property
    def seeds(self) -> list[int]:
        return self.header["seeds"]

    def state(self, layout: "Layout") -> State:
        """Where its run stood."""
        told = self.header["state"]
        tensors = {
            name.removeprefix("state."): one for name, one in self.tensors.items() if name[:6] == "state."
        }
        tensors[told["learner"]["learner"]["theta"]["tensor"]] = self.theta(layout).flatten()
        return State(tensors, told)

    def theta(self, layout: "Layout") -> Tensor:
        """[S, P]"""
        rows = [
            torch.cat([self.tensors[f"seed{seed}.{name}"].flatten() for name in layout.shapes])
            for seed in self.seeds
        ]
        return torch.cat([torch.stack(rows), self.tensors[PADDING]], 1)

    def contents(self) -> Any:
        """The data without the examples that were not stored; None where they are of a user's own kind."""
        told = self.header["contents"]
        return None if told is None else shell.read(told, self.tensors)
