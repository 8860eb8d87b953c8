"""Tables of tuned values in their file: one is put in place, every other line stays as it is."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from clbench.core.tuned import trials_of
from clbench.errors import InputError
from clbench.results.files import write_atomically

Key = tuple[str, str, str]  # scenario or benchmark, profile, strategy
HEAD = "# Values that `clbench tune` has chosen on held-out training data. See clbench/core/tuned.py.\n"


def write_tables(path: Path, tables: dict[Key, dict[str, Any]]) -> None:
    """Puts the tables into the file, which is written whole or not at all."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    for key, table in tables.items():
        text = with_table(text, key, table, path)
    if tables:
        write_atomically(path, text)


def with_table(text: str, key: Key, table: dict[str, Any], path: Path) -> str:
    """The text with this table where the old one stood; a new one stands in the order of names among those
    that `clbench tune` has written, behind what persons have. InputError where the text does not allow it."""
    old = tomllib.loads(text)
    first, *blocks = _blocks(text)
    own = [block for block in blocks if _key_of(block)[:3] == key]
    if own:
        place = blocks.index(own[0])
    else:
        later = (i for i, block in enumerate(blocks) if _is_ours(block, old) and _key_of(block) > key)
        place = next(later, len(blocks))
    after = "".join(_after(block) for block in own) or "\n"
    rest = [block for block in blocks if block not in own]
    before = "".join([first, *rest[:place]])
    before = before if own else before.rstrip("\n") + "\n\n"
    made = f"{before}{_written(key, table)}{after}{''.join(rest[place:])}".rstrip("\n") + "\n"
    old.setdefault(key[0], {}).setdefault(key[1], {})[key[2]] = table
    try:
        right = tomllib.loads(made) == old
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        raise InputError(f"{path}: the table {_name(key)} cannot be put in; write it as [{_name(key)}]")
    return made


def _blocks(text: str) -> list[str]:
    """What stands before the first table, and each table with all lines up to the next."""
    blocks = [""]
    for line in text.splitlines(keepends=True):
        if line.startswith("[") and _is_table(line):
            blocks.append("")
        blocks[-1] += line
    return blocks


def _is_table(line: str) -> bool:
    """Whether a line begins one; `[[` begins an entry of a list."""
    try:
        return not line.startswith("[[") and bool(tomllib.loads(line))
    except tomllib.TOMLDecodeError:
        return False


def _key_of(block: str) -> tuple[str, ...]:
    """The names in the first line of a block."""
    names, level = [], tomllib.loads(block.split("\n")[0])
    while level:
        ((name, level),) = level.items()
        names.append(name)
    return tuple(names)


def _is_ours(block: str, content: dict[str, Any]) -> bool:
    table: Any = content
    for name in _key_of(block)[:3]:
        table = table[name]
    return bool(trials_of(table))


def _after(block: str) -> str:
    """The empty lines and comments at the end of a block: they belong to what follows."""
    lines = block.splitlines(keepends=True)
    end = max(i for i, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    return "".join(lines[end + 1 :])


# ---- as TOML


def _written(key: Key, table: dict[str, Any]) -> str:
    lines = [f"[{_name(key)}]"]
    for name, value in table.items():
        if isinstance(value, dict):
            lines += [f"{_bare(name)}.{_bare(inner)} = {_value(one)}" for inner, one in value.items()]
        else:
            lines.append(f"{_bare(name)} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _name(key: Key) -> str:
    return ".".join(map(_bare, key))


def _bare(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """A list of tables takes a line for each."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_bare(name)} = {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "[\n" + "".join(f"    {_value(one)},\n" for one in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers, true and false are written alike in both
