"""Our stream, networks and batch order in Avalanche's terms."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from avalanche.benchmarks.scenarios.dataset_scenario import DatasetExperience
from avalanche.benchmarks.utils.classification_dataset import _make_taskaware_tensor_classification_dataset
from avalanche.benchmarks.utils.data_loader import GroupBalancedDataLoader
from avalanche.models import MultiTaskModule
from avalanche.training.plugins import SupervisedPlugin
from torch import Tensor, nn

if TYPE_CHECKING:
    from clbench.streams.stream import Stream


def experience(stream: "Stream", t: int) -> DatasetExperience:
    """Task t of a stream of one seed, with the attributes that Avalanche's own benchmarks give.

    Avalanche needs the inputs themselves, so they are laid out as floats, once per task and seed: 188 MB for
    a task of permuted MNIST, where the native engine keeps one copy of the bytes for all tasks and seeds.
    """
    batch = stream.gather(stream.tasks[t].train.unsqueeze(0))
    # Inputs stay on the device. Labels must not: Avalanche asks for them one by one, and each would wait for
    # the GPU.
    x, y = batch.x[0], batch.y[0].cpu()
    label = t if stream.scenario == "task" else 0  # constant, not none: LwF reads it
    made = DatasetExperience(
        current_experience=t,
        dataset=_make_taskaware_tensor_classification_dataset(x, y, targets=y.tolist(), task_labels=label),
    )
    made.task_label, made.task_labels = label, [label]
    classes = [task.classes.nonzero().flatten().tolist() for task in stream.tasks]
    # A sorted list: Avalanche's new benchmarks give a set here, which its multi-head modules cannot index
    # with.
    made.classes_in_this_experience = classes[t]
    made.previous_classes = set().union(*classes[:t])
    made.classes_seen_so_far = made.previous_classes.union(classes[t])
    made.future_classes = set().union(*classes) - made.classes_seen_so_far
    return made


class OwnOutputs(MultiTaskModule):
    """A network with all heads there from the start; a row's softmax sees the outputs of its own task only.

    Avalanche's heads grow with the tasks instead, and draw their weights from the global generator when they
    do.
    """

    def __init__(self, network: nn.Module, masks: Tensor):
        super().__init__()
        self.network = network
        self.register_buffer("masks", masks)  # [T, C] bool

    def forward(self, x: Tensor, task_labels: Tensor | int | None) -> Tensor | dict[int, Tensor]:
        """Outputs [n, C]; without task labels those of every task learnt so far, by task."""
        out = self.network(x)
        if task_labels is None:
            return {t: self._masked(out, t) for t in sorted(self.known_train_tasks_labels)}
        return self._masked(out, task_labels)

    def _masked(self, out: Tensor, task_labels: Tensor | int) -> Tensor:
        return out.masked_fill(~self.masks[task_labels], -1e9)


class OurOrder(SupervisedPlugin):
    """Avalanche's own loader for one group of data, walking it in our order.

    Set where Replay sets its loader. One group also where the data have several task labels (joint training):
    by default Avalanche balances such batches over the tasks.
    """

    def __init__(self, draw: Callable[[int], np.ndarray]) -> None:
        """draw(n): which of n examples come, one after another, in all steps of the task."""
        super().__init__()
        self.draw = draw

    def before_training_exp(self, strategy, **kwargs) -> None:
        data = strategy.adapted_dataset
        strategy.dataloader = GroupBalancedDataLoader(
            [data],
            batch_size=strategy.train_mb_size,
            oversample_small_groups=True,
            sampler=self.draw(len(data)),
        )


class LearningRates(SupervisedPlugin):
    """Sets the learning rate before each step of a task."""

    def __init__(self, rates: Callable[[], Sequence[float]]):
        """rates(): those of all steps of the task that begins."""
        super().__init__()
        self.rates = rates

    def before_training_exp(self, strategy, **kwargs) -> None:
        self.left = iter(self.rates())

    def before_training_iteration(self, strategy, **kwargs) -> None:
        rate = next(self.left)
        for group in strategy.optimizer.param_groups:
            group["lr"] = rate
