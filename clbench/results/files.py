"""Files of results: readable JSON, written whole or not at all, and read with suspicion."""

import contextlib
import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

from clbench.errors import BrokeOff

LARGEST = 64 << 20  # bytes of a file that is read; a record has some ten thousand
DEEPEST = 32  # lists and objects within each other; a record has six


def write_atomically(path: Path, content: str | bytes) -> None:
    """To a temporary file, fsynced, renamed; text as UTF-8. BrokeOff where that cannot be done, as on a full
    disk."""
    try:
        _write_atomically(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BrokeOff(
            f"{path} cannot be written: {error.strerror}; what was there before is whole"
        ) from None


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the folder may be gone
            os.unlink(temporary)
        raise


def read_json(path: Path) -> Any:
    """What a JSON file from anywhere holds. ValueError, whose text says what is wrong with the file, for
    anything but a regular file of sane size and nesting, in UTF-8, with finite numbers and whole characters.
    """
    try:
        found = path.stat()  # a pipe or a device is not even opened: it might never end
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("no regular file")
        if found.st_size > LARGEST:
            raise ValueError(f"{found.st_size >> 20} MiB are too much, at most {LARGEST >> 20} are read")
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
        _check_values(content)
    except OSError as error:
        raise ValueError(f"not readable ({error.strerror or error})") from None
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} deep") from None
    except ValueError as error:
        plain = type(error) is ValueError  # ours; a decoder's is of a kind of its own
        raise ValueError(str(error) if plain else f"not readable as JSON ({error})") from None
    return content


def _refuse(name: str) -> None:
    raise ValueError(f"holds {name}, which is no number of JSON")


def _check_values(content: Any) -> None:
    """ValueError for deep nesting, numbers that are not finite, and halves of characters."""
    level = [content]
    for _ in range(DEEPEST):
        values = [value for one in level for value in _inside(one)]
        if any(isinstance(value, float) and abs(value) == float("inf") for value in values):
            raise ValueError("holds a number that is not finite")
        for text in values:
            if isinstance(text, str) and not text.isascii():
                text.encode()  # UnicodeEncodeError, a ValueError, for half a character
        level = [value for value in values if isinstance(value, dict | list)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} deep")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else [value] if isinstance(value, float | str) else []


def readable(content: dict) -> str:
    """JSON with one line per field and per row of the array. Line breaks are never inside a string, so texts
    stay as they are."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    rows = re.compile(r"\[\n *([^\[\]{}]*?)\n *\]")
    return rows.sub(lambda found: "[" + re.sub(r",\n *", ", ", found[1]) + "]", text) + "\n"
