"""Tables that answer one question about the rows of a benchmark, with columns of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from clbench.report.cells import Cell
from clbench.report.columns import Column
from clbench.report.notes import LEGEND, data_notes
from clbench.report.tables import Table, row_of
from clbench.report.values import Entry, is_held_out


@dataclass(frozen=True)
class Answer(Table):
    """A table whose title says the question."""

    question: str = ""

    @property
    def title(self) -> str:
        return f"{super().title}: {self.question}"


@dataclass(frozen=True)
class Part:
    """What the answer says of rows; the cells may hold more than the columns."""

    question: str
    columns: list[Column]
    cells: list[dict[str, Cell]]  # of each row
    notes: list[str]


def answer(found: Sequence[Entry], part: Part) -> Answer:
    """The table of these rows of one benchmark. A column that a row has no cell of stays empty."""
    first = found[0].record
    blank = {column.name: Cell() for column in part.columns}
    rows = [row_of(one, blank | cells) for one, cells in zip(found, part.cells, strict=True)]
    stale = ", ".join(one.record.strategy for one in found if one.stale)
    notes = [*part.notes, *([f"{LEGEND['stale']}: {stale}"] if stale else []), *data_notes(rows)]
    held_out, question = is_held_out(first), part.question
    return Answer(
        first.profile, first.benchmark, None, part.columns, rows, notes, held_out=held_out, question=question
    )
