"""Records of two results folders, of two commits, or of two methods, compared; and that in words."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clbench.core import tuned
from clbench.core.text import printable
from clbench.metrics import verdict
from clbench.metrics.accuracy import METRICS
from clbench.metrics.comparison import (
    NOT_COMPARED,
    ORDER,
    Compared,
    Comparison,
    compare_methods,
    compare_pair,
)
from clbench.metrics.statistics import Summary
from clbench.metrics.verdict import Verdict, points
from clbench.report.formats import json_text, markdown_text
from clbench.report.values import Entry, entries
from clbench.results import judged
from clbench.results.baselines import Results, entry_of, machines_of, side_of
from clbench.results.record import Record

Place = tuple[str, str, str]  # profile, benchmark, strategy


@dataclass(frozen=True)
class Row:
    """What became of a pair, or of two methods on a benchmark."""

    profile: str
    benchmark: str
    a: str  # the strategy of each side
    b: str
    stale: dict[str, bool]  # of each side that has a record
    comparison: Comparison


def entries_at(
    records: Sequence[Record], places: Collection[Place], folder: Path | None = None
) -> dict[Place, Entry]:
    """The records of one side at these places, with all that follows from them. References count whatever
    source made them: each side has its own, also one of the past. folder: of the records; the values tuned
    beside them hold."""
    tuned.use(folder)
    tables: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        tables.setdefault((record.profile, record.benchmark), []).append(record)
    return {
        (*table, entry.record.strategy): entry
        for table, around in tables.items()
        for entry in entries(
            [one for one in around if (*table, one.strategy) in places], around, stale_references=True
        )
    }


def compare_records(
    a: Sequence[Record],
    b: Sequence[Record],
    places: Collection[Place],
    names: Sequence[str],
    margin: float,
    folders: tuple[Path | None, Path | None] = (None, None),
) -> list[Row]:
    """What became of the pairs at these places, from A to B. names: of metrics; margin: a fraction; folders:
    of A and B."""
    before, after = (entries_at(side, places, folder) for side, folder in zip((a, b), folders, strict=True))
    return [
        Row(*place, place[2], *_compared(before.get(place), after.get(place), names, margin))
        for place in sorted(places)
    ]


def compare_rows(
    records: Sequence[Record],
    pairs: Collection[tuple[Place, Place]],
    names: Sequence[str],
    margin: float,
    folder: Path | None = None,
) -> list[Row]:
    """What is said of two methods on each benchmark that both have run on, given as their places."""
    found = entries_at(records, {place for pair in pairs for place in pair}, folder)
    return [
        Row(*a, b[2], *_compared(found[a], found[b], names, margin, methods=True)) for a, b in sorted(pairs)
    ]


def _compared(
    a: Entry | None, b: Entry | None, names: Sequence[str], margin: float, methods: bool = False
) -> tuple[dict[str, bool], Comparison]:
    """(which sides are stale, the comparison)."""
    stale = {name: one.stale for name, one in (("A", a), ("B", b)) if one}
    if a is None or b is None:
        return stale, compare_pair(_side(a.record) if a else None, _side(b.record) if b else None, {}, margin)
    values = {name: (a.metrics.get(name, {}), b.metrics.get(name, {})) for name in names}
    compare = compare_methods if methods else compare_pair
    return stale, compare(_side(a.record), _side(b.record), values, margin)


def _side(record: Record) -> dict[str, Any]:
    return side_of(entry_of(record)) | {"metrics": None, "machines": machines_of(record)}


def exit_status(rows: list[Row]) -> int:
    """1 if anything is worse or has changed, or nothing was compared, else 3 if any is undecided, else 0. Of
    two methods neither is worse than it was."""
    statuses = [row.comparison.status for row in rows]
    if all(status in NOT_COMPARED for status in statuses):
        return 1
    return verdict.exit_status(Verdict(status, "") for status in statuses)


# ---- in words


def lines(rows: list[Row], heads: list[str], margin: float, format: str) -> list[str]:
    """The heads (what A and B are), a line for each finding and metric, and one that counts the pairs.

    What is bit-equal takes one line. format: text or markdown."""
    several = len({row.profile for row in rows}) > 1
    shown = judged.on_one_line([line for row in rows for line in _lines(row, margin, several)])
    if format == "markdown":
        return [*(f"- {markdown_text(head)}" for head in heads), "", *judged.table(shown), "", _count(rows)]
    return [*map(printable, heads), "", *judged.text_rows(shown), _count(rows)]


def _lines(row: Row, margin: float, several_profiles: bool) -> Results:
    """(benchmark, strategy, what is said) of each line."""
    said = [(one.status, one.text) for one in row.comparison.findings]
    said += [
        (one.status, in_words(one, row, margin))
        for one in row.comparison.metrics
        if one.status != "identical"
    ]
    stale = [name for name, is_so in row.stale.items() if is_so]
    if stale:
        said[0] = said[0][0], f"{said[0][1]}; stale: {', '.join(stale)}"
    benchmark = f"{row.profile}/{row.benchmark}" if several_profiles else row.benchmark
    strategy = row.a if row.a == row.b else f"{row.a}, {row.b}"
    return [(benchmark, strategy, Verdict(status, text)) for status, text in said]


def in_words(found: Compared, row: Row, margin: float) -> str:
    """'ACC 70.0 (n 3) -> 65.0 (n 3): difference -5.0 [-5.2, -4.8] (paired, 3 seeds)'."""
    between = " -> " if row.a == row.b else ", "
    means = between.join(f"{points(one.mean or 0)} (n {one.n})" for one in (found.a, found.b))
    return f"{METRICS[found.metric].title} {means}: {difference_in_words(found, margin, (row.a, row.b))}"


def difference_in_words(found: Compared, margin: float, methods: tuple[str, str] | None = None) -> str:
    """'difference -5.0 [-5.2, -4.8] (paired, 3 seeds)', or which of two methods is better by how much."""
    its = found.difference
    mean, low, high = its.mean or 0.0, its.low, its.high
    what = "difference"
    if found.status == "different" and methods:
        what = f"{methods[found.b_is_better]} is better by"
        if mean < 0:
            mean, low, high = -mean, -(high or 0.0), -(low or 0.0)
    text = f"{what} {points(mean)}"
    if low is not None and high is not None:
        how = f"paired, {its.n} seeds" if found.paired else "Welch"
        text = f"{text} [{points(low)}, {points(high)}] ({how})"
    if found.status == "equivalent":
        text += f", within {points(margin)}"
    return f"{text}; {found.how}" if found.how else text


def _count(rows: list[Row]) -> str:
    """'compared 2 of 3 pairs: 1 missing, 1 regressed, 1 equivalent'."""
    statuses = [row.comparison.status for row in rows]
    compared = sum(status not in NOT_COMPARED for status in statuses)
    what = "pairs" if all(row.a == row.b for row in rows) else "benchmarks"
    counts = [
        f"{statuses.count(status)} {status}" for status in (*NOT_COMPARED, *ORDER) if status in statuses
    ]
    start = f"compared {compared} of {len(rows)} {what}" if compared else "nothing was compared"
    return f"{start}: {', '.join(counts)}"


def to_json(rows: list[Row], heads: list[str], margin: float) -> str:
    """Everything, with fractions where the text has points."""
    made = [asdict(row) | asdict(row.comparison) for row in rows]
    for one in made:
        del one["comparison"]
    content = {"A": heads[0], "B": heads[1], "margin": margin, "rows": made, "exit": exit_status(rows)}
    return json_text(content)


def value_in_words(value: Summary) -> str:
    """'70.0 ± 0.4 (n 5)'."""
    if value.mean is None:
        return f"– (n {value.n})"
    half = "" if value.half_width is None else f" ± {points(value.half_width)}"
    return f"{points(value.mean)}{half} (n {value.n})"
