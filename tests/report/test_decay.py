"""Rows of streams in time by age, on made-up records: one row that decays and one that does not."""

import numpy as np
import pytest

from clbench.metrics.decay import DECAY
from clbench.report.arrange import sorted_by
from clbench.report.board import board
from clbench.report.decay import _calendar, section, tables_by_age
from clbench.report.tables import by_metric, comparison
from clbench.report.values import entries
from clbench.results import records


def aged(fabricated, strategy, kept, **more):
    """Five slices, three seeds: 0.6 above chance when just learnt, of which so much is kept a slice."""
    R = np.full((6, 5), 0.2)
    for k in range(5):
        R[k + 1, k:] += 0.6 * kept ** np.arange(5 - k)
    made = fabricated.make(strategy, [R, R + 0.05, R - 0.05], benchmark="toy_domain", **more)
    made.settings = made.settings | {"scenario": "domain"}
    return made


@pytest.fixture
def rows(fabricated):
    stored = {"memory_items": 300, "flops": 20_000_000_000}
    return [aged(fabricated, "naive", 0.25), aged(fabricated, "er", 0.95, costs=stored)]


def cells(table, strategy):
    return next(row.cells for row in table.rows if row.strategy == strategy)


def test_two_rows_differ_in_every_question(rows):
    age, update, calendar = tables_by_age(rows)
    assert age.title.startswith("toy_domain, profile smoke: accuracy without update")
    assert [column.name for column in age.columns] == [*(f"age_{i}" for i in range(5)), "half_life"]
    fast, slow = (cells(age, name) for name in ("naive", "er"))
    assert (fast["half_life"].text, slow["half_life"].text) == ("0.67 ± 0.00", "> 4")
    assert fast["age_1"].value == pytest.approx(0.35) and slow["age_1"].value == pytest.approx(0.77)
    assert any("over 5, 4, 3, 2, 1 models" in note for note in age.notes)
    fast, slow = (cells(update, name) for name in ("naive", "er"))
    # 45 points for 2 / 5 GFLOPs, nothing stored; 3 points for 20 / 5 GFLOPs and 300 examples
    texts = [fast[column.name].text.split(" ±")[0] for column in update.columns]
    assert texts == ["45.0", "112", "–", "0.4", "0"]
    assert slow["update_gain_per_gflop"].value == pytest.approx(0.03 / 4)
    assert slow["update_gain_per_item"].text.startswith("10")
    fast, slow = (cells(calendar, name) for name in ("naive", "er"))
    assert fast["every_1"].value == slow["every_1"].value == pytest.approx(0.8)
    assert fast["lost_2"].text == "18.0 ± 0.0" and slow["lost_2"].text == "1.2 ± 0.0"
    assert fast["every_5"].value == pytest.approx(0.8 - fast["lost_5"].value)
    assert [column.title for column in calendar.columns][1::3] == [
        "lost, every 2nd (−40%)",
        "lost, no update (−80%)",
    ]


def test_a_half_life_that_only_some_seeds_reach_says_how_many_do_not(rows):
    rows[1].acc[0] = rows[0].acc[0]
    (age, *_) = tables_by_age(rows)
    half = cells(age, "er")["half_life"]
    assert half.text == "> 4 (2 of 3 seeds)" and half.value is None


def test_a_half_life_that_is_not_reached_is_the_longest(rows):
    ordered = sorted_by(comparison(rows), "half_life", {"toy_domain": entries(rows)})
    assert [row.strategy for row in ordered.rows] == ["er", "naive"]


def test_ordinals():
    said = [_calendar(every, 99).split()[2] for every in (2, 3, 4, 11, 12, 21, 22, 23, 32)]
    assert said == ["2nd", "3rd", "4th", "11th", "12th", "21st", "22nd", "23rd", "32nd"]


def test_values_stand_in_the_cells_of_streams_in_time_alone_and_in_no_default_column(fabricated, rows):
    for table, there in ((comparison(rows), True), (comparison(fabricated.toy()), False)):
        assert all((name in row.cells) == there for row in table.rows for name in DECAY)
        assert not {column.name for column in table.columns} & DECAY.keys()
    table = by_metric([*rows, *fabricated.toy()], "half_life")
    assert cells(table, "naive")["toy_domain"].text.startswith("0.67")
    assert cells(table, "naive")["toy_class"].text == "–"
    assert not any("made on" in note for note in table.notes)  # it is no time


def test_rows_without_values_and_other_benchmarks_have_no_part(fabricated, rows):
    failed = aged(fabricated, "ewc", 0.5)
    failed.status, failed.error = "failed", None
    made = tables_by_age([*rows, failed, *fabricated.toy()])
    assert [table.benchmark for table in made] == ["toy_domain"] * 3
    assert [row.strategy for row in made[0].rows] == ["naive", "er"]
    assert tables_by_age(fabricated.toy()) == [] and section(entries(fabricated.toy())) is None


def test_of_long_streams_some_ages_are_shown_and_all_are_there(fabricated):
    acc = [np.random.default_rng(seed).random((31, 30)) for seed in range(2)]
    record = fabricated.make("naive", acc, benchmark="toy_pairs")
    record.settings = record.settings | {"scenario": "pairs"}
    age, _, calendar = tables_by_age([record])
    shown = [column.name for column in age.columns]
    assert shown == [*(f"age_{i}" for i in (0, 1, 2, 4, 8, 16, 29)), "half_life"]
    assert {f"age_{i}" for i in range(30)} < cells(age, "naive").keys()
    assert [column.name for column in calendar.columns] == [
        "every_1",
        *(f"lost_{i}" for i in (2, 4, 8, 16, 30)),
    ]


def test_rows_of_fewer_slices_leave_the_others_empty(fabricated, rows):
    rows[0].acc = [[row[:3] for row in matrix[:4]] for matrix in rows[0].acc]
    age, _, calendar = tables_by_age(rows)
    assert cells(age, "naive")["age_4"].text == cells(calendar, "naive")["lost_5"].text == "–"
    own = section(entries(rows))
    assert {len(row) for row in own["rows"]} == {len(own["columns"])}


def test_stale_rows_are_named(fabricated, rows):
    made = tables_by_age([*rows, aged(fabricated, "lwf", 0.5, stale=True)])
    assert all(table.notes[-1].startswith("† stale") and table.notes[-1].endswith(": lwf") for table in made)


def test_the_page_has_a_section_for_each_stream_in_time(fabricated, rows, tmp_path):
    toy = fabricated.toy()
    for record in [*toy, *rows]:
        records.signed(record)  # as one that was read
    judged = {"toy_class": entries(toy), "toy_domain": entries(rows)}
    made = board({"smoke": judged}, tmp_path, tmp_path)
    (own,) = [one for one in made.content["profiles"]["smoke"]["sections"] if "fresh" in one["title"]]
    assert own["benchmark"] == 1 and "takes a run of its own" in own["about"]
    assert {len(row) for row in own["rows"]} == {len(own["columns"])}
    half = own["columns"].index("half-life (slices)")
    assert [(row[0], row[half]) for row in own["rows"]] == [("naive", "0.67 ± 0.00"), ("er", "> 4")]
