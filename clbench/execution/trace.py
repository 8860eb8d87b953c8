"""A trace: digests of what a pair (benchmark x strategy) computes, from its real run with most training steps
left out.

Two source trees that give the same trace on one machine compute the same; `clbench verify` compares them.
Nothing that has a name in the code is noted by its name, so renaming a variable, an attribute or an entry of
a batch changes nothing.
"""

import ast
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.core.pytree import Tree, tree_leaves
from clbench.engine import capture
from clbench.engine.learner import Gradient
from clbench.engine.run import Run
from clbench.execution import plan as planning
from clbench.execution import seed_group as worker

if TYPE_CHECKING:
    from clbench.streams.stream import Stream, Task

FORMAT = 1  # of what is noted: traces of different formats cannot be compared
FIRST, LAST = 3, 2  # the steps of every fit that are taken
ROWS = 50  # of every evaluation slice; the first slice is whole before the first and after the last task
PACKAGE = Path(__file__).parents[1]
COUNTS = ("flops", "steps", "samples_seen", "memory_items", "extra_params")


class Log:
    """Notes in the order in which they come: [where, what, digests of tensors]."""

    def __init__(self) -> None:
        self.notes: list[list] = []
        self.where = "start"

    def note(self, what: str, *tensors: Tensor) -> None:
        """The digests are sorted: the order of entries in a dictionary is free."""
        self.notes.append([self.where, what, sorted(digest(tensor) for tensor in tensors)])

    def write(self, what: str, *words: str) -> None:
        self.notes.append([self.where, what, list(words)])


def digest(tensor: Tensor) -> str:
    """A hash of the bytes, which decides; the shape and the norm are for the reader of a difference."""
    tensor = tensor.detach().cpu()
    norm = (
        f" norm {torch.linalg.vector_norm(tensor.double()).item():.9g}" if tensor.is_floating_point() else ""
    )
    if not tensor.is_floating_point() and tensor.dtype != torch.bool:
        tensor = tensor.long()  # another width of the same whole numbers is no change
    content = tensor.float() if tensor.dtype == torch.bfloat16 else tensor  # numpy has no bfloat16
    return f"{hashlib.sha256(content.numpy().tobytes()).hexdigest()[:12]} {list(tensor.shape)}{norm}"


