"""A saved model for use: as a torch module, as scores on a benchmark, as the start of a run that goes on."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from clbench import registry
from clbench.artefacts.models import ModelFile
from clbench.core.benchmark import Benchmark
from clbench.core.pytree import Tree, tree_leaves, tree_map
from clbench.engine.evaluate import evaluate
from clbench.engine.precision import arithmetic
from clbench.engine.run import Run
from clbench.engine.state import restore
from clbench.errors import InputError

if TYPE_CHECKING:
    from clbench.streams.stream import Stream


class Model(nn.Module):
    """One seed's network after a task, as its method answers with it.

    Its parameters are the network's, by name. `model(x)` takes rows as the benchmark stores them, such as
    pixels [n, height * width * channels] from 0 to 255 (or [n, height, width, channels]), and gives scores
    [n, C]; it scales and standardises as in training. Of pairs it takes (left, right) and gives both sides'
    embeddings. `task`: from 1, of the methods and streams that are told the task; elsewhere it is not needed.
    `classes`: what each output stands for, where the data say it. `about`: benchmark, strategy, task, …
    """

    def __init__(self, run: Run, about: dict[str, Any], s: int) -> None:
        super().__init__()
        self._run, self._s, self.about = run, s, about
        layout = run.learner.net.layout
        for name, view in layout.views(run.learner.theta[s].detach().clone()).items():
            *places, last = name.split(".")
            holder: nn.Module = self
            for place in places:
                if place not in holder._modules:
                    holder.add_module(place, nn.Module())
                holder = holder.get_submodule(place)
            holder.register_parameter(last, nn.Parameter(view))
        self.classes = about.get("classes")
        self._answers = any(part.predict for part in run.parts)  # not the network alone

    def forward(self, x: Tree, task: int | None = None) -> Tree:
        run = self._run
        where = run.learner.theta.device
        t = None if task is None else task - 1
        if run.stream.scenario == "task" and t is None:
            raise InputError("this model is told the task of its inputs: model(x, task=1)")
        sides = [torch.as_tensor(one, device=where) for one in (x if run.stream.scenario == "pairs" else [x])]
        x = self._inputs(tuple(sides) if len(sides) > 1 else sides[0], t)
        by_name = dict(self.named_parameters())
        theta = run.learner.net.layout.flat({name: by_name[name] for name in run.learner.net.layout.shapes})
        if not self._answers:
            out = run.learner.net(theta, x)
        else:
            out = self._as_the_method_answers(theta, x, t)
        if run.stream.scenario == "task":
            out = out.masked_fill(~run.stream.tasks[cast(int, t)].classes, -torch.inf)
        return out

    @torch.no_grad()
    def _as_the_method_answers(self, theta: Tensor, x: Tree, t: int | None) -> Tree:
        run, s = self._run, self._s
        run.learner.theta[s].copy_(theta)
        whole = tree_map(lambda a: a.unsqueeze(0).expand(run.S, *a.shape), x)
        return tree_map(
            lambda a: a[min(s, len(a) - 1)], run.predict(whole, t if run.stream.scenario == "task" else None)
        )

    def _inputs(self, x: Tree, t: int | None) -> Tree:
        """As the stream gives them to the network."""
        stream: Any = self._run.stream
        if stream.scenario == "pairs":
            return tree_map(lambda a: a.flatten(1) if a.dtype == torch.uint8 else a, x)
        flat = x.flatten(1)
        wanted = stream.images.x.shape[1]
        if flat.shape[1] != wanted:
            raise InputError(f"a row has {flat.shape[1]} numbers, and this model takes {wanted}")
        if stream.pixels is not None and t is None:
            raise InputError(
                "tasks of this benchmark see their inputs in ways of their own: model(x, task=1)"
            )
        index = torch.arange(len(flat), device=flat.device).unsqueeze(0)
        return stream._input(flat, index, t or 0)[0 if stream.pixels is None else self._s]


def load_model(path: str | Path, seed: int | None = None) -> Model:
    """The model that `clbench run --save-models` wrote, on the CPU; no data are read.

    path: of a file; of a folder of them: the last task's. seed: of those in the file; None: the first.
    Raises InputError.
    """
    file = ModelFile(file_of(Path(path), seed))
    if seed is not None and seed not in file.seeds:
        raise InputError(f"{file.path} has the seeds {', '.join(map(str, file.seeds))}, not {seed}")
    s = 0 if seed is None else file.seeds.index(seed)
    run = run_of(file)
    about = {
        name: file.header[name]
        for name in ("benchmark", "strategy", "profile", "task", "classes", "made_by")
        if name in file.header
    }
    return Model(run, about | {"seed": file.seeds[s]}, s)


OF_TASK = re.compile(r"\.task-(\d+)\.safetensors$")


def file_of(path: Path, seed: int | None = None) -> Path:
    """The last task's file of a folder."""
    if not path.is_dir():
        return path
    found = ((OF_TASK.search(one.name), one) for one in path.iterdir())
    files = [one for _, _, one in sorted((int(task[1]), one.name, one) for task, one in found if task)]
    if not files:
        raise InputError(f"{path}: holds no model that clbench saved")
    last = files[-1].name.split("task-")[1]
    of_last = [one for one in files if one.name.endswith(f"task-{last}")]
    if seed is None:
        return min(of_last, key=lambda one: ModelFile(one).seeds[0]) if len(of_last) > 1 else of_last[0]
    return next((one for one in of_last if seed in ModelFile(one).seeds), of_last[0])


