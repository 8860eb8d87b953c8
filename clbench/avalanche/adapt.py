"""Our stream, networks and batch order in Avalanche's terms."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from avalanche.benchmarks.scenarios.dataset_scenario import DatasetExperience
from avalanche.benchmarks.utils.classification_dataset import _make_taskaware_tensor_classification_dataset
from avalanche.benchmarks.utils.data_loader import GroupBalancedDataLoader
from avalanche.models import BaseModel, MlpVAE, MultiTaskModule
from avalanche.models.packnet import PackNetModel
from avalanche.training.plugins import SupervisedPlugin
from torch import Tensor, nn

if TYPE_CHECKING:
    from clbench.streams.labelled import LabelledStream
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
        dataset=_make_taskaware_tensor_classification_dataset(
            x, y, targets=y.tolist(), task_labels=label, **_augmentation(stream)
        ),
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


def _augmentation(stream: "Stream") -> dict:
    """The argument that lets an example be seen in one of the stream's ways whenever it is trained on."""
    views = stream.views
    if views is None:
        return {}
    stream = cast("LabelledStream", stream)
    mean, std = (
        torch.tensor(values, device=views.device) for values in (stream.images.mean, stream.images.std)
    )
    black = (-mean / std).repeat(views.shape[1] // len(mean))

    def seen_somehow(x: Tensor) -> Tensor:
        view = views[torch.randint(len(views), ())]
        return torch.where(view < len(x), x[view.clamp(max=len(x) - 1)], black)

    return {"transform_groups": {"train": (seen_somehow, None), "eval": (None, None)}}


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

    def __init__(self, draw: Callable[[int], np.ndarray], an_epoch_each: bool = False) -> None:
        """draw(n): which of n examples come, one after another, in all steps of the task. an_epoch_each:
        whether a pass over the data ends after every step, for what counts epochs."""
        super().__init__()
        self.draw, self.an_epoch_each = draw, an_epoch_each

    def before_training_exp(self, strategy, **kwargs) -> None:
        data = strategy.adapted_dataset
        strategy.dataloader = GroupBalancedDataLoader(
            [data],
            batch_size=strategy.train_mb_size,
            oversample_small_groups=True,
            sampler=self.draw(len(data)),
        )
        if self.an_epoch_each:
            strategy.dataloader = AStepAnEpoch(strategy.dataloader)


class AStepAnEpoch:
    """Batches in our order, of which every pass gives the next one."""

    def __init__(self, batches) -> None:
        self.left = iter(batches)

    def __iter__(self):
        yield next(self.left)


class StopAfter(SupervisedPlugin):
    """Ends an experience of a strategy within another one after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def before_training_exp(self, strategy, **kwargs) -> None:
        self.taken = 0

    def after_training_iteration(self, strategy, **kwargs) -> None:
        self.taken += 1
        if self.taken == self.steps:
            strategy.stop_training()


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


# ---- networks in the forms that strategies ask for


def body_and_head(model: nn.Module) -> tuple[nn.Module, nn.Linear]:
    """The two parts of one of our networks as a module: what gives the features, and the output layer."""
    if isinstance(model, OwnOutputs):
        model = model.network
    if isinstance(model, nn.Sequential):
        return model[:-1], cast(nn.Linear, model[-1])
    return model.get_submodule("body"), cast(nn.Linear, model.get_submodule("head"))


class WithFeatures(nn.Module, BaseModel):
    """A network whose features can be asked for; its output layer is `head`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body_and_head(model)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.get_features(x))

    def get_features(self, x: Tensor) -> Tensor:
        return self.body(x)


class FlatVAE(MlpVAE):
    """Avalanche's generator for inputs that are rows and not pictures."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        made, mean, logvar = super().forward(x)
        return made.flatten(1), mean, logvar

    def generate(self, batch_size=None) -> Tensor:
        return super().generate(batch_size).flatten(1)


def with_task_labels(model: nn.Module) -> MultiTaskModule:
    """The network as a function of inputs and task labels, which it need not heed."""
    if isinstance(model, MultiTaskModule):
        return model
    _, head = body_and_head(model)
    every = torch.ones(1, head.out_features, dtype=torch.bool, device=head.weight.device)
    return OwnOutputs(model, every)


def packed(model: nn.Module) -> PackNetModel:
    """The network with weights that know their task; a row's softmax sees the outputs of its own task
    only."""
    assert isinstance(model, OwnOutputs)
    masks = model.masks

    class Packed(PackNetModel):
        def forward(self, x: Tensor, task_labels: Tensor) -> Tensor:
            return super().forward(x, task_labels).masked_fill(~masks[task_labels], -1e9)

    return Packed(model.network)


def by_means(strategy, x: Tensor) -> Tensor | None:
    """Scores [n, C] of a network that answers by the nearest class mean; None while it has none."""
    means = strategy.model.eval_classifier
    return strategy.model(x) if means.class_means_dict else None


def make_replaceable(experience: DatasetExperience) -> None:
    """Lets a strategy put other data in the place of a task's."""

    class Replaceable(DatasetExperience):
        dataset = None

    data = experience.dataset
    experience.__class__ = Replaceable
    experience.dataset = data
