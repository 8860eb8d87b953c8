"""Scripts of Avalanche's own: our streams as its benchmarks, and its results as our records.

    import clbench
    from clbench.avalanche import Recorder

    benchmark = clbench.to_avalanche("split_mnist_class", seed=0)
    strategy = Naive(..., plugins=[Recorder("split_mnist_class", "my script", seed=0)])
    strategy.eval(benchmark.test_stream)                   # the untrained network, if it is to be known
    for experience in benchmark.train_stream:
        strategy.train(experience)
        strategy.eval(benchmark.test_stream)

Imports Avalanche.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from avalanche.benchmarks import benchmark_from_datasets
from avalanche.benchmarks.scenarios import with_classes_timeline, with_task_labels
from avalanche.benchmarks.utils.classification_dataset import (
    _make_taskaware_tensor_classification_dataset as labelled,
)
from avalanche.training.plugins import SupervisedPlugin

from clbench import registry
from clbench.avalanche.adapt import experience
from clbench.errors import InputError
from clbench.results import folders, records
from clbench.results.lock import hold
from clbench.results.record import Group, Record

if TYPE_CHECKING:
    from clbench.streams.labelled import LabelledStream


def to_avalanche(spec: str, seed: int = 0, profile: str = "quick", device: str = "cpu"):
    """A benchmark of ours, as one seed sees it, as a benchmark of Avalanche: `train_stream`, `test_stream`.

    Inputs are rows of floats, as our networks read them. Task labels are those of task-incremental streams,
    else 0. Raises InputError for a stream of pairs, which Avalanche has no form for.
    """
    _, made, _ = registry.benchmark(spec, profile)
    if made.scenario == "pairs":
        raise InputError(f"{spec}: Avalanche has no benchmarks of pairs")
    stream = cast("LabelledStream", made.stream([seed], torch.device(device)))
    train, test = [], []
    for t, task in enumerate(stream.tasks):
        train.append(experience(stream, t).dataset)
        x = stream.test(t, slice(0, len(task.test)))[0]
        y = (stream.images.y_test[task.test] + stream.offset[t]).cpu()
        label = t if stream.scenario == "task" else 0
        test.append(labelled(x, y, targets=y.tolist(), task_labels=label))
    benchmark = with_task_labels(with_classes_timeline(benchmark_from_datasets(train=train, test=test)))
    for one in (*benchmark.train_stream, *benchmark.test_stream):
        # A list: Avalanche gives a set here, which its multi-head modules cannot index with.
        one.classes_in_this_experience = sorted(one.classes_in_this_experience)
    return benchmark


class Recorder(SupervisedPlugin):
    """Writes what a script's `strategy.eval` finds as a record, which stands in the tables beside ours.

    One row for each time that the whole test stream has been evaluated, before the first task or after one;
    the record is written when the last task's row is there. Each seed of a method has a Recorder of its own,
    and all of them make one record.
    """

    def __init__(
        self,
        benchmark: str,
        strategy: str,
        seed: int = 0,
        profile: str = "quick",
        out: str | Path | None = None,
    ) -> None:
        """benchmark: the spec of `to_avalanche`; strategy: what the row is to be called; out: the results
        folder, by default `my_results`."""
        super().__init__()
        name, self.made, _ = registry.benchmark(benchmark, profile)
        self.out, self.seed = Path(out or folders.RESULTS), seed
        stream = cast("LabelledStream", self.made.stream([seed], torch.device("cpu")))
        self.masks, self.sizes = stream.masks, [len(task.test) for task in stream.tasks]
        settings = {"scenario": self.made.scenario, "network": "of a script", "strategy": {strategy: {}}}
        self.blank = Record(
            name, strategy, profile, "imported", source="", data=self.made.fingerprint(), settings=settings
        )
        T = len(self.sizes)
        self.rows: list[list[float | None]] = [[None] * T for _ in range(T + 1)]
        self.trained = 0
        self.right: dict[int, int] = {}

    def after_training_exp(self, strategy, **kwargs) -> None:
        self.trained += 1

    def before_eval(self, strategy, **kwargs) -> None:
        self.right = {}

    def after_eval_iteration(self, strategy, **kwargs) -> None:
        t = strategy.experience.current_experience
        mask = self.masks[t].to(strategy.mb_output.device)
        guess = strategy.mb_output.masked_fill(~mask[: strategy.mb_output.shape[1]], -torch.inf).argmax(1)
        self.right[t] = self.right.get(t, 0) + int((guess == strategy.mb_y).sum())

    def after_eval(self, strategy, **kwargs) -> None:
        if strategy.is_training or len(self.right) < len(self.sizes) or self.trained > len(self.sizes):
            return
        self.rows[self.trained] = [self.right[t] / size for t, size in enumerate(self.sizes)]
        if self.trained == len(self.sizes):
            self.write()

    def write(self) -> Path:
        """The record with this seed in it."""
        path = records.path_of(self.out, self.blank.profile, self.blank.benchmark, self.blank.strategy)
        with hold(self.out, wait=600):  # of another seed: what has been trained is not to be lost
            record = records.read(path) if path.exists() else self.blank
            if record.backend != "imported" or self.seed in record.seeds:
                raise InputError(
                    f"{path}: is there already; give the row another name, or the seed another number"
                )
            record.add(Group([self.seed], {}, 1, {}, slice_sizes=self.sizes), [self.rows])
            return records.write(record, self.out)
