"""The types everybody shares: Batch, Budget, Task, Stream."""
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from clbench.errors import InputError
from clbench.keyed import generator
from clbench.tree import tree_cat

SCENARIOS = ("class", "task", "domain", "pairs")
SHARED = {"samples", "x", "y", "task", "mask", "weight", "lr", "out", "loss"}        # by all parts, of a plan or batch


def take(table: Tensor, index: Tensor) -> Tensor:
    """Rows index [S, n] of table [S, M, ...], each seed its own: [S, n, ...]."""
    return table.gather(1, index.view(*index.shape, *[1] * (table.dim() - 2)).expand(*index.shape, *table.shape[2:]))


class Batch(dict):
    """Named tensors of one step, seed axis first; `batch.x` is `batch["x"]`.

    samples [S, B, 2]  (task, index) pairs; [S, B, 3] where the stream augments: the third says in which view
    x [S, B, ...], y [S, B], task [S, B]        x of pairs: the left and the right sides; y: their groups
    mask [S, B, C]     the outputs that a row's softmax may see
    weight [S, B]      the loss is the weighted sum over the rows: a mean unless somebody says otherwise
    A label of -100 means that the row has no data term.

    A *plan* is the same with the steps in front: `plan.samples [steps, S, B, 2]` are all batches of a task, and
    whatever else a part puts into the plan arrives, step by step, in the batch.

    What one part has put there stands under (number of the part, name); it sees its own as `batch.name` (`seen_by`).
    """

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    __setattr__ = dict.__setitem__

    def at(self, step: int) -> "Batch":
        return Batch({name: tensor[step] for name, tensor in self.items()})

    def seen_by(self, part: int) -> "Batch":
        """This part's own entries under their names alone; other parts' stay where they are, out of its way."""
        return Batch({key[1] if key[0] == part else key: tensor for key, tensor in self.items()})

    def given_by(self, part: int, shared: set[str] = SHARED) -> "Batch":
        """The way back: names that are not shared become (part, name)."""
        return Batch({key if isinstance(key, tuple) or key in shared else (part, key): tensor
                      for key, tensor in self.items()})

    def append(self, rows: "Batch", weight: float | None = None) -> "Batch":
        """The rows of another batch behind one's own; rows never move, so a part finds its own again.

        All rows count alike, or the new ones together count `weight` beside the old ones.
        """
        own, new = self.y.shape[1], rows.y.shape[1]
        kept, each = (own / (own + new), 1 / (own + new)) if weight is None else (1, weight / new)
        rows = {**rows, "weight": torch.full_like(rows.y, each, dtype=torch.float)}
        joined = {name: tree_cat([self[name], one], 1) for name, one in rows.items()}
        joined["weight"][:, :own] *= kept
        return Batch({**self, **joined})


@dataclass(frozen=True)
class Budget:
    """What one task may cost, the same for every strategy, and the optimiser that spends it."""

    steps: int                       # N, optimiser steps per task
    rows: int = 128                  # B, new examples per step
    optimiser: str = "adam"          # adam | sgd | adamw
    lr: float = 1e-3
    momentum: float = 0.0            # of sgd
    weight_decay: float = 0.0        # adamw takes it off the weights, adam and sgd add it to the gradient (L2)
    beta2: float = 0.999             # of adam and adamw
    warm_up: float | None = None     # share of a task's steps; then lr falls along a cosine to 0. None: constant
    optimiser_state: str = "keep"    # between tasks: keep | reset
    fixed_compute: bool = False      # whatever a method does besides its steps is paid from them
    precision: str = "float32"       # float32 | tf32 | bf16

    def __post_init__(self):
        """Raises InputError for the first value that makes no sense."""
        for name, (holds, takes) in ALLOWED.items():
            value = getattr(self, name)
            if not holds(value):
                raise InputError(f"a budget's {name} takes {takes}, not {value!r}")
        if self.momentum and self.optimiser != "sgd":
            raise InputError(f"momentum={self.momentum!r} is of sgd; {self.optimiser} takes none: "
                             f"leave it out, or set optimiser='sgd'")
        if self.optimiser == "sgd" and self.beta2 != 0.999:
            raise InputError(f"beta2={self.beta2!r} is of adam and adamw; sgd has none: "
                             f"leave it out, or set optimiser='adam'")
        if self.fixed_compute and self.rows < 2:
            raise InputError(f"fixed_compute needs rows of at least 2, which new and stored examples share, "
                             f"not {self.rows}")

    def changed(self, **given) -> "Budget":
        """With the given fields instead. Another optimiser does not take over what only the one before had."""
        optimiser = given.get("optimiser", self.optimiser)
        dropped = {}
        if optimiser != self.optimiser:
            dropped = {"beta2": 0.999} if optimiser == "sgd" else {"momentum": 0.0}
        return replace(self, **dropped | given)


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


