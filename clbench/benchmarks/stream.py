"""Dated pairs of one's own, cut by time: -b "stream(path='my.parquet', time='date', by='year')"."""
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from clbench.core.benchmark import Benchmark
from clbench.data import files
from clbench.data.pairs import icons, store
from clbench.data.pairs.pairs import Pairs
from clbench.data.pairs.rows import Columns
from clbench.errors import InputError, Unavailable
from clbench.models import open_clip
from clbench.models.dual_encoder import DualEncoder
from clbench.models.functional import Functional
from clbench.models.text_encoder import TextEncoder
from clbench.streams.pairs import PairStream, budget


@dataclass
class DatedPairs(Benchmark):
    """`clbench data inspect` takes the same arguments and says what they give. Paths are looked for from here, then in
    $CLBENCH_DATA."""

    path: str = ""                       # a table (csv, tsv, jsonl, parquet, npz) or a folder of tables or tar shards
    test: str | None = None              # the same for test pairs; None: they are held out
    image: str | None = None             # columns; None: the usual names
    text: str | None = None
    caption: str | None = None
    time: str | None = None
    unit: Literal["iso", "s", "ms"] = "iso"      # of times
    by: str = "year"                     # year, quarter, month, quantile, name, or edges: "2014-01-01,2016-01-01"
    count: int | None = None             # of slices, by quantile
    min_rows: int = 500                  # neighbouring slices are joined until each has so many
    n_test: int | None = None            # test pairs of a slice; None: as many as every slice has, up to 400
    most: int | None = None              # training pairs of a slice
    size: int | None = None              # of images
    buckets: int = 2048                  # numbers that words may have
    length: int = 24                     # words of a text
    only: str | None = None              # a list of uids: leave out all others
    exclude: str | None = None           # a list of uids to leave out
    model: str | None = None             # of open_clip (extra `clip`), or the JSON file of one; None: small towers
    weights: str | None = None           # its checkpoint, where training starts; None: untrained
    memory: int = 400

    scenarios = ()
    by_name_only = True
    scenario = "pairs"
    budgets = {"smoke": budget(30), "quick": budget(60), "full": budget(600)}
    aliases = {
        "icons": {"path": "icons.npz", "by": "quantile", "count": 6},
        "news": {"path": "TEXT_PAIRS/news.jsonl.gz", "text": "headline", "caption": "description", "by": "quantile", "count": 4,
                 "most": 2000, "buckets": 8192, "length": 48},
        "commits": {"path": "TEXT_PAIRS/commits.jsonl.gz", "text": "headline", "caption": "description", "by": "quantile",
                    "count": 4, "most": 3000, "buckets": 8192, "length": 48},
    }

    def contents(self) -> Pairs:
        columns = Columns(self.image, self.text, self.caption, self.time)
        size, length = (open_clip.image_size(self.model)[0], open_clip.context_length(self.model)) if self.model else \
            (self.size, self.length)
        options = store.Options(
            columns, self.unit, tuple(self.by.split(",")) if "," in self.by else self.by, self.count, self.min_rows,
            n_test=self.n_test, most=self.most, least=self.rows or self.budgets["quick"].rows, size=size, length=length,
            buckets=self.buckets, tokens="clip" if self.model else "words",
            only=str(found(self.only)) if self.only else None, exclude=str(found(self.exclude)) if self.exclude else None)
        return _read(found(self.path), options, found(self.test) if self.test else None)

    def make_stream(self, pairs: Pairs, seeds: list[int]) -> PairStream:
        return PairStream(pairs, seeds)

    def network(self) -> Functional:
        pairs = self.contents()
        if self.model and not pairs.shape:
            raise InputError(f"{self.model} is for images with texts; {self.path} has texts with texts")
        if self.model:
            return open_clip.OpenClip(self.model, self.weights)
        return DualEncoder(pairs.shape, self.buckets) if pairs.shape else TextEncoder(idf(pairs, self.buckets))


@lru_cache(maxsize=4)
def _read(path: Path, options: store.Options, test: Path | None) -> Pairs:
    return store.load(path, options, test)


def found(path: str) -> Path:
    """The path from here, in a data folder, or in the package."""
    if not path:
        raise InputError("stream needs a path: -b \"stream(path='my.parquet')\"")
    places = [Path(path), *(folder / path for folder in files.folders()), Path(icons.__file__).parent / path]
    there = next((place for place in places if place.exists()), None)
    if there is None:
        raise Unavailable(f"{path} is not here: put it under $CLBENCH_DATA, or give another path")
    return there


def idf(pairs: Pairs, buckets: int) -> np.ndarray:
    """[buckets] float32: log(n / (1 + texts with the word)) among the training texts of the first slice; never below 0."""
    texts = np.concatenate([pairs.left[pairs.train[0]], pairs.right[pairs.train[0]]])
    often = np.zeros(buckets)
    for text in texts:
        often[np.unique(text)] += 1
    return np.log(len(texts) / (1 + often)).clip(0).astype(np.float32)