class Trace(Run):
    """A run that notes what it does. `fit` is the real one, with its loop, schedule and counts; `step` does
    nothing in most of its calls."""

    log: Log  # set by a subclass
    whole = False  # take every step and score every row

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.log.note("initial weights", self.learner.theta)
        for t, task in enumerate(self.stream.tasks):
            some = task.train[:: max(1, len(task.train) // ROWS)].expand(self.S, -1, 2)
            self.log.note(f"indices and classes of task {t + 1}", task.train, task.test, task.classes)
            self.log.note(f"some rows of task {t + 1}", *tree_leaves(dict(self.stream.gather(some))))
        for number, part in enumerate(self.parts, 1):
            if type(part).gradient is not Part.gradient:
                self.watch(
                    part,
                    "gradient",
                    before=f"gradient before part {number}",
                    after=f"gradient after part {number}",
                )
        self.watch(self, "predict", after="outputs")
        self.watch(self.learner, "gradient", argument=1, before="batch")
        self.take_step = self.learner.step
        self.learner.step = self.take_and_note  # type: ignore[method-assign]    # what `watch` does, with two notes

    def watch(
        self, owner: object, name: str, *, before: str = "", after: str = "", argument: int = 0
    ) -> None:
        """From now on notes one argument of owner.name(…) before each call, and its result after it."""
        method = getattr(owner, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            if before:
                self.log.note(before, *leaves(arguments[argument]))
            result = method(*arguments, **more)
            if after:
                self.log.note(after, *leaves(result))
            return result

        setattr(owner, name, watched)

    def take_and_note(self, gradient: Gradient, lr: Tensor | None = None) -> None:
        self.take_step(gradient, lr)
        self.log.note("loss and outputs", gradient.loss, *tree_leaves(gradient.out))
        self.log.note("weights after the step", self.learner.theta)

    def learn(self, task: "Task") -> None:
        self.log.where = f"task {self.t + 1}"
        super().learn(task)
        self.log.where = f"end of task {self.t + 1}"
        self.log.note("weights", self.learner.theta)
        self.log.note("memory", *(part.stored for part in self.parts if part.stored is not None))

    def fit(self, plan: Batch) -> None:
        self.calls, self.planned = 0, len(plan.samples)
        self.log.note(f"plan of {self.planned} steps", *tree_leaves(dict(plan)))
        super().fit(plan)
        self.log.note(f"{self.calls} steps taken or left out", *([plan.lr] if "lr" in plan else []))

    def step(self, draws: Batch) -> None:
        self.calls += 1
        if self.whole or self.calls <= FIRST or self.calls > self.planned - LAST:
            self.log.where = f"task {self.t + 1}, step {self.calls} of {self.planned}"
            super().step(draws)

    def evaluate(self) -> Tensor:
        row = self.t + 1 if self.updates else 0
        self.log.where = f"row {row} of the scores"
        with fewer_test_rows(self.stream, row, self.whole):
            scores = super().evaluate()
        self.log.note("scores", scores)
        return scores


def leaves(value: Tree) -> list[Tensor]:
    """The tensors in nested dictionaries, lists and tuples."""
    return tree_leaves(dict(value) if isinstance(value, dict) else value)


@contextmanager
def fewer_test_rows(stream: "Stream", row: int, whole: bool) -> Iterator[None]:
    """Within the block every slice has ROWS rows, evenly spaced; the first slice is whole in the first and
    last row."""
    tasks = stream.tasks
    if not whole:
        few = [replace(task, test=task.test[:: max(1, len(task.test) // ROWS)][:ROWS]) for task in tasks]
        stream.tasks = [tasks[0], *few[1:]] if row in (0, len(tasks)) else few
    try:
        yield
    finally:
        stream.tasks = tasks


def trace(
    benchmark: str,
    strategy: str,
    profile: str,
    seeds: list[int],
    *,
    whole: bool = False,
    sources: list[str] | None = None,
) -> dict:
    """{benchmark, strategy, source, capture, notes, seconds} of a pair on a CPU; `error` in place of notes
    where it broke off.

    sources: digests of source code; where this tree's is none of them the pair is not run, and there are no
    notes.
    """
    started = time.process_time()
    result: dict = {
        "format": FORMAT,
        "benchmark": benchmark,
        "strategy": strategy,
        "package": str(PACKAGE),
        "capture": capture_digest(),
    }
    try:
        (pair,) = planning.make_plan([benchmark], [strategy], profile, seeds, None, debug=True).pairs
        result["source"] = pair.blank.source
        if sources and pair.blank.source not in sources:
            return result
        (job,) = planning.jobs(planning.Plan([pair], {}, []), "cpu", len(seeds))
        result["notes"] = notes_of(job, pair.blank.backend, whole)
    except Exception as error:  # that a tree cannot run the pair is a result, too
        result["error"] = f"{type(error).__name__}: {error.__cause__ or error}".splitlines()[0]
    if strangers := modules_from_elsewhere():  # as an installed clbench would add those that a tree lacks
        result = result | {"error": f"{strangers[0]} was not imported from {PACKAGE}"}
    return result | {"seconds": round(time.process_time() - started, 3)}


def modules_from_elsewhere() -> list[str]:
    """Modules of clbench that do not belong to this tree."""
    files = {
        name: getattr(module, "__file__", None)
        for name, module in sys.modules.items()
        if name.startswith("clbench.")
    }
    return [name for name, file in files.items() if file and not Path(file).is_relative_to(PACKAGE)]


def capture_digest() -> str:
    """Of the code that only a GPU runs, which no trace on a CPU can see."""
    tree = ast.parse(Path(capture.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


def notes_of(job: planning.Job, backend: str, whole: bool) -> list[list]:
    """What a job's run notes."""
    log = Log()
    outcome, reason = worker.train(job, run_class(backend, log, whole))
    log.where = "end"
    if outcome is None:
        log.write("unsupported", reason or "")
    else:
        log.write("counts", *(f"{name} {outcome.costs[name]}" for name in COUNTS))
    return log.notes


def run_class(backend: str, log: Log, whole: bool) -> type:
    """The back end's run, with what it does noted in the log."""
    if backend == "native":
        return type("LoggedTrace", (Trace,), {"log": log, "whole": whole})
    from clbench.execution.trace_avalanche import single_trace  # imports Avalanche

    return single_trace(log, whole)


def main(text: str, profile: str) -> None:
    """Prints one line of JSON for each pair of the list in text, whose entries are the arguments of
    `trace`."""
    for pair in json.loads(text):
        print(json.dumps(trace(profile=profile, **pair)), flush=True)