# field -> (whether a value makes sense, which ones do)
ALLOWED = {
    "steps": (_is_count, "a whole number of at least 1"),
    "rows": (_is_count, "a whole number of at least 1"),
    "optimiser": (lambda value: value in ("adam", "sgd", "adamw"), "'adam', 'sgd' or 'adamw'"),
    "lr": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "momentum": (lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1"),
    "weight_decay": (lambda value: _is_number(value) and value >= 0, "a number of at least 0"),
    "beta2": (lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1"),
    "warm_up": (lambda value: value is None or _is_number(value) and 0 < value <= 1,
                "a number above 0, up to 1, or None"),
    "optimiser_state": (lambda value: value in ("keep", "reset"), "'keep' or 'reset'"),
    "fixed_compute": (lambda value: isinstance(value, bool), "True or False"),
    "precision": (lambda value: value in ("float32", "tf32", "bf16"), "'float32', 'tf32' or 'bf16'"),
}


@dataclass(frozen=True)
class Task:
    """One task of a stream."""

    train: Tensor        # [n, 2] (task, index) pairs into the training data
    test: Tensor         # [m] indices into the test data
    classes: Tensor      # [C] bool: the outputs it brings


def cross_entropy(out: Tensor, batch: "Batch") -> Tensor:
    """The data term of class streams, [B]; label -100 means no label (0). -1e9, not -inf: 0 x inf is NaN elsewhere."""
    return F.cross_entropy(out.masked_fill(~batch.mask, -1e9), batch.y, reduction="none")


class Stream:
    """Resident labelled images, tasks in order, and what each row's loss and arg max may see.

    Class-incremental streams show all outputs, task-incremental ones only those of the row's own task, domain-incremental
    ones share all outputs among the tasks.
    """

    def __init__(self, images, tasks: list[Task], scenario: str, seeds: list[int], *, offset: Tensor | None = None,
                 pixels: Tensor | None = None, views: Tensor | None = None):
        """images: `x [N, d]`, `y [N]`, `x_test`, `y_test` on one device, the `scale` that x is divided by, and the `mean`
        and `std` per channel that standardise it.

        offset [T]: added to the labels of a task (a task's own outputs for the same ten digits).
        pixels [S, T, d]: which pixel of the image stands at each place of the input; d itself means black.
        views [V, d]: the same for the ways in which a training image may be seen (augmentation).
        """
        self.images, self.tasks, self.scenario, self.seeds = images, tasks, scenario, list(seeds)
        self.device, self.pixels, self.views = images.x.device, pixels, views
        self.classes = tasks[0].classes.numel()
        self.offset = torch.zeros(len(tasks), dtype=torch.long, device=self.device) if offset is None else offset
        own = torch.stack([task.classes for task in tasks])
        self.masks = own if scenario == "task" else torch.ones_like(own)                        # [T, C]
        self._seed_axis = torch.arange(len(self.seeds), device=self.device).unsqueeze(1)        # [S, 1]
        channels = len(images.mean)
        self._mean, self._std = (torch.tensor(values, device=self.device).repeat(images.x.shape[1] // channels)
                                 for values in (images.mean, images.std)) if channels > 1 else (None, None)

    @property
    def example_bytes(self) -> int:
        """Of a training example as it is stored."""
        return self.images.x[0].nbytes

    losses = staticmethod(cross_entropy)     # the data term
    measures = ("acc",)                      # what `score` gives

    def only(self, s: int) -> "Stream":
        """The stream of the s-th seed alone."""
        pixels = None if self.pixels is None else self.pixels[s:s + 1]
        return Stream(self.images, self.tasks, self.scenario, self.seeds[s:s + 1], offset=self.offset, pixels=pixels,
                      views=self.views)

    def _input(self, images: Tensor, index: Tensor, task: Tensor | int, view: Tensor | None = None) -> Tensor:
        """The network's input for images[index] [S or 1, n] as seen in `task`: [S or 1, n, d] float."""
        x = images.index_select(0, index.flatten()).unflatten(0, index.shape)            # images[index], at a fifth of its time
        if self.pixels is not None:
            x = moved(x, self.pixels[self._seed_axis, task])
        if view is not None:
            x = moved(x, self.views[view])
        x = x.float().div_(self.images.scale)
        return x if self._mean is None else x.sub_(self._mean).div_(self._std)

    def gather(self, samples: Tensor) -> Batch:
        """The batch of these (task, index) pairs [S, n, 2], or [S, n, 3] with a view each."""
        task, index, *view = samples.unbind(-1)
        return Batch(samples=samples, x=self._input(self.images.x, index, task, *view),
                     y=self._labels(index, task), task=task, mask=self.masks[task],
                     weight=torch.full(index.shape, 1 / index.shape[-1], device=self.device))

    def labels(self, samples: Tensor) -> Tensor:
        """The labels [...] of these pairs [..., 2 or 3]."""
        return self._labels(samples[..., 1], samples[..., 0])

    def _labels(self, index: Tensor, task: Tensor) -> Tensor:
        return self.images.y[index] + self.offset[task]

    def heads(self, t: int) -> list[Callable[[Tensor], Tensor]]:
        """What competes in one softmax for the tasks before t: functions of the outputs [n, C] that give the scores."""
        old = [task.classes for task in self.tasks[:t]]
        sets = old if self.scenario == "task" else [torch.stack(old).any(0)] if old else []
        return [partial(_only, own) for own in sets]

    def test(self, j: int, part: slice) -> Tensor:
        """Inputs of (a part of) evaluation slice j: [S, m, d], or [1, m, d] if all seeds see the same."""
        return self._input(self.images.x_test, self.tasks[j].test[part].unsqueeze(0), j)

    def score(self, j: int, scores: Tensor) -> Tensor:
        """Accuracy [S, 1] of scores [S, m, C] on the whole slice j."""
        guess = scores.masked_fill(~self.masks[j], -torch.inf).argmax(-1)
        return (guess == self.images.y_test[self.tasks[j].test] + self.offset[j]).double().mean(-1, keepdim=True)

def _only(own: Tensor, out: Tensor) -> Tensor:
    """The scores [n, C] that are a head's own."""
    return out.masked_fill(~own, -1e9)


def moved(x: Tensor, places: Tensor) -> Tensor:
    """Images x [S or 1, n, d] with pixel places[..., i] [S or 1, n or 1, d] at place i, or black where that is d."""
    padded = torch.nn.functional.pad(x, (0, 1))
    return padded.expand(len(places), -1, -1).gather(-1, places.expand(-1, x.shape[1], -1))


def crops_and_flips(shape: tuple[int, int, int], pad: int) -> Tensor:
    """views [2 (2 pad + 1)^2, d] of images (height, width, channels): cut out of the image padded with black, mirrored or not."""
    height, width, channels = shape
    place = torch.arange(height * width * channels).view(shape)
    padded = torch.full((height + 2 * pad, width + 2 * pad, channels), place.numel())
    padded[pad:pad + height, pad:pad + width] = place
    cuts = [padded[i:i + height, j:j + width] for i in range(2 * pad + 1) for j in range(2 * pad + 1)]
    return torch.stack([view.flatten() for cut in cuts for view in (cut, cut.flip(1))])


def split_by_class(images, groups: list[list[int]], scenario: str, seeds: list[int],
                   views: Tensor | None = None, order: list[int] | str | None = None) -> Stream:
    """Tasks of disjoint classes. Domain-incremental: the place of a class within its task is the label.

    order: which class comes in the place of each; "seed": drawn by the one seed; None: as the groups say.
    """
    if order is not None:
        classes = sorted(label for labels in groups for label in labels)
        images = _renumbered(images, classes, class_order(seeds, classes) if order == "seed" else order)
    outputs = sum(map(len, groups)) if scenario != "domain" else len(groups[0])
    tasks, device = [], images.x.device
    for t, labels in enumerate(groups):
        labels = torch.tensor(labels, device=device)
        index, test = (torch.isin(y, labels).nonzero().squeeze(1) for y in (images.y, images.y_test))
        mask = torch.zeros(outputs, dtype=torch.bool, device=device)
        mask[labels if scenario != "domain" else slice(None)] = True
        tasks.append(Task(torch.stack([torch.full_like(index, t), index], -1), test, mask))
    if scenario == "domain":
        place = torch.zeros(int(images.y.max()) + 1, dtype=torch.long, device=device)
        for labels in groups:
            place[labels] = torch.arange(len(labels), device=device)
        images = replace(images, y=place[images.y], y_test=place[images.y_test])
    return Stream(images, tasks, scenario, seeds, views=None if views is None else views.to(device))


def class_order(seeds: list[int], classes: list[int]) -> list[int]:
    """The classes in the order that the one seed draws: tasks then differ in data and size between seeds."""
    if len(seeds) != 1:
        raise ValueError(f"each seed has an order of classes of its own, so a stream has one seed, not {len(seeds)}")
    places = torch.randperm(len(classes), generator=generator(seeds[0], "class order"))
    return [classes[place] for place in places.tolist()]


def _renumbered(images, classes: list[int], order: list[int]):
    """The images with order[i] called classes[i]: so the outputs stay in the order in which they are learnt."""
    called = torch.arange(max(int(images.y.max()), *classes) + 1, device=images.y.device)
    called[torch.tensor(order)] = torch.tensor(classes, device=images.y.device)
    return replace(images, y=called[images.y], y_test=called[images.y_test])


def same_classes(images, pixels: Tensor, scenario: str, seeds: list[int], tested: int) -> Stream:
    """Every task is the whole data set under its own map of pixels [S, T, d]; nothing is copied.

    Task-incremental: every task has outputs of its own. Domain-incremental: all share one set. tested: a slice is
    (about) so many of the test images, evenly spaced.
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
        mask[int(offset[t]):int(offset[t]) + labels] = True
        tasks.append(Task(torch.stack([torch.full_like(train, t), train], -1), test, mask))
    return Stream(images, tasks, scenario, seeds, offset=offset, pixels=pixels.to(device))
