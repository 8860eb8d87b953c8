"""Turns texts into arrays of numbers for the text towers, without a vocabulary fitted to the data.

A fitted vocabulary would tell the past about words to come.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np

WORD = re.compile(r"\w+")
CLIP_CHUNK = 4096  # texts that CLIP's tokenizer takes at a time
# First and last code points of scripts that put no space between words: there a token is a character.
WITHOUT_SPACES = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x30FF),  # radicals, kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # Chinese characters
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x20000, 0x3FFFF),
)
PICTURES = 0x2300  # from here on a symbol ("So") is a picture, as emoji are; ©, ° and № stand before
JOINERS = "\u200c\u200d"  # shape the letters of a word and do not end it


def split(text: str) -> list[str]:
    """The tokens of a text: words in lower case, with their combining marks; single characters of scripts
    that put no spaces between words; emoji.

    Canonically equal texts have the same tokens (Unicode's form C).
    """
    if text.isascii():
        return WORD.findall(text.lower())
    tokens: list[str] = []
    growing = False  # whether the last token is a word that may go on
    for character in unicodedata.normalize("NFC", text).lower():
        kind = unicodedata.category(character)
        if kind[0] == "M":  # marks belong to the character before
            if tokens and growing and kind != "Me" and not "\ufe00" <= character <= "\ufe0f":
                tokens[-1] += character
        elif character in JOINERS:
            pass
        elif not (character.isalnum() or character == "_"):
            growing = False
            if kind == "So" and ord(character) >= PICTURES:
                tokens.append(character)
        elif any(first <= ord(character) <= last for first, last in WITHOUT_SPACES):
            tokens.append(character)
            growing = True
        elif growing and not _is_alone(tokens[-1]):
            tokens[-1] += character
        else:
            tokens.append(character)
            growing = True
    return tokens


def _is_alone(token: str) -> bool:
    """Whether a token is a character of a script without spaces."""
    return any(first <= ord(token[0]) <= last for first, last in WITHOUT_SPACES)


def hash_words(texts: Sequence[str], buckets: int = 2048, length: int = 24) -> np.ndarray:
    """Each word's crc32 modulo the buckets, counted from 1: [n, length] int64, 0 where a text has ended.

    Words beyond `length` are cut off. It is crc32, since Python's own `hash` differs from process to process.
    """
    numbers = np.zeros((len(texts), length), np.int64)
    for row, text in zip(numbers, texts, strict=True):
        words = split(text)[:length]
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
