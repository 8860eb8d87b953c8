import gzip
import struct

import numpy as np
import pytest

from clbench.data.labelled import idx
from clbench.errors import InputError

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 4) + ARRAY.tobytes()


@pytest.mark.parametrize("content", [WHOLE, gzip.compress(WHOLE)], ids=["raw", "gz"])
def test_reads_shape_and_values(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    np.testing.assert_array_equal(idx.read(path), ARRAY, strict=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "starts with nothing"),
        (b"<html>", "3c 68 74 6d"),
        (WHOLE[:10], "no idx file"),
        (b"\0\0\x0c\x01" + struct.pack(">Ii", 1, 7), "00 00 0c 01"),  # 32-bit integers
        (WHOLE[:-1], "should hold 24 values, shape (2, 3, 4), but holds 23"),
        (WHOLE + b"\0", "but holds 25"),
        (gzip.compress(WHOLE)[:-12], "cannot be read"),
        (gzip.compress(WHOLE)[:20] + bytes(30), "cannot be read"),
    ],
)
def test_names_a_file_that_is_cut_or_something_else(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        idx.read(path)
    message = str(caught.value)
    assert str(path) in message and says in message and "\n" not in message
