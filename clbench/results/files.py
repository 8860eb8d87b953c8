"""Files of results: readable JSON, written whole or not at all."""
import json
import os
import re
import tempfile
from pathlib import Path

from clbench.core.paths import check_writable  # noqa: F401    # beside what writes


def write_atomically(path: Path, text: str) -> None:
    """To a temporary file, fsynced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def readable(content: dict) -> str:
    """JSON with one line per field and per row of the array. Line breaks are never inside a string, so texts
    stay as they are."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    rows = re.compile(r"\[\n *([^\[\]{}]*?)\n *\]")
    return rows.sub(lambda found: "[" + re.sub(r",\n *", ", ", found[1]) + "]", text) + "\n"
