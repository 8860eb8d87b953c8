"""Turns texts and columns of a table into numbers."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from clbench.data import word_vectors
from clbench.data.labelled.blocks import check_names
from clbench.data.pairs.rows import plain
from clbench.errors import InputError

MOST_KINDS = 50  # different texts of a column that becomes a column of 0 and 1 for each
SOME = 1000  # texts at a time
MISSING = ("", "na", "n/a", "nan", "null", "none")  # what a missing number is written as, in any case
NUMBERS = 0.99  # a column of which so many values are numbers is one of numbers


def numbers_of_texts(texts: Sequence[str], buckets: int, vectors: bool) -> Iterator[np.ndarray]:
    """[some, d] at a time: hashed counts, or means of pretrained word vectors."""
    return word_vectors.means(texts) if vectors else hashed_texts(texts, buckets)


def hashed_texts(texts: Sequence[str], buckets: int) -> Iterator[np.ndarray]:
    """How often each text has words and pairs of words, in the first half of the columns, and sequences of
    three and four characters, in the second: [some, buckets] uint8 at a time. Hashes give the columns, so
    nothing is fitted."""
    from sklearn.feature_extraction.text import HashingVectorizer

    kind: dict[str, Any] = {"n_features": buckets // 2, "alternate_sign": False, "norm": None}
    ways = [
        HashingVectorizer(ngram_range=(1, 2), **kind),
        HashingVectorizer(analyzer="char_wb", ngram_range=(3, 4), **kind),
    ]
    for start in range(0, len(texts), SOME):
        some = texts[start : start + SOME]
        counts = [way.transform(some).toarray() for way in ways]
        yield np.concatenate(counts, 1).clip(0, 255).astype(np.uint8)


class Numbers(NamedTuple):
    """What a frame of pandas became."""

    x: np.ndarray  # [n, d] float32
    spans: list[tuple[str, int, int]]  # (name, first, behind the last) of what each column became
    numeric: int  # how many of the d, the first ones, are numbers to be standardised
    notes: list[str]
    keys: list[bytes]  # equal where rows are, whatever other rows there are


def as_float32(values: np.ndarray) -> np.ndarray:
    """The numbers as they are learnt; those over 3.4e38, which no float32 holds, are infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def numbers_of(frame: Any, source: str) -> Numbers:
    """A column of texts becomes a column of 0 and 1 for each of them. Missing numbers are NaN. Raises
    InputError for a column of too many different texts.
    """
    import pandas as pd

    numeric, kinds, words, notes = {}, {}, [], []
    names = [str(name) for name in frame.columns]
    check_names(names, source)
    for place, name in enumerate(names):
        values = frame.iloc[:, place]
        if values.dtype == object:  # again object: pandas would choose another type
            values = pd.Series([plain(value) for value in values], values.index, dtype=object)
        if values.map(lambda value: isinstance(value, dict | list | bytes | np.ndarray)).any():
            raise InputError(f'{source}: "{name}" has lists or bytes: leave it out with without=[{name!r}]')
        filled = values.where(~values.astype(str).str.strip().str.lower().isin(MISSING), None)
        read = pd.to_numeric(filled, errors="coerce").astype(float)
        there = filled.notna()
        if not there.any():
            notes.append(f'"{name}" is empty, so it is no feature')
        elif np.isfinite(read[there]).mean() >= NUMBERS:
            numbers = as_float32(read.to_numpy())
            numeric[name] = np.where(np.isfinite(numbers), numbers, np.float32(np.nan))
            if missing := int(np.isnan(numeric[name]).sum()):
                notes.append(f'"{name}" is missing or no number in {missing} rows: its mean stands there')
        else:
            texts = filled.where(there, "").astype(str)
            found = sorted(texts.unique())
            if len(found) > MOST_KINDS:
                raise InputError(
                    f'{source}: "{name}" has {len(found):,} different texts: leave it out with '
                    f"without=[{name!r}], or read it as the text with text={name!r}"
                )
            words.append(texts)
            kinds[name] = (texts.to_numpy()[:, None] == np.array(found, object)).astype(np.float32)
    columns = [value[:, None] for value in numeric.values()] + list(kinds.values())
    if not columns:
        raise InputError(f"{source}: no column holds anything that can be a feature")
    ends = np.cumsum([column.shape[1] for column in columns]).tolist()
    spans = [
        (name, end - column.shape[1], end)
        for name, column, end in zip([*numeric, *kinds], columns, ends, strict=True)
    ]
    x = np.concatenate(columns, 1)
    said = ["\x1f".join(row).encode() for row in zip(*words, strict=True)] or [b""] * len(x)
    keys = [row.tobytes() + word for row, word in zip(x[:, : len(numeric)], said, strict=True)]
    return Numbers(x, spans, len(numeric), notes, keys)
