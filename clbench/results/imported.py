"""What a paper or another library says of a method, as means without the values of seeds: no records, but
rows to show beside them. One table for each profile, `imported.csv`."""

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from clbench.core.costs import COSTS
from clbench.core.paths import check_file
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.metrics.accuracy import METRICS
from clbench.results.files import LARGEST as LARGEST_FILE
from clbench.results.files import write_atomically
from clbench.results.record import LARGEST, LONGEST
from clbench.results.records import file_name
from clbench.spec import suggestion

FILE = "imported.csv"
PROFILE = "imported"  # of a row that names none
NEEDED = ("benchmark", "strategy", "metric", "mean")
COLUMNS = (*NEEDED, "sd", "n", "source")
DIFFERENCES = (
    "bwt",
    "fwt",
    "forgetting",
    "forgetting_last",
    "plasticity_gap",
    "plasticity_gap_equal",
    "joint_gap",
)  # of two accuracies
RATIOS = ("old_kept", "new_share", "recovered")  # which may pass 1
PERCENT = 1.5  # no fraction is as large


@dataclass(frozen=True)
class Imported:
    """A mean over n runs, of one metric (as a fraction) or cost, and their standard deviation."""

    profile: str
    benchmark: str
    strategy: str
    metric: str
    mean: float
    sd: float | None = None
    n: int | None = None
    source: str = ""  # who says so: a citation or a link

    @property
    def key(self) -> tuple[str, ...]:
        """What there is one value of."""
        return self.profile, self.benchmark, self.strategy, self.metric, self.source


def load_imported(folder: Path, profile: str = "*") -> tuple[list[Imported], list[str]]:
    """(the imported rows of a results folder, one line for each table that cannot be read)."""
    rows: list[Imported] = []
    problems: list[str] = []
    for path in sorted(Path(folder).glob(f"{profile}/{FILE}")):
        try:
            rows += read_csv(path, path.parent.name, COLUMNS)
        except InputError as error:
            problems.append(str(error))
    return rows, problems


def write(folder: Path, profile: str, rows: Iterable[Imported]) -> None:
    write_atomically(path_of(folder, profile), as_csv(rows))


def path_of(folder: Path, profile: str) -> Path:
    return Path(folder) / profile / FILE


def as_csv(rows: Iterable[Imported]) -> str:
    """The table of one profile's rows, in order."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row)[1:] for row in sorted(rows, key=lambda row: row.key))
    return file.getvalue()


# ---- reading


def read_csv(
    path: Path, profile: str = PROFILE, columns: Sequence[str] = ("profile", *COLUMNS)
) -> list[Imported]:
    """The rows of a table with some of these columns; `profile` is that of a row that names none. InputError,
    which names the line, for anything that is not as it has to be."""
    lines = _lines(path)
    _, header = next(lines, (1, []))
    _check_header(path, header, columns)
    rows = []
    for number, cells in lines:
        try:
            if len(cells) != len(header):
                raise ValueError(f"{len(cells)} fields where the first line has {len(header)}")
            rows.append(_row({"profile": ""} | dict(zip(header, cells, strict=True)), profile))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    return rows


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(number of the line, its cells) of every line that is not empty."""
    check_file(path)
    if os.path.getsize(path) > LARGEST_FILE:
        raise InputError(f"{path}: more than {LARGEST_FILE >> 20} MiB")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file, strict=True)
            for cells in table:
                if cells:
                    yield table.line_num, [cell.strip() for cell in cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no table of comma-separated values in UTF-8 ({error})") from None


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    there = f"; there are {', '.join(columns)}, of which {', '.join(NEEDED)} are needed"
    for name in header:
        if name not in columns:
            raise InputError(f'{path}: unknown column "{name}"{suggestion(name, columns)}{there}')
        if header.count(name) > 1:
            raise InputError(f'{path}: column "{name}" twice')
    if missing := [name for name in NEEDED if name not in header]:
        raise InputError(f"{path}: no column {', '.join(missing)}{there}")


def _row(cells: dict[str, str], profile: str) -> Imported:
    """ValueError for a cell that is not as it has to be."""
    profile = cells["profile"] or profile
    if file_name(profile) != profile:
        raise ValueError(f"profile: {profile!r} is no name of letters, digits and _")
    names = {name: _name(cells, name) for name in ("benchmark", "strategy")}
    metric = cells["metric"]
    if metric not in METRICS | COSTS:
        raise ValueError(f'metric: unknown "{metric}"{suggestion(metric, METRICS | COSTS)}')
    mean = _number(cells, "mean")
    sd = _number(cells, "sd") if cells.get("sd") else None
    if sd is not None and sd < 0:
        raise ValueError("sd: no standard deviation is less than 0")
    _check_range(metric, mean, sd)
    source = _name(cells, "source") if cells.get("source") else ""
    return Imported(profile, **names, metric=metric, mean=mean, sd=sd, n=_count(cells), source=source)


def _name(cells: dict[str, str], column: str) -> str:
    text = cells[column]
    if not text or len(text) > LONGEST or printable(text) != text:
        raise ValueError(f"{column}: has to be a text of one line")
    return text


def _number(cells: dict[str, str], column: str) -> float:
    try:
        value = float(cells[column])
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise ValueError(f"{column}: {cells[column]!r} is no number, like 0.73")
    return value


def _count(cells: dict[str, str]) -> int | None:
    text = cells.get("n", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ValueError(f"n: {text!r} is no whole number from 1 on")
    return int(text) if text else None


def _check_range(metric: str, mean: float, sd: float | None) -> None:
    """Metrics are fractions: what is more is likely to be in percent."""
    if metric in COSTS:
        if mean < 0 and not COSTS[metric].derived:
            raise ValueError(f"mean: no {metric} is less than 0")
        return
    if mean > PERCENT or (sd or 0) > PERCENT or (mean < -PERCENT and metric not in RATIOS):
        raise ValueError(f"{metric}: values are fractions, so divide mean and sd by 100")
    lowest = -1 if metric in DIFFERENCES else 0
    if metric not in RATIOS and not lowest <= mean <= 1:
        raise ValueError(f"mean: {metric} lies between {lowest} and 1")
