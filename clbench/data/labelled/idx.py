"""Reads idx, the file format of MNIST and its relatives.

A file holds two zero bytes, the type of its values, the number of axes, the length of each axis, and the
values.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from clbench.errors import InputError

GZIP = b"\x1f\x8b"
UNSIGNED_BYTES = 8


def read(path: Path) -> np.ndarray:
    """The uint8 array (read-only) of an idx file. The first bytes tell whether it is gzipped, not the name.

    Raises InputError for a file that cannot be read or is not whole.
    """
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return _parse(content, path)


def _parse(content: bytes, path: Path) -> np.ndarray:
    """The array that the bytes of an idx file stand for; the path is for messages."""
    start = 4 + 4 * content[3] if len(content) > 3 else 4  # of the values; byte 3 is the number of axes
    if content[:3] != bytes([0, 0, UNSIGNED_BYTES]) or len(content) < start:
        beginning = content[:4].hex(" ") or "nothing"
        raise InputError(f"{path} is no idx file of unsigned bytes: it starts with {beginning}")
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    held = len(content) - start
    if held != math.prod(shape):
        raise InputError(f"{path} should hold {math.prod(shape)} values, shape {shape}, but holds {held}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
