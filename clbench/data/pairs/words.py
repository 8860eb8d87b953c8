"""Turns texts into arrays of numbers for the text towers, without a vocabulary fitted to the data.

A fitted vocabulary would tell the past about words to come.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"\w+")
CLIP_CHUNK = 4096  # texts that CLIP's tokenizer takes at a time


def hash_words(texts: Sequence[str], buckets: int = 2048, length: int = 24) -> np.ndarray:
    """Each word's crc32 modulo the buckets, counted from 1: [n, length] int64, 0 where a text has ended.

    Words beyond `length` are cut off. It is crc32, since Python's own `hash` differs from process to process.
    """
    numbers = np.zeros((len(texts), length), np.int64)
    for row, text in zip(numbers, texts, strict=True):
        words = WORD.findall(text.lower())[:length]
        row[: len(words)] = [1 + zlib.crc32(word.encode()) % (buckets - 1) for word in words]
    return numbers


def clip_tokens(texts: Sequence[str], length: int) -> np.ndarray:
    """CLIP's byte pairs of each text between its start and end tokens: [n, length] int64. Needs open_clip.

    Their vocabulary was fixed before any stream began.
    """
    from open_clip import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=length)
    chunks = [list(texts[start : start + CLIP_CHUNK]) for start in range(0, len(texts), CLIP_CHUNK)]
    return np.concatenate([tokenizer(chunk).numpy() for chunk in chunks])
