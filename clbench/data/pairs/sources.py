"""Where a user's files lie: a table or tar file, or all below a folder, in the order of their names."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clbench.data import sums
from clbench.data.pairs import shards, tables
from clbench.data.pairs.rows import Columns, Rows
from clbench.data.places import files_below
from clbench.errors import InputError

VERSION = 2  # of the stored form; another number builds all folders anew


@dataclass(frozen=True)
class Source:
    """Where pairs are read: a table or tar file, or all below a folder."""

    path: Path
    files: tuple[Path, ...]  # in the order of their names
    metadata: tuple[Path, ...]  # tables beside a tar file of the same name: they say again what it holds

    @classmethod
    def at(cls, path: Path) -> "Source":
        """Raises InputError where there is nothing to read."""
        if path.is_file():
            found = [path] if _is_readable(path) else []
        elif path.is_dir():
            found = sorted(filter(_is_readable, files_below(path)), key=natural_order)
        else:
            raise InputError(f"{path} is not there")
        if not found:
            raise InputError(
                f"{path}: nothing to read; give a table ({', '.join(tables.SUFFIXES)}, also .gz), "
                "or a folder of tables or .tar files"
            )
        shards_there = {file for file in found if file.suffix == ".tar"}
        beside = [
            file for file in found if file.with_name(f"{tables.stem(file)}.tar") in shards_there - {file}
        ]
        return cls(path, tuple(file for file in found if file not in beside), tuple(beside))

    @property
    def root(self) -> Path:
        """The folder that names of files, and of slices, count from."""
        return self.path if self.path.is_dir() else self.path.parent

    def rows(self, columns: Columns) -> Rows:
        for path in self.files:
            reader = shards if path.suffix == ".tar" else tables
            yield from reader.read(path, self.root, columns)

    def contents(self, columns: Columns) -> tuple[list[list[Any]], list[list[Any]]]:
        """([name, size, SHA-256] of each file, [name, SHA-256 or None where there is none] of each file that
        rows point to)."""
        hashes = sums.of(self.files, self.path)
        listed: list[list[Any]] = [
            [path.relative_to(self.root).as_posix(), path.stat().st_size, found]
            for path, found in zip(self.files, hashes, strict=True)
        ]
        pointed = sums.kept(
            "pointed", [VERSION, listed, asdict(columns)], lambda: self._pointed_at(columns)
        )  # [number of the table, what it says]
        places = [tables.file_of(self.files[i], said, said) for i, said in pointed]
        found = sums.of([place for place in places if place is not None], self.path)
        return listed, [[said, one] for (_, said), one in zip(pointed, found, strict=True)]

    def _pointed_at(self, columns: Columns) -> list[list[Any]]:
        """[number of a table, what it says] for each file that a row points to, once."""
        return [
            [i, said]
            for i, path in enumerate(self.files)
            if path.suffix != ".tar"
            for said in dict.fromkeys(tables.pointed_at(path, self.root, columns))
        ]


def _is_readable(path: Path) -> bool:
    return path.suffix == ".tar" or tables.suffix(path) in tables.SUFFIXES


def natural_order(path: Path) -> list:
    """A key for sorting by which batch_2 comes before batch_10."""
    parts = re.split(r"(\d+)", str(path))
    return [_of_number(part) if place % 2 else (1, 0, part) for place, part in enumerate(parts)]


def _of_number(digits: str) -> tuple[int, int, str]:
    """In the order of numbers, also of so many digits that `int` refuses them."""
    significant = digits.lstrip("0")
    return 0, len(significant), significant
