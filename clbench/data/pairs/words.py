"""Texts as numbers, without a vocabulary: a fitted one would tell the past about words to come."""
import re
import zlib
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"\w+")


def numbered(texts: Sequence[str], buckets: int = 2048, length: int = 24) -> np.ndarray:
    """[n, length] int64: each word's crc32 modulo the buckets, from 1; 0 where a text has ended. Later words are cut off.

    crc32, since Python's own `hash` differs from process to process.
    """
    numbers = np.zeros((len(texts), length), np.int64)
    for row, text in zip(numbers, texts, strict=True):
        words = [1 + zlib.crc32(word.encode()) % (buckets - 1) for word in WORD.findall(text.lower())[:length]]
        row[:len(words)] = words
    return numbers


def of_clip(texts: Sequence[str], length: int) -> np.ndarray:
    """[n, length] int64: CLIP's own byte pairs between its marks of start and end, whose vocabulary was fixed before."""
    from open_clip import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=length)
    return np.concatenate([tokenizer(list(texts[i:i + 4096])).numpy() for i in range(0, len(texts), 4096)])
