"""A benchmark of Avalanche's: -b "avalanche:SplitCIFAR100(n_experiences=10)"."""

import ast
import contextlib
import io
import os
import runpy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.paths import check_file
from clbench.core.ranges import Text, Width
from clbench.data.labelled.sources import Images
from clbench.errors import InputError, Unavailable
from clbench.models import by_name
from clbench.models.mlp import MLP
from clbench.models.network import Network
from clbench.streams.labelled import LabelledStream
from clbench.streams.stream import Task


@dataclass
class Avalanche(Benchmark):
    """What a function gives that returns a benchmark of Avalanche's: one of `avalanche.benchmarks.classic`,
    or of a file of one's own, `make="my_benchmark.py:make(n=5)"`.

    Its experiences are the tasks, its train and test streams the data, seen as at evaluation. Where each
    experience has a task label of its own the benchmark is `avalanche_task(make=…)`; where all have the same
    classes, `avalanche_domain(make=…)`.
    """

    make: Text = ""  # the call: a name, or name(argument=value, …)
    width: Width | None = None  # of the two hidden layers, or of the first layer's channels; None: 400, or 16
    scenarios = ("class", "task", "domain")
    tasks_are = "experiences"
    data_are = "Avalanche's"
    by_name_only = True
    budgets = {"smoke": Budget(steps=40, rows=32), "quick": Budget(steps=250), "full": Budget(steps=2000)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.make:
            called(self.make)
        if self.validation:
            raise InputError("the tasks' training data come as they are: validation is not to be had of them")

    def contents(self) -> Images:
        return self._read()[0]

    def _read(self) -> tuple[Images, list[Tensor], list[Tensor], list[int]]:
        if not self.make:
            raise InputError('say which: -b "avalanche:SplitMNIST(n_experiences=5)"')
        found = tensors_of(self.make, os.getcwd())
        self._check_scenario(*found)
        return found

    def _check_scenario(
        self, images: Images, train: list[Tensor], test: list[Tensor], labels: list[int]
    ) -> None:
        several = len(set(labels)) > 1
        classes = [set(images.y[rows].tolist()) for rows in train]
        fits = "task" if several else "domain" if classes.count(classes[0]) == len(classes) > 1 else "class"
        if self.scenario != fits:
            why = {
                "task": "each experience has a task label of its own",
                "domain": "all have the same classes",
            }
            said = why.get(fits, "all experiences have one task label, and classes of their own")
            raise InputError(f"{self.make}: {said}: that is avalanche_{fits}(make={self.make!r})")

    def make_stream(self, images: Images, seeds: list[int]) -> LabelledStream:
        _, train, test, labels = self._read()
        own = [images.y[rows.to(images.y.device)].unique() for rows in train]
        apart = self.scenario != "task" or len({int(label) for one in own for label in one}) == sum(
            map(len, own)
        )
        outputs = int(max(images.y.max(), images.y_test.max())) + 1
        offset = torch.zeros(len(train), dtype=torch.long) if apart else torch.arange(len(train)) * outputs
        tasks = []
        for t, (rows, tested) in enumerate(zip(train, test, strict=True)):
            mask = torch.zeros(outputs if apart else outputs * len(train), dtype=torch.bool)
            mask[own[t].cpu() + offset[t]] = True
            pairs = torch.stack([torch.full_like(rows, t), rows], -1)
            tasks.append(Task(*(tensor.to(images.x.device) for tensor in (pairs, tested, mask))))
        return LabelledStream(images, tasks, self.scenario, seeds, offset=offset.to(images.x.device))

    def network(self) -> Network:
        images = self.contents()
        outputs = self.stream([0], torch.device("cpu")).classes
        if images.shape and images.shape[2] > 1:
            height, width, channels = images.shape
            return by_name.network("small_conv", (height, width, channels), outputs, width=self.width)
        units = self.width or 400
        return MLP(images.x.shape[1], units, units, outputs)


def called(make: str) -> tuple[str, list[Any], dict[str, Any]]:
    """(name, arguments, keyword arguments) of a call as it is written. Raises InputError for what is none."""
    file, colon, rest = make.rpartition(".py:")
    try:
        call = ast.parse(rest, mode="eval").body
        name = call.func if isinstance(call, ast.Call) else call
        if not isinstance(name, ast.Name):
            raise ValueError
        arguments = [ast.literal_eval(one) for one in call.args] if isinstance(call, ast.Call) else []
        given = call.keywords if isinstance(call, ast.Call) else []
        keywords = {one.arg or "": ast.literal_eval(one.value) for one in given}
        if "" in keywords:
            raise ValueError
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f'{make}: no call; write Name(argument=value, …), or "file.py:name(…)"') from None
    if colon:
        check_file(f"{file}.py")
    return f"{file}{colon}{name.id}", arguments, keywords


@lru_cache(maxsize=4)
def tensors_of(make: str, folder: str) -> tuple[Images, list[Tensor], list[Tensor], list[int]]:
    """(images, rows of them to train and to test by experience, task labels). folder: the current one."""
    name, arguments, keywords = called(make)
    function = _function(name)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            made = function(*arguments, **keywords)
            streams = [list(made.train_stream), list(made.test_stream)]
            if len(streams[0]) != len(streams[1]):
                raise InputError(
                    f"{make}: {len(streams[0])} experiences to train and {len(streams[1])} to test: "
                    "as many are needed, the slice of each task"
                )
            labels = [int(experience.task_label) for experience in streams[0]]
            (x, y, train), (x_test, y_test, test) = (_joined(stream) for stream in streams)
        except InputError:
            raise
        except Exception as error:
            said = next(iter(str(error).splitlines()), "")
            raise InputError(f"{make} gives no benchmark: {type(error).__name__}: {said}") from error
    shape = None if x.dim() < 4 else (x.shape[2], x.shape[3], x.shape[1])
    flat, flat_test = (_flat(one) for one in (x, x_test))
    return Images(flat, y, flat_test, y_test, scale=1.0, fingerprint=make, shape=shape), train, test, labels


def _function(name: str) -> Callable[..., Any]:
    file, colon, attribute = name.rpartition(".py:")
    try:
        if colon:
            found = runpy.run_path(f"{file}.py").get(attribute)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from avalanche.benchmarks import classic
            found = getattr(classic, attribute, None)
    except ImportError as error:
        raise Unavailable(f"{name} cannot be imported: {error}") from error
    if not callable(found):
        place = f"{file}.py" if colon else "avalanche.benchmarks.classic"
        raise InputError(f"{place} has no function {attribute}")
    return found


def _joined(stream: list[Any]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """(inputs, labels, rows of each experience) of all data, as they are seen at evaluation."""
    from torchvision.transforms.functional import to_tensor

    xs, ys, rows, first = [], [], [], 0
    for experience in stream:
        data = experience.dataset.eval()
        items = [data[i] for i in range(len(data))]
        xs += [x if isinstance(x, Tensor) else to_tensor(x) for x, *_ in items]
        ys += [int(y) for _, y, *_ in items]
        rows.append(torch.arange(first, first + len(items)))
        first += len(items)
    return torch.stack(xs).float(), torch.tensor(ys), rows


def _flat(x: Tensor) -> Tensor:
    """[n, d], pictures [n, channels, height, width] with their channels last."""
    return (x.movedim(1, -1) if x.dim() == 4 else x).flatten(1).contiguous()
