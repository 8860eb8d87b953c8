"""Rows whose wall-clock is far above their CPU time."""

import pytest

from clbench.report.board import board
from clbench.report.formats import to_markdown
from clbench.report.tables import by_metric, comparison
from clbench.report.values import entries, slowest, waited
from clbench.results import records

ACC = [[[0.1, 0.1], [0.8, 0.1], [0.5, 0.7]]]


@pytest.fixture
def rows(fabricated):
    """naive took 4.5 s on the clock and 4.5 of the CPU, er 3 of the CPU; lwf was on a GPU."""
    return [
        fabricated.make("naive", ACC * 3, costs={"cpu_hours": 4.5 / 3600}),
        fabricated.make("er", ACC * 3, costs={"cpu_hours": 3 / 3600}),
        fabricated.make("lwf", ACC * 3, costs={"cpu_hours": 1e-6}, provenance={"device": "cuda:0"}),
    ]


def test_what_waited_is_marked_at_its_seconds_with_a_note(rows):
    assert [round(slowest(record), 3) for record in rows] == [1, 1.5, 0]
    assert list(map(waited, rows)) == [False, True, False]
    rows[0].groups[1].costs["cpu_hours"] /= 1.3  # one of the groups is enough
    assert waited(rows[0])
    table = comparison(rows)
    marked = {
        row.strategy: {name for name, one in row.cells.items() if "waited" in one.marks} for row in table.rows
    }
    times = {"seconds", "setup_s", "train_s", "eval_s"}
    assert marked == {"naive": times, "er": times, "lwf": set()}
    assert sum("⚑" in note for note in table.notes) == 1 and "| ⚑ 4 |" in to_markdown(table)
    seconds = by_metric(rows, "seconds")
    assert [row.cells["toy_class"].text for row in seconds.rows] == ["4", "4", "4"]
    assert [row.cells["toy_class"].marks for row in seconds.rows] == [("waited",), (), ("waited",)]
    assert not any("⚑" in note for note in by_metric(rows, "acc").notes)


def test_the_page_decides_on_the_same_seconds(rows, tmp_path):
    for record in rows:
        records.signed(record)  # as one that was read
    made = board({"smoke": {"toy_class": entries(rows)}}, tmp_path, tmp_path)
    for record, row in zip(
        (rows[0], rows[2], rows[1]), made.content["profiles"]["smoke"]["rows"], strict=True
    ):
        ratios = [wall / cpu for _, _, _, wall, cpu, *_ in row["groups"] if cpu]
        assert max(ratios, default=0) == pytest.approx(slowest(record))
