"""Dated pairs of one's own, cut by time: -b "stream(path='my.parquet', time='date', by='year')"."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from clbench.core.benchmark import Benchmark
from clbench.core.ranges import Count, Pixels, Text
from clbench.data import word_vectors
from clbench.data.pairs import icons, store
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.rows import Columns
from clbench.data.places import path_of
from clbench.data.states import state_of
from clbench.errors import InputError
from clbench.models import open_clip
from clbench.models.dual_encoder import DualEncoder
from clbench.models.functional import Functional
from clbench.models.text_encoder import TextEncoder
from clbench.models.text_transformer import CaptionTransformer, TextTransformer
from clbench.streams.pairs import PairStream, budget


@dataclass
class DatedPairs(Benchmark):
    """`clbench data inspect` takes the same arguments and says what they give.

    A path is looked for from the current folder, then in $CLBENCH_DATA, then among the sets that the
    package embeds.
    """

    path: Text = ""  # a table (csv, tsv, jsonl, parquet, npz), or a folder of files
    test: Text | None = None  # the same for test pairs kept apart; None: some pairs are held out
    image: Text | None = None  # name of the column; None: the first usual name that is there
    text: Text | None = None  # likewise, and so on
    caption: Text | None = None
    time: Text | None = None
    unit: Literal["iso", "s", "ms"] = "iso"  # of times
    by: Text = "year"  # year | quarter | month | quantile | name, or edges: "2014-01-01,…"
    count: Annotated[int, Meta(ge=1, le=10_000)] | None = None  # number of slices, by quantile
    min_rows: Count = 500  # neighbours on the calendar are joined until each slice has so many
    n_test: Count | None = None  # test pairs of a slice; None: as many as every slice has, up to 400
    most: Count | None = None  # training pairs of a slice
    size: Pixels | None = None  # pixels of a side of an image; None: 32, or as they are in an npz
    buckets: Annotated[int, Meta(ge=2, le=10**7)] = 2048  # different numbers that words may have
    length: Annotated[int, Meta(ge=1, le=10_000)] = 24  # words of a text
    only: Text | None = None  # a list of uids: leave out all others
    exclude: Text | None = None  # a list of uids to leave out
    model: Text | None = None  # of open_clip (extra `clip`), or the JSON file of one; None: our own
    # Where training starts: the model's checkpoint; of net='transformer' 'wordllama', pretrained vectors of
    # words (extra `pretrained`). None: untrained.
    weights: Text | None = None
    net: Literal["transformer"] | None = None  # that reads the texts; None: sums of word vectors
    memory: Count = 400

    scenarios = ()
    tasks_are = "slices by date"
    data_are = "your own dated pairs"
    by_name_only = True
    scenario = "pairs"
    ranks_by = "stream_backward"  # is what was learnt kept?
    budgets = {"smoke": budget(30), "quick": budget(60), "full": budget(600)}
    aliases = {
        "icons": {"path": "icons.npz", "by": "quantile", "count": 6},
        "news": {
            "path": "TEXT_PAIRS/news.jsonl.gz",
            "text": "headline",
            "caption": "description",
            "by": "quantile",
            "count": 4,
            "most": 2000,
            "buckets": 8192,
            "length": 48,
        },
        "commits": {
            "path": "TEXT_PAIRS/commits.jsonl.gz",
            "text": "headline",
            "caption": "description",
            "by": "quantile",
            "count": 4,
            "most": 3000,
            "buckets": 8192,
            "length": 48,
        },
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model and self.net:
            raise InputError(f"model={self.model!r} is a network, and so is net={self.net!r}: give one")
        if self.weights and not self.model and (self.net is None or not self.pretrained):
            raise InputError(
                f"weights={self.weights!r} are of no network: give model= for a checkpoint, or take "
                f"net='transformer' with weights={word_vectors.NAME!r}"
            )

    @property
    def pretrained(self) -> bool:
        """Whether words have pretrained vectors."""
        return self.model is None and self.weights == word_vectors.NAME

    @property
    def files(self) -> tuple[str, ...]:  # type: ignore[override]
        """The file that says what the model is; the weights' digest stands in the network's name."""
        return (os.path.abspath(self.model),) if self.model and self.model.endswith(".json") else ()

    def contents(self) -> Pairs:
        size, length, tokens = self.size, self.length, "words"
        if self.model:  # the model says what it takes
            size = open_clip.image_size(self.model)[0]
            length = open_clip.context_length(self.model)
            tokens = "clip"
        if self.pretrained:
            tokens = word_vectors.NAME
        options = store.Options(
            columns=Columns(self.image, self.text, self.caption, self.time),
            unit=self.unit,
            by=tuple(self.by.split(",")) if "," in self.by else self.by,
            count=self.count,
            min_rows=self.min_rows,
            n_test=self.n_test,
            most=self.most,
            least=self.rows or self.budgets["quick"].rows,
            size=size,
            length=length,
            buckets=self.buckets,
            tokens=tokens,
            only=str(find(self.only)) if self.only else None,
            exclude=str(find(self.exclude)) if self.exclude else None,
        )
        path, test = find(self.path).absolute(), find(self.test).absolute() if self.test else None
        return _load(path, options, test, (state_of(path), state_of(test)))

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> Functional:
        pairs = self.contents()
        if self.model and not pairs.shape:
            raise InputError(f"{self.model} is for images with texts; {self.path} has texts with texts")
        if self.model:
            return open_clip.OpenClip(self.model, self.weights)
        vectors = word_vectors.table() if self.pretrained else None
        words = self.buckets if vectors is None else len(vectors)
        if self.net and pairs.shape:
            return CaptionTransformer(pairs.shape, words, self.length, vectors=vectors)
        if self.net:
            return TextTransformer(idf(pairs, words), self.length, vectors=vectors)
        if pairs.shape:
            return DualEncoder(pairs.shape, self.buckets)
        return TextEncoder(idf(pairs, self.buckets))


@lru_cache(maxsize=4)
def _load(path: Path, options: store.Options, test: Path | None, states: tuple) -> Pairs:
    """states: of the files, so that what has changed is read anew."""
    return store.load(path, options, test)


def find(path: str) -> Path:
    """Where the path is, from the current folder, in a data folder, or in the package.

    Raises Unavailable where there is none.
    """
    example = "stream needs a path: -b \"stream(path='my.parquet')\""
    return path_of(path, example, (Path(icons.__file__).parent,))


def idf(pairs: Pairs, buckets: int) -> np.ndarray:
    """The inverse document frequency of each word among the n training texts of the first slice: [buckets]
    float32.

    log(n / (1 + number of texts with the word)), and never below 0.
    """
    texts = np.concatenate([pairs.left[pairs.train[0]], pairs.right[pairs.train[0]]])
    often = np.zeros(buckets)
    for text in texts:
        often[np.unique(text)] += 1
    return np.log(len(texts) / (1 + often)).clip(0).astype(np.float32)