def benchmark_of(file: ModelFile, spec: str | None = None) -> tuple[str, Benchmark]:
    """(name, benchmark) that it was trained on, or of this spec."""
    name, benchmark, _ = registry.benchmark(spec or file.header["benchmark"], file.header["profile"])
    return name, benchmark


def run_of(file: ModelFile, benchmark: Benchmark | None = None, device: str = "cpu") -> Run:
    """A run that stands where the file's stood. benchmark: with its data; None: that of the file without any.

    Raises InputError where they do not fit each other."""
    where = torch.device(device)
    if benchmark is None:
        _, benchmark = benchmark_of(file)
        try:
            contents = file.contents()
        except (ValueError, KeyError, AttributeError, TypeError, ImportError) as error:
            raise InputError(f"{file.path}: its data cannot be made again: {error}") from None
        if contents is not None:
            benchmark.contents = lambda: contents  # type: ignore[method-assign]
            benchmark.validation = False  # the contents are those after it
    profile = file.header["profile"]
    strategy = registry.strategy_on(file.header["strategy"], benchmark, profile)
    stream, net, parts = benchmark.stream(file.seeds, where), benchmark.network(), strategy.build()
    run = Run(stream, net, parts, benchmark.budget(profile))
    have, wanted = run.learner.net.layout.shapes, file.header["shapes"]
    if {name: list(shape) for name, shape in have.items()} != wanted:
        raise InputError(
            f"{file.path}: its network is {file.header['network']}, and this benchmark's is {net}"
        )
    try:
        restore(run, file.state(run.learner.net.layout))
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{file.path}: does not go on with {strategy.name}: {error}") from None
    return run


def answers_on(run: Run, stream: "Stream") -> list[list[float]]:
    """[S][E] accuracies on every slice of a stream, which may be another than the run's own. Raises
    InputError where it does not fit."""
    own = run.stream
    if (own.scenario == "pairs") != (stream.scenario == "pairs") or own.classes != stream.classes:
        raise InputError(f"the model has {_outputs(own)}, and this benchmark has {_outputs(stream)}")
    told = stream.scenario == "task" and own.scenario != "task"
    if told and any(part.predict for part in run.parts):
        raise InputError(
            "the model's method is told no task, and this benchmark's slices are told apart by it"
        )
    try:
        with arithmetic(run.budget.precision):
            scores: list[list[float]] = evaluate(stream, run.scores)[..., 0].tolist()
    except RuntimeError as error:
        raise InputError(
            f"the model does not take the inputs of this benchmark: {str(error).splitlines()[0]}"
        ) from None
    return scores


def _outputs(stream: "Stream") -> str:
    return f"{stream.classes} outputs" if stream.classes else "pairs"


def check_same_past(file: ModelFile, stream: "Stream") -> None:
    """Raises InputError where the tasks that the model has learnt are not the stream's first ones."""
    old = run_of(file).stream
    learnt = file.header["task"]
    if len(stream.tasks) < learnt:
        raise InputError(f"{file.path} has learnt {learnt} tasks, and this benchmark has {len(stream.tasks)}")
    places = file.tensors.get("examples.place")
    for t in range(learnt):
        before, now = old.tasks[t].train, stream.tasks[t].train
        same = torch.equal(before, now.cpu()) and torch.equal(old.labels(before), stream.labels(now).cpu())
        if not same:
            raise InputError(
                f"{file.path}: task {t + 1} has other training rows now, or at other places; new rows belong "
                "behind the old ones, and slices of time that were joined for want of rows stay as they were "
                "with edges: by='2023-01-01,…'"
            )
    if places is not None and len(places):
        samples = torch.stack([torch.zeros_like(places), places], 1).expand(len(file.seeds), -1, 2)
        leaves = zip(
            *(tree_leaves(one.gather(samples.to(one.device)).x) for one in (old, stream)), strict=True
        )
        if not all(torch.equal(a, b.cpu()) for a, b in leaves):
            raise InputError(
                f"{file.path}: stored examples are other ones now; new rows belong behind the old ones"
            )
