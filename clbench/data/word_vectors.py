"""Pretrained word vectors: WordLlama's, from the files in its package (extra `pretrained`)."""

import importlib.util
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clbench.data.extras import not_installed

NAME = "wordllama"
SOME = 1000  # texts at a time


def weights() -> Path:
    """The file of the vectors. Raises Unavailable where the package is not installed."""
    return _package() / "weights" / "l2_supercat_256.safetensors"


def means(texts: Sequence[str]) -> Iterator[np.ndarray]:
    """The mean of the vectors of each text's words, or of the pieces of longer words: [some, 256] float32 at
    a time; 0 for a text without any. As the package's own `embed` gives it."""
    tokenizer, vectors = _loaded()
    for start in range(0, len(texts), SOME):
        read = tokenizer.encode_batch(list(texts[start : start + SOME]), add_special_tokens=False)
        found = np.zeros((len(read), vectors.shape[1]), np.float32)
        for row, text in zip(found, read, strict=True):
            if text.ids:
                row[:] = vectors[text.ids].mean(0)
        yield found


def pieces(texts: Sequence[str], length: int) -> np.ndarray:
    """Words of texts, or pieces of longer words, as rows of `table`: [n, length] int64, 0 where a text has
    ended. What is beyond `length` is cut off."""
    tokenizer, _ = _loaded()
    numbers = np.zeros((len(texts), length), np.int64)
    for start in range(0, len(texts), SOME):
        read = tokenizer.encode_batch(list(texts[start : start + SOME]), add_special_tokens=False)
        for row, text in zip(numbers[start:], read, strict=False):
            ids = text.ids[:length]
            row[: len(ids)] = [1 + one for one in ids]
    return numbers


def table() -> np.ndarray:
    """The vectors by the numbers of `pieces`: [1 + words, 256] float32, row 0 of zeros.

    The first numbers of a vector are made to be used alone (Kusupati et al. 2022, Matryoshka
    representations)."""
    vectors = _loaded()[1]
    return np.concatenate([np.zeros_like(vectors[:1]), vectors])


@lru_cache
def _loaded() -> tuple[Any, np.ndarray]:
    """(tokenizer, vectors [words, 256]). The package itself is not imported: it sets up everybody's log."""
    folder = _package()
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    return tokenizer, load_file(weights())["embedding.weight"].astype(np.float32)


def _package() -> Path:
    specs = [importlib.util.find_spec(name) for name in (NAME, "tokenizers", "safetensors")]
    if not all(specs) or specs[0] is None or specs[0].origin is None:
        raise not_installed(NAME, "pretrained")
    return Path(specs[0].origin).parent
