"""Streams of labelled examples: tasks in order, and what each row's loss and arg max may see."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.keyed import generator
from clbench.errors import InputError
from clbench.streams.augmentation import gather_pixels
from clbench.streams.stream import Answers, Task

if TYPE_CHECKING:
    from clbench.data.labelled.sources import Images
    from clbench.models.network import Network


Sees = Literal["all", "seen"]


def cross_entropy(out: Tensor, batch: Batch) -> Tensor:
    """The data term of class streams, [B]; label -100 means no label (0). -1e9, not -inf: 0 x inf is NaN
    elsewhere."""
    return F.cross_entropy(out.masked_fill(~batch.mask, -1e9), batch.y, reduction="none")


class LabelledStream:
    """Resident labelled images, tasks in order, and what each row's loss and arg max may see.

    Class-incremental streams show all outputs, task-incremental ones only those of the row's own task,
    domain-incremental ones share all outputs among the tasks.
    """

    def __init__(
        self,
        images: "Images",
        tasks: list[Task],
        scenario: str,
        seeds: list[int],
        *,
        offset: Tensor | None = None,
        pixels: Tensor | None = None,
        views: Tensor | None = None,
        sees: Sees = "all",
    ) -> None:
        """images: `x [N, d]`, `y [N]`, `x_test`, `y_test` on one device, the `scale` that x is divided by,
        and the `mean` and `std` per channel that standardise it.

        offset [T]: added to the labels of a task (a task's own outputs for the same ten digits).
        pixels [S, T, d]: which pixel of the image stands at each place of the input; d itself means black.
        views [V, d]: the same for the ways in which a training image may be seen (augmentation).
        sees: which outputs a class-incremental loss sees: all, or those of the classes seen so far. Answers
        are always among all.
        """
        self.images, self.tasks, self.scenario, self.seeds = images, tasks, scenario, list(seeds)
        self.device, self.pixels, self.views = images.x.device, pixels, views
        self.classes = tasks[0].classes.numel()
        self.offset = (
            torch.zeros(len(tasks), dtype=torch.long, device=self.device) if offset is None else offset
        )
        own = torch.stack([task.classes for task in tasks])
        self.masks = own if scenario == "task" else torch.ones_like(own)  # [T, C], of answers
        # [T, C]: what the loss of a task's rows may see; changes with the present task where not all is seen.
        self.shown = self.masks if sees == "all" or scenario != "class" else self.masks.clone()
        self._seed_axis = torch.arange(len(self.seeds), device=self.device).unsqueeze(1)  # [S, 1]
        standardised = len(images.mean) > 1 or images.mean != (0.0,) or images.std != (1.0,)
        self._mean = self._by_place(images.mean) if standardised else None  # [d]
        self._std = self._by_place(images.std) if standardised else None

    def check(self, net: "Network") -> None:
        """Raises InputError, which names the task or the network, where this stream cannot be learnt or
        measured: examples that are not there, labels that no output stands for, a network that takes other
        inputs or gives other outputs."""
        for t, task in enumerate(self.tasks):
            for name, rows, there in (
                ("training", task.train[:, 1], len(self.images.y)),
                ("test", task.test, len(self.images.y_test)),
            ):
                if not len(rows):
                    raise InputError(f"task {t + 1} has no {name} example")
                if int(rows.min()) < 0 or int(rows.max()) >= there:
                    raise InputError(f"task {t + 1} names {name} example {int(rows.max())} of {there}")
            labels = (
                ("training", self.labels(task.train)),
                ("test", self.images.y_test[task.test] + self.offset[t]),
            )
            for name, found in labels:
                wrong = [
                    y for y in found.unique().tolist() if not (0 <= y < self.classes and self.masks[t][y])
                ]
                if wrong:
                    raise InputError(
                        f"task {t + 1} has {name} examples of label {wrong[0]}, which is none of its outputs"
                    )
        self._check_network(net)

    @torch.no_grad()
    def _check_network(self, net: "Network") -> None:
        x = self.test(0, slice(0, 2))[0]
        try:
            out = net(net.init(generator(0, "check")).to(self.device), x)
        except RuntimeError as error:
            raise InputError(
                f"the network {net} does not take {x.shape[1]} numbers an example: "
                f"{str(error).splitlines()[0]}"
            ) from error
        if out.shape != (len(x), self.classes):
            raise InputError(
                f"the network {net} gives {list(out.shape[1:])} outputs an example, and the stream has "
                f"{self.classes}: give it as many"
            )

    def _by_place(self, values: tuple[float, ...]) -> Tensor:
        """Values per channel, repeated for every pixel."""
        return torch.tensor(values, device=self.device).repeat(self.images.x.shape[1] // len(values))

    @property
    def hardness(self) -> Tensor | None:
        """[N]: how hard each training example is to learn, where the data say so."""
        return self.images.hardness

    @property
    def example_bytes(self) -> int:
        """Of a training example as it is stored."""
        example = self.images.x[0]
        return example.numel() * example.element_size()

    def open_outputs(self, t: int) -> None:
        """Before task t: the loss now also sees the outputs that it brings."""
        if self.shown is not self.masks:  # in place: a captured step keeps its address
            self.shown[:] = torch.stack([task.classes for task in self.tasks[: t + 1]]).any(0)

    losses = staticmethod(cross_entropy)  # the data term
    measures: tuple[str, ...] = ("acc",)  # what `score` gives

    def only(self, s: int) -> "LabelledStream":
        """The stream of the s-th seed alone."""
        if self.shown is not self.masks:
            raise InputError("sees='seen' is not for Avalanche, whose losses see all outputs")
        pixels = None if self.pixels is None else self.pixels[s : s + 1]
        return LabelledStream(
            self.images,
            self.tasks,
            self.scenario,
            self.seeds[s : s + 1],
            offset=self.offset,
            pixels=pixels,
            views=self.views,
        )

    def _input(self, images: Tensor, index: Tensor, task: Tensor | int, view: Tensor | None = None) -> Tensor:
        """The network's input for images[index] [S or 1, n] as seen in `task`: [S or 1, n, d] float."""
        # images[index], at a fifth of its time
        x: Tensor = images.index_select(0, index.flatten()).unflatten(0, index.shape)
        if self.pixels is not None:
            x = gather_pixels(x, self.pixels[self._seed_axis, task])
        if view is not None:
            assert self.views is not None, "samples with a view, in a stream that has none"
            x = gather_pixels(x, self.views[view])
        x = x.float().div_(self.images.scale)
        if self._mean is None or self._std is None:
            return x
        return x.sub_(self._mean).div_(self._std)

    def gather(self, samples: Tensor) -> Batch:
        """The batch of these (task, index) pairs [S, n, 2], or [S, n, 3] with a view each."""
        task, index, *view = samples.unbind(-1)
        return Batch(
            samples=samples,
            x=self._input(self.images.x, index, task, *view),
            y=self._labels(index, task),
            task=task,
            mask=self.shown[task],
            weight=torch.full(index.shape, 1 / index.shape[-1], device=self.device),
        )

    def labels(self, samples: Tensor) -> Tensor:
        """The labels [...] of these pairs [..., 2 or 3]."""
        return self._labels(samples[..., 1], samples[..., 0])

    def _labels(self, index: Tensor, task: Tensor) -> Tensor:
        labels: Tensor = self.images.y[index] + self.offset[task]
        return labels

    def heads(self, t: int) -> list[Callable[[Tensor], Tensor]]:
        """What competes in one softmax for the tasks before t: functions of the outputs [n, C] that give the
        scores."""
        old = [task.classes for task in self.tasks[:t]]
        sets = old if self.scenario == "task" else [torch.stack(old).any(0)] if old else []
        return [partial(_only, own) for own in sets]

    def test(self, j: int, part: slice) -> Tensor:
        """Inputs of (a part of) evaluation slice j: [S, m, d], or [1, m, d] if all seeds see the same."""
        return self._input(self.images.x_test, self.tasks[j].test[part].unsqueeze(0), j)

    def pictures(self, x: Tensor, task: Tensor) -> Tensor | None:
        """Inputs x [n, d] of the first seed, as seen in `task` [n], as the pictures that they are seen from:
        [n, height, width, channels] uint8. None where the data are no pictures."""
        if self.images.shape is None:
            return None
        if self._mean is not None and self._std is not None:
            x = x * self._std + self._mean
        if self.pixels is not None:
            place = self.pixels[0, task]  # one more for black
            x = x.new_zeros(len(x), x.shape[1] + 1).scatter_(1, place, x)[:, :-1]
        shown: Tensor = x.clamp(0, 1).mul(255).round().byte().unflatten(1, self.images.shape)
        return shown

    def score(self, j: int, scores: Tensor) -> Tensor:
        """Accuracy [S, 1] of scores [S, m, C] on the whole slice j."""
        return self.answers(j, scores).measures

    def answers(self, j: int, scores: Tensor) -> Answers:
        """What scores [S, m, C] on the whole slice j answer, among the outputs that its rows may see."""
        competing = scores.masked_fill(~self.masks[j], -torch.inf)
        guess = competing.argmax(-1)
        label = self.images.y_test[self.tasks[j].test] + self.offset[j]
        right = guess == label
        return Answers(right.double().mean(-1, keepdim=True), right, guess, label, competing)


def _only(own: Tensor, out: Tensor) -> Tensor:
    """The scores [n, C] that are a head's own."""
    return out.masked_fill(~own, -1e9)


def split_by_class(
    images: "Images",
    groups: list[list[int]],
    scenario: str,
    seeds: list[int],
    views: Tensor | None = None,
    order: list[int] | Literal["seed"] | None = None,
    sees: Sees = "all",
) -> LabelledStream:
    """Tasks of some classes each. Outputs are places: the first class of the first task is output 0, and so
    on, whatever the labels are. Domain-incremental: the place of a class within its task is the output, of
    which there are as many as the largest task has classes.

    groups: the labels of each task. A class may come back in a later task, with all its examples, but not in
    the domain-incremental scenario.
    order: which class comes in the place of each; "seed": drawn by the one seed; None: as the groups say.
    Raises InputError for a class without training examples and for a task without test examples.
    """
    if order is not None:
        classes = sorted(label for labels in groups for label in labels)
        images = _renumbered(images, classes, class_order(seeds, classes) if order == "seed" else order)
    _check_groups(images, groups, scenario)
    outputs = _outputs_of(groups, scenario)
    count = 1 + max(outputs.values())
    tasks, device = [], images.x.device
    for t, labels in enumerate(groups):
        own = torch.tensor(labels, device=device)
        index, test = (torch.isin(y, own).nonzero().squeeze(1) for y in (images.y, images.y_test))
        mask = torch.zeros(count, dtype=torch.bool, device=device)
        mask[[outputs[label] for label in labels] if scenario != "domain" else slice(None)] = True
        tasks.append(Task(torch.stack([torch.full_like(index, t), index], -1), test, mask))
    images = _with_outputs(images, outputs)
    views = None if views is None else views.to(device)
    return LabelledStream(images, tasks, scenario, seeds, views=views, sees=sees)


def _check_groups(images: "Images", groups: list[list[int]], scenario: str) -> None:
    """Raises InputError for classes that cannot be learnt or tested as the groups say."""
    train, test = (set(y.unique().tolist()) for y in (images.y, images.y_test))
    task_of: dict[int, int] = {}
    for t, labels in enumerate(groups, 1):
        if not labels or len(set(labels)) < len(labels):
            raise InputError(f"task {t} has the classes {labels}: name at least one, each once")
        for label in labels:
            if label not in train:
                raise InputError(f"task {t} has no training example of class {label}: leave the class out")
            if scenario == "domain" and label in task_of:
                raise InputError(
                    f"class {label} is in tasks {task_of[label]} and {t}: in the domain-incremental scenario "
                    "its output would be its place in both"
                )
            task_of[label] = t
        if not test & set(labels):
            listed = ", ".join(map(str, labels))
            raise InputError(f"task {t} has no test example of any of its classes ({listed}): leave it out")


def _outputs_of(groups: list[list[int]], scenario: str) -> dict[int, int]:
    """label -> output, of the labels of all groups."""
    if scenario == "domain":
        return {label: place for labels in groups for place, label in enumerate(labels)}
    return {label: i for i, label in enumerate(dict.fromkeys(label for labels in groups for label in labels))}


def _with_outputs(images: "Images", outputs: dict[int, int]) -> "Images":
    """The images with outputs for labels; 0 for the labels of no task."""
    if all(label == output for label, output in outputs.items()):
        return images
    called = torch.zeros(
        1 + max(int(images.y.max()), int(images.y_test.max())), dtype=torch.long, device=images.y.device
    )
    for label, output in outputs.items():
        called[label] = output
    return replace(images, y=called[images.y.long()], y_test=called[images.y_test.long()])


def class_order(seeds: list[int], classes: list[int]) -> list[int]:
    """The classes in the order that the one seed draws: tasks then differ in data and size between seeds."""
    if len(seeds) != 1:
        raise ValueError(
            f"each seed has an order of classes of its own, so a stream has one seed, not {len(seeds)}"
        )
    places = torch.randperm(len(classes), generator=generator(seeds[0], "class order"))
    return [classes[place] for place in places.tolist()]


def _renumbered(images: "Images", classes: list[int], order: list[int]) -> "Images":
    """The images with order[i] called classes[i]: so the outputs stay in the order in which they are
    learnt."""
    called = torch.arange(max(int(images.y.max()), *classes) + 1, device=images.y.device)
    called[torch.tensor(order)] = torch.tensor(classes, device=images.y.device)
    return replace(images, y=called[images.y], y_test=called[images.y_test])


def same_classes(
    images: "Images", pixels: Tensor, scenario: str, seeds: list[int], tested: int
) -> LabelledStream:
    """Every task is the whole data set under its own map of pixels [S, T, d]; nothing is copied.

    Task-incremental: every task has outputs of its own. Domain-incremental: all share one set. tested: a
    slice is (about) so many of the test images, evenly spaced.
    """
    count, device = pixels.shape[1], images.x.device
    labels = int(images.y.max()) + 1
    outputs = labels * count if scenario == "task" else labels
    offset = torch.arange(count, device=device) * (labels if scenario == "task" else 0)
    train = torch.arange(len(images.y), device=device)
    test = torch.arange(0, len(images.y_test), max(1, len(images.y_test) // tested), device=device)
    tasks = []
    for t in range(count):
        mask = torch.zeros(outputs, dtype=torch.bool, device=device)
        mask[int(offset[t]) : int(offset[t]) + labels] = True
        tasks.append(Task(torch.stack([torch.full_like(train, t), train], -1), test, mask))
    return LabelledStream(images, tasks, scenario, seeds, offset=offset, pixels=pixels.to(device))
