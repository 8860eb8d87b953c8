"""Writes docs/choosing.md, which method for which situation, from the records of profile `quick`, for
`make results`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "choosing.md"
START = """# Which method for which situation

Written by `make results` from the records of profile `quick`. Under each question stand the answers, and
under each answer the rows that it leaves: the best of them on every benchmark that it concerns, beside the
best of all rows, fine-tuning (`naive`) and retraining (`joint`). Numbers are means in points of what the
benchmark ranks by, and the compute beside that of fine-tuning; a difference of less than the interval in the
linked table is none. References that train on all data so far take no part. A budget of `quick` is small: a
method that needs long training shows less here than in its paper.
"""


@dataclass(frozen=True)
class Row:
    """One strategy on one benchmark."""

    benchmark: str
    scenario: str
    strategy: str
    value: float
    compute: float | None  # FLOPs beside naive's
    stores: bool
    labels: float | None  # share of the labels that it asks for
    reference: bool


@dataclass(frozen=True)
class Answer:
    """What a reader may say, and which rows that leaves, on which scenarios."""

    text: str
    leaves: Callable[[Row], bool]
    scenarios: tuple[str, ...] = ("class", "task", "domain", "pairs")


def anything(row: Row) -> bool:
    return True


def at_most(factor: float) -> Callable[[Row], bool]:
    """Whose training costs at most so many times naive's."""
    return lambda row: row.compute is not None and row.compute <= factor


QUESTIONS: dict[str, list[Answer]] = {
    "Are old and new tasks alike, and does anybody say which one it is?": [
        Answer(
            "Every task brings new classes, and nobody says which task an input is of", anything, ("class",)
        ),
        Answer("Every input comes with its task, so each task has outputs of its own", anything, ("task",)),
        Answer("The classes stay, the inputs change", anything, ("domain",)),
        Answer("Pairs arrive as a stream in time, and are searched", anything, ("pairs",)),
    ],
    "May examples be stored?": [
        Answer("Yes", lambda row: row.stores),
        Answer("No", lambda row: not row.stores),
    ],
    "How much time is there?": [
        Answer("One pass over the new data: at most 1.1 times the compute of fine-tuning", at_most(1.1)),
        Answer("Twice the compute of fine-tuning (and a tenth)", at_most(2.2)),
        Answer("As much as it takes", anything),
    ],
    "Are labels scarce?": [
        Answer("They have to be asked for", lambda row: row.labels is not None),
    ],
}
END = """
## Not answered yet

*Do tasks overlap*, so that classes come back? *Is there a pretrained body?* No benchmark here has either yet,
so no row supports an answer.
"""


def rows() -> list[Row]:
    """Those that are ok, not stale, and on test data."""
    from clbench.report.tables import by_benchmark
    from clbench.report.values import entries, is_held_out, ranks_by, stores_examples, trains_on_all_data
    from clbench.results import records

    found, _ = records.load(ROOT / "results", "quick")
    rows = []
    for several in by_benchmark([record for record in found if not is_held_out(record)]).values():
        shown = entries(several)
        for entry in shown:
            values = list(entry.metrics.get(ranks_by(entry.record), {}).values())
            if not entry.ok or entry.stale or not values:
                continue
            rows.append(
                Row(
                    entry.record.benchmark,
                    entry.record.settings["scenario"],
                    entry.record.strategy,
                    100 * fmean(values),
                    entry.costs["compute"],
                    stores_examples(entry.record),
                    entry.costs["labels"],
                    trains_on_all_data(entry.record),
                )
            )
    return rows


def page(found: list[Row]) -> str:
    """The text of the page."""
    text = START
    for question, answers in QUESTIONS.items():
        text += f"\n## {question}\n"
        for answer in answers:
            text += f"\n### {answer.text}\n\n" + evidence(answer, found)
    return text + END


def evidence(answer: Answer, found: list[Row]) -> str:
    """A sentence that counts, and a table with a row for each benchmark that the answer concerns."""
    from clbench.results.records import file_name

    lines, first, near = [], 0, 0
    for benchmark in sorted({row.benchmark for row in found if row.scenario in answer.scenarios}):
        its = [row for row in found if row.benchmark == benchmark]
        all_rows = sorted((row for row in its if not row.reference), key=lambda row: -row.value)
        left = [row for row in all_rows if answer.leaves(row)]
        if not left or not all_rows:
            continue
        first += left[0] == all_rows[0]
        near += left[0].value > all_rows[0].value - 2
        plain = {row.strategy: f"{row.value:.1f}" for row in its}
        cells = [
            f"[{benchmark}](../reports/quick/{file_name(benchmark)}.md)",
            ", ".join(map(shown, left[:3])),
            shown(all_rows[0]),
            plain.get("naive", "–"),
            plain.get("joint", "–"),
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    if not lines:
        return "No row here answers this.\n"
    head = "| benchmark | the best that are left | the best of all | naive | joint |\n|---|---|---|---|---|\n"
    count = (
        f"On {first} of {len(lines)} benchmarks the best of all rows is among them, "
        f"on {near} one of them is within two points of it.\n\n"
    )
    return (count if not all(answer.leaves(row) for row in found) else "") + head + "".join(lines)


def shown(row: Row) -> str:
    compute = "" if row.compute is None else f", {row.compute:.1f} ×"
    return f"`{row.strategy}` ({row.value:.1f}{compute})"


if __name__ == "__main__":
    PAGE.write_text(page(rows()), encoding="utf-8")
