"""Labelled data of one's own, in tasks by class, time or a column: -b "labelled_domain(path='photos')"."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Meta

from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.keyed import generator
from clbench.core.ranges import Count, Pixels, Text, Width
from clbench.data import word_vectors
from clbench.data.labelled import backbones as pretrained
from clbench.data.labelled import dividing, own
from clbench.data.labelled.blocks import LabelColumns
from clbench.data.labelled.building import why_undated
from clbench.data.labelled.divided import Divided, divide
from clbench.data.labelled.dividing import Cut
from clbench.data.labelled.found import Found
from clbench.data.labelled.on_features import found_on_features
from clbench.data.places import path_of
from clbench.data.states import state_of
from clbench.errors import InputError
from clbench.models.by_name import NetworkBySpec
from clbench.models.network import Network
from clbench.streams.class_groups import TASKS, check_groups, class_groups
from clbench.streams.in_parts import split_by_part
from clbench.streams.labelled import LabelledStream, split_by_class
from clbench.streams.stream import Task

ListOfNames = Annotated[list, Meta(max_length=10_000)]
LR = 3e-3  # of adam: a linear layer of few numbers, which starts at random, needs more than a deep network


@dataclass
class LabelledData(NetworkBySpec, Benchmark):
    """`clbench data inspect PATH` says what it finds and prints the benchmark to run.

    A path is looked for from the current folder, then in $CLBENCH_DATA; `torchvision:NAME` is a set of that
    library, in a data folder.
    """

    path: Text = ""  # a folder of images by class, a table (csv, tsv, jsonl, parquet), arrays (npz, npy)
    test: Text | None = None  # the same for test rows kept apart; None: as the data say, else held out
    image: Text | None = None  # name of the column; None: the first usual name that is there, and so on
    text: Text | None = None  # of the texts
    label: Text | None = None  # of the classes
    time: Text | None = None  # of the dates
    split: Text | None = None  # column that says train or test
    # Columns; None: where there is no image or text, all that are left. Or what is pretrained (extra
    # `pretrained`): efficientnet_lite0 for images, wordllama for texts.
    features: ListOfNames | Text | None = None
    without: ListOfNames | None = None  # columns that are no features
    group: Text | None = None  # column: rows of one value are on one side, as of a patient
    unit: Literal["iso", "s", "ms"] = "iso"  # of times
    by: Text | None = None  # class | year | quarter | month | season | quantile, edges, or a column
    tasks: Count | None = None  # by class: how many; None: 5
    classes: ListOfNames | None = None  # by class: how many in each task, or their names
    order: ListOfNames | Literal["name", "given", "seed"] = "name"  # of the classes
    shots: Count | None = None  # training rows of a class in every task after the first; None: all
    count: Annotated[int, Meta(ge=2, le=10_000)] | None = None  # slices, by quantile or a column of numbers
    min_rows: Count = 50  # neighbours on the calendar are joined until each slice has so many
    held_out: Annotated[float, Meta(gt=0, lt=1)] = 0.2  # share of the rows for testing
    duplicates: Literal["stop", "drop"] = "stop"  # training rows that are test rows of a given split
    size: Pixels | None = None  # of a side of an image; None: as they are if all are alike, up to 32, else 32
    buckets: Annotated[int, Meta(ge=2, le=10**6)] = 4096  # numbers that a text becomes
    # Any that `clbench.models.by_name` knows; None: small_conv of images, linear of all else.
    net: Text | None = None
    width: Width | None = None  # of the network; None: its own
    norm: Literal["group", "batch"] | None = None  # of a convolutional network; None: group
    memory: Count = field(default=100, kw_only=True)

    scenarios = ("class", "task", "domain")
    tasks_are = "by class, by time"
    data_are = "your labelled data"
    by_name_only = True
    budgets = {
        "smoke": Budget(steps=20, rows=32, lr=LR),
        "quick": Budget(steps=40, rows=32, lr=LR),
        "full": Budget(steps=1000, rows=32, lr=LR),
    }
    aliases = {
        "news_topics_domain": {
            "path": "TEXT_PAIRS/news.jsonl.gz",
            "text": "headline",
            "label": "category",
            "by": "year",
            "memory": 500,
            "rows": 128,
        },
        "news_topics_class": {
            "path": "TEXT_PAIRS/news.jsonl.gz",
            "text": "headline",
            "label": "category",
            "memory": 500,
            "rows": 128,
        },
    }

    given: ClassVar[Found | None] = None  # rows that a program hands over, in place of a path

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tasks and self.classes:
            raise InputError("tasks says how many, and classes says which: give one")
        if self.by not in (None, "class") and (self.tasks or self.classes or self.order != "name"):
            raise InputError(f"tasks, classes and order are of by='class', not of by={self.by!r}")
        if self.count and self.by in (None, "class", "year", "quarter", "month", "season"):
            raise InputError("count is of by='quantile', or of a column of numbers: by='temperature'")
        if self.backbone:
            pretrained.backbone(self.backbone)

    @property
    def one_seed(self) -> bool:
        """With orders of their own the seeds' tasks differ in size, so they cannot be trained together."""
        return self.order == "seed"

    # ---- data

    @property
    def of_words(self) -> bool:
        """Whether texts become means of pretrained word vectors."""
        return self.features == word_vectors.NAME

    @property
    def backbone(self) -> str | None:
        """The pretrained network whose features stand for images."""
        return self.features if isinstance(self.features, str) and not self.of_words else None

    def found(self) -> Found:
        """All rows, before any are held out. Raises InputError, and Unavailable where they are not here."""
        found = self._found()
        if self.of_words and found.about.kind != "texts":
            raise InputError(
                f"features='wordllama' are of texts, and {self.path or 'x'} has {found.about.kind}: leave it "
                "out"
            )
        if self.size and found.about.kind != "images":
            raise InputError(
                f"size is of images, and {self.path or 'x'} has {found.about.kind}: leave it out"
            )
        return found_on_features(found, self.backbone, self.path or "x") if self.backbone else found

    def _found(self) -> Found:
        if self.given is not None:
            return self.given
        example = f"labelled_{self.scenario} needs a path: -b \"labelled_{self.scenario}(path='photos')\""
        is_set = self.path.startswith("torchvision:")
        place = self.path if is_set else path_of(self.path, example).absolute()
        test = path_of(self.test, example).absolute() if self.test else None
        if "states" not in vars(self):  # once, since a folder may have many files
            vars(self)["states"] = tuple(state_of(one) for one in (place, test) if isinstance(one, Path))
        return _load(place, self._reading(), test, vars(self)["states"])

    def columns(self) -> LabelColumns:
        """Those that the arguments name."""
        column = self.by if self.by not in (None, "class") and not Cut(self.by or "").timed else None
        return LabelColumns(
            self.image,
            self.text,
            self.label,
            self.time,
            self.split,
            column,
            self.group,
            tuple(map(str, self.features)) if isinstance(self.features, list) and self.features else None,
            tuple(map(str, self.without or ())),
        )

    def _reading(self) -> own.Options:
        timed = self.time is not None or Cut(self.by or "").timed
        size = self.size or (pretrained.backbone(self.backbone).side if self.backbone else None)
        return own.Options(self.columns(), self.unit, timed, size, self.buckets, self.of_words, self.size)

    def _by(self) -> str:
        """What tasks are cut by. In the domain-incremental scenario time, where there is one. Raises
        InputError for times that cannot be read."""
        if self.by:
            return self.by
        if self.scenario != "domain":
            return "class"
        found = self.found()
        if why := why_undated(found):
            raise InputError(f"{why}; or cut otherwise: by='class'")
        return dividing.calendar_of(found, self.min_rows) or "class"

    def cut(self) -> Cut:
        """How the rows are cut into slices and held out."""
        return Cut(self._by(), self.count, self.min_rows, self.held_out, self.duplicates)

    def contents(self) -> Divided:
        return _divided(self.found(), self.cut(), self.path or "x")

    def fingerprint(self) -> str:
        self._check(self.contents())
        return super().fingerprint()

    # ---- tasks

    def make_stream(self, images: Divided, seeds: list[int]) -> LabelledStream:
        images = replace(images, shape=None)  # so that nobody draws what a user's images taught into a record
        if images.by == "class":
            groups = self._groups(images, seeds)
            if self.scenario != "class" and max(map(len, groups)) == 1:
                raise InputError(
                    f"each task has one class, so labelled_{self.scenario} has nothing to learn: put two or "
                    "more in a task with tasks= or classes=, cut by time or a column with by=, or take "
                    "labelled_class"
                )
            check_groups(groups, images.classes, set(images.y_test.unique().tolist()), self.scenario)
            stream = split_by_class(images, groups, self.scenario, seeds)
        else:
            assert images.part is not None and images.part_test is not None
            stream = split_by_part(
                images, images.part, images.part_test, len(images.classes), self.scenario, seeds
            )
        if self.shots:
            stream.tasks = [
                stream.tasks[0],
                *(_few(stream, t, self.shots) for t in range(1, len(stream.tasks))),
            ]
        return stream

    def _groups(self, images: Divided, seeds: list[int]) -> list[list[int]]:
        """The classes of each task, where tasks are cut by class."""
        return class_groups(
            images.classes,
            images.first_seen,
            seeds,
            order=self.order,
            tasks=self.tasks or self._usual_tasks(images),
            classes=self.classes,
        )

    def _usual_tasks(self, images: Divided) -> int | None:
        """Where nothing is said, as many as have two classes each if a task's own classes alone are told
        apart."""
        if self.classes or self.scenario == "class":
            return None
        return max(min(TASKS, len(images.classes) // 2), 2)

    # ---- network

    def network(self) -> Network:
        images = self.contents()
        shape = images.shape or (images.x.shape[1],)
        net = self.net or ("small_conv" if images.shape else "linear")
        return self.network_of(net, shape, self._outputs(images))

    def _outputs(self, images: Divided) -> int:
        if images.by != "class":
            return len(images.classes) * (len(images.slices) if self.scenario == "task" else 1)
        groups = self._groups(images, [0])
        return max(map(len, groups)) if self.scenario == "domain" else len({one for g in groups for one in g})


def _few(stream: LabelledStream, t: int, shots: int) -> Task:
    """Task t with `shots` training examples of each class, drawn by a key."""
    task = stream.tasks[t]
    labels = stream.labels(task.train)
    kept = []
    for label in labels.unique().tolist():
        own_rows = (labels == label).nonzero().squeeze(1)
        drawn = torch.randperm(len(own_rows), generator=generator(0, f"shots of output {label}", t))
        kept.append(own_rows[drawn[:shots].to(own_rows.device)])
    return Task(task.train[torch.cat(kept).sort().values], task.test, task.classes)


@lru_cache(maxsize=4)
def _load(path: Path | str, options: own.Options, test: Path | None, states: tuple) -> Found:
    """states: of the files, so that what has changed is read anew."""
    return own.load(path, options, test)


@lru_cache(maxsize=4)
def _divided(found: Found, cut: Cut, source: str) -> Divided:
    return divide(found, cut, source)
