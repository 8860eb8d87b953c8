import pytest
from msgspec.structs import replace

from clbench.core.costs import COSTS
from clbench.metrics.accuracy import METRICS
from clbench.profiles import PROFILES
from clbench.report.cells import number
from clbench.report.columns import DEFAULT, DERIVED
from clbench.report.formats import grid
from clbench.report.tables import by_metric, comparison, show
from clbench.report.values import ranks_by, seeds_asked


@pytest.fixture
def table(fabricated):
    return comparison(fabricated.toy())


def cells(table, strategy):
    return next(row.cells for row in table.rows if row.strategy == strategy)


def test_rows_stand_by_family_references_first_and_avalanche_behind_the_native_ones(table):
    families = {
        "reference": ["naive", "joint", "joint_equal"],
        "regularisation": ["ewc", "lwf", "si"],
        "replay": ["er", "avalanche_replay"],
        "own": ["pnn"],
    }
    expected = [(family, name) for family, names in families.items() for name in names]
    assert [(row.family, row.strategy) for row in table.rows] == expected
    kinds = 3 * ["reference"] + 4 * ["native"] + ["avalanche", "native"]
    assert [row.kind for row in table.rows] == kinds


@pytest.mark.parametrize(
    ("strategy", "metric", "text"),
    [
        ("naive", "acc", "45.0 ± 12.4"),  # 0.45, 0.50, 0.40; t = 4.303, SD 0.05
        ("er", "acc", "★ 73.3 ± 19.0"),  # 0.75, 0.80, 0.65
        ("er", "forgetting", "20.0 ± 24.8"),  # 0.8 - (0.6, 0.7, 0.5)
        ("er", "bwt", "-20.0 ± 24.8"),
        ("er", "plasticity_gap", "3.3 ± 7.2"),  # (0.85, 0.90, 0.85) - (0.85, 0.85, 0.80)
        ("er", "plasticity_gap_equal", "-3.3 ± 7.2"),  # 0.80 - the same
        ("er", "joint_gap", "18.3 ± 25.9"),  # (0.90, 0.90, 0.95) - (0.75, 0.80, 0.65)
        ("joint_equal", "acc", "80.0 ± 0.0"),
        ("er", "seconds", "4"),
        ("er", "gflops", "4"),
        ("er", "memory_items", "200"),
        ("er", "memory_mb", "1.5"),
        ("naive", "memory_mb", "–"),  # of a record from before it was counted
        ("er", "cpu_hours", "0.002"),
        ("er", "gpu_hours", "–"),
        ("joint", "joint_gap", "–"),  # a row has no gap to itself
        ("naive", "recovered", "–"),
        ("ewc", "acc", "failed"),
        ("ewc", "seconds", "–"),
        ("si", "acc", "diverged"),
        ("si", "forgetting", "–"),
        ("pnn", "acc", "unsupported"),
    ],
)
def test_cells_checked_by_hand(table, strategy, metric, text):
    assert cells(table, strategy)[metric].shown == text


def test_numbers_behind_a_cell(table):
    acc = cells(table, "er")["acc"]
    assert acc.value == pytest.approx(11 / 15) and acc.n == 3
    assert acc.sd == pytest.approx(0.0763763) and acc.high - acc.value == pytest.approx(acc.half_width)
    assert acc.seeds == pytest.approx({0: 0.75, 1: 0.8, 2: 0.65})
    assert cells(table, "er")["retraining_saved"].value == pytest.approx(0.5)


def test_recovered_is_the_share_between_naive_and_joint(table):
    cell = cells(table, "er")["recovered"]
    assert cell.value == pytest.approx((11 / 15 - 0.45) / (11 / 12 - 0.45))
    assert cell.low < cell.value < cell.high and cell.text.startswith("60.7 [")


def test_marks_leave_out_rows_that_train_on_all_data(fabricated):
    close = fabricated.make("mir", fabricated.two_tasks((0.6, 0.88), (0.7, 0.9), (0.5, 0.8)))
    table = comparison([*fabricated.toy(), close])
    marks = {row.strategy: row.cells["acc"].marks for row in table.rows}
    assert marks["er"] == ("best",) and marks["mir"] == ("tied",)
    assert marks["avalanche_replay"] == ("unclear",)  # 1.7 +- 12.4 points below
    assert not any(marks[name] for name in ("naive", "joint", "joint_equal", "lwf", "ewc"))
    assert {"★", "≈", "?"} <= {note[0] for note in table.notes}


def test_a_row_with_fewer_seeds_says_how_many_and_is_neither_best_nor_tied(fabricated):  # case 31
    few = fabricated.make("gem", fabricated.two_tasks((0.9, 0.9), (0.9, 0.7)))
    records = [*fabricated.toy(), few]
    for table, column in ((comparison(records), "acc"), (by_metric(records, "acc"), "toy_class")):
        gem = cells(table, "gem")[column]
        assert gem.marks == ("unclear",) and cells(table, "er")[column].marks == ("best",)
        assert ("(n 2)" in gem.text) == (table.benchmark is None)
        assert any(note.endswith("so neither ★ nor ≈: gem") for note in table.notes)
    assert ["gem", "2 of 3"] in [cells[:2] for cells in grid(comparison(records))[1]]
    alone = comparison([few])
    assert not cells(alone, "gem")["acc"].marks
    assert "toy_class: no ★, since no row that competes has the 3 seeds it takes" in alone.notes


def test_the_profile_or_the_benchmark_says_how_many_seeds_and_what_ranks(fabricated):
    def made(benchmark, scenario, profile="smoke"):
        record = fabricated.make("er", benchmark=benchmark, profile=profile)
        record.settings = record.settings | {"scenario": scenario}
        return record

    assert seeds_asked(made("driftcaps(drift=0.1)", "pairs")) == 5  # the benchmark's own
    assert seeds_asked(made("blobs_class", "class")) == PROFILES["smoke"].seeds
    assert seeds_asked(made("gone_class", "class")) == PROFILES["smoke"].seeds
    assert seeds_asked(made("blobs_class", "class", profile="imported")) is None
    assert ranks_by(made("driftcaps", "pairs")) == ranks_by(made("gone", "pairs")) == "stream_backward"
    assert ranks_by(made("blobs_domain", "domain")) == ranks_by(made("gone_class", "class")) == "acc"


@pytest.mark.parametrize("said", ["'stream_next'", "{'domain': 'stream_next'}"])
def test_a_benchmark_of_ones_own_says_what_it_ranks_by(fabricated, tmp_path, said):
    path = tmp_path / "months.py"
    path.write_text(
        "from clbench.benchmarks.blobs import Blobs\n"
        f"class Months(Blobs):\n    ranks_by = {said}\n    seeds = {{'smoke': {{'domain': 2}}}}\n"
    )
    benchmark = f"{path}:Months_domain"
    keeps = [[[0.1, 0.0, 0.0], [0.8, 0.2, 0.2], [0.8, 0.8, 0.2], [0.8, 0.8, 0.8]]] * 3
    fresh = [[[0.1, 0.0, 0.0], [0.8, 0.7, 0.2], [0.1, 0.8, 0.7], [0.0, 0.1, 0.8]]] * 3
    records = [
        fabricated.make(name, acc, benchmark=benchmark) for name, acc in (("er", keeps), ("ewc", fresh))
    ]
    for record in records:
        record.settings = record.settings | {"scenario": "domain"}
    table = comparison(records)
    assert [column.name for column in table.columns[:3]] == ["stream_next", "stream_backward", "acc"]
    assert table.title.endswith("ranked by next slice")
    assert cells(table, "ewc")["stream_next"].marks == ("best",) and not cells(table, "er")["acc"].marks
    assert table.notes[0].endswith(
        "what came before?): er; by ACC (how good is it on everything in the end?): er"
    )
    assert seeds_asked(records[0]) == 2


def test_rows_on_held_out_data_stand_apart(fabricated):
    held_out = fabricated.make(
        "er", fabricated.two_tasks((1, 1), (1, 1), (1, 1)), benchmark="toy_class(validation=True)"
    )
    held_out.settings = held_out.settings | {"benchmark": {"validation": True}}
    apart, beside = (
        [one for one in show([*fabricated.toy(), held_out], "acc") if one.held_out],
        fabricated.toy(),
    )
    assert [table.rows[0].strategy for table in apart] == ["er"] and "held-out" in apart[0].title
    same_name = replace(held_out, benchmark="toy_class")
    assert [table.held_out for table in show([*beside, same_name])] == [False, True]


def test_rows_that_do_not_help_are_named(fabricated):
    def row(name, accs, **more):
        acc = [[[0.1, 0.1], [a, 0.1], [a, a]] for a in accs]
        return fabricated.make(name, acc, benchmark="split_toy_class", **more)

    records = [
        row("naive", [0.3, 0.32, 0.31]),
        row("joint", [0.3, 0.3, 0.3]),  # is a reference
        row("er", [0.5, 0.52, 0.53]),
        row("ewc", [0.31, 0.32, 0.3]),
        row("lwf", [0.1, 0.12, 0.1]),
        row("agem", [0.1, 0.12, 0.1], stale=True),
    ]
    with fabricated.known():
        notes = comparison(records).notes
    (line,) = [note for note in notes if note.startswith("not shown to be better")]
    assert line == "not shown to be better than naive (paired, 95 %): ewc, lwf"
    records[4] = replace(records[4], data="d2")  # which is not compared
    with fabricated.known():
        notes = comparison(records).notes
    assert any(note.endswith("than naive (paired, 95 %): ewc") for note in notes)


def test_rows_that_learn_what_naive_learns_are_named(fabricated):
    def row(name, weights, acc=(0.3, 0.4), **more):
        record = fabricated.make(name, two_tasks_ending(acc), benchmark="split_toy_class", **more)
        for group, digest in zip(record.groups, weights, strict=True):
            group.weights = digest and [digest]
        return record

    def two_tasks_ending(ends):
        return [[[0.1, 0.1], [end, 0.1], [end, end]] for end in ends]

    records = [
        row("naive", ["a", "b"]),
        row("ewc", ["a", "b"]),
        row("lwf", ["a", "c"]),
        row("er", ["a", "b"], acc=(0.3, 0.5)),  # answers otherwise
        row("agem", ["a", None]),  # a seed of an older record
        row("mir", ["a", "b"], stale=True),
        row("avalanche_naive", ["x", "y"], backend="avalanche"),
        row("avalanche_si", ["x", "y"], backend="avalanche"),
    ]
    with fabricated.known():
        notes = comparison(records).notes
    (line,) = [note for note in notes if note.startswith("no effect")]
    assert line == "no effect, the weights and scores of naive bit for bit: ewc, avalanche_si"


def test_class_tables_show_what_is_kept_and_the_yardstick(table):
    assert {"old", "new", "old_kept", "fwt"} <= {column.name for column in table.columns}
    er = cells(table, "er")
    assert [er[name].text[:4] for name in ("old", "new", "old_kept")] == ["60.0", "86.7", "75.0"]
    (line,) = [note for note in table.notes if note.startswith("keep at least 80%")]
    assert line.endswith(": joint, joint_equal (89%)")


def test_the_legend_only_explains_what_is_there(fabricated):
    table = comparison([fabricated.make("naive", fabricated.two_tasks((0.0, 0.9), (0.1, 0.9)))])
    assert not any(note.startswith(("≈", "†")) for note in table.notes)


def test_stale_rows_are_marked_and_do_not_compete(fabricated):
    records = [
        replace(record, source="old") if record.strategy == "er" else record for record in fabricated.toy()
    ]
    table = comparison(records)
    assert cells(table, "er")["acc"].shown == "† 73.3 ± 19.0"
    assert cells(table, "avalanche_replay")["acc"].marks == ("best",)
    assert any(note.startswith("† stale") for note in table.notes)


@pytest.mark.parametrize("spoilt", [{"source": "old"}, {"data": "other"}, {"status": "failed"}])
def test_gaps_need_a_joint_row_that_is_ok_current_and_on_the_same_data(fabricated, spoilt):
    records = [
        replace(record, **spoilt) if record.strategy == "joint" else record for record in fabricated.toy()
    ]
    er = cells(comparison(records), "er")
    assert [er[name].text for name in ("plasticity_gap", "joint_gap", "recovered")] == ["–"] * 3
    assert er["plasticity_gap_equal"].text != "–"


def test_gaps_are_missing_without_joint(fabricated):
    er = cells(comparison([record for record in fabricated.toy() if record.strategy != "joint"]), "er")
    assert er["plasticity_gap"].value is None and er["retraining_saved"].value is None


@pytest.mark.parametrize(("metric", "column"), [(None, "joint_gap"), ("joint_gap", "toy_class")])
def test_a_joint_row_that_is_not_shown_still_serves(fabricated, metric, column):
    records = [record for record in fabricated.toy() if record.strategy in ("er", "lwf")]
    (table,) = show(records, metric, beside=fabricated.toy() + fabricated.many())
    assert [row.strategy for row in table.rows] == ["lwf", "er"]
    assert cells(table, "er")[column].shown.endswith("18.3 ± 25.9")


def test_a_current_joint_of_another_shape_gives_no_gap_to_a_stale_row(fabricated):
    wide = fabricated.make("er", [[[0.1, 0.0, 0.0]] * 4], stale=True)
    joint = fabricated.make("joint", fabricated.two_tasks((0.9, 0.9)))
    assert cells(comparison([wide, joint]), "er")["plasticity_gap"].text == "–"


def test_fewer_common_seeds_are_said(fabricated):
    four = fabricated.make("er", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9), (0.5, 0.8), (0.6, 0.6)))
    er = cells(comparison([record for record in fabricated.toy() if record.strategy != "er"] + [four]), "er")
    assert er["acc"].n == 4 and "(n " not in er["acc"].text
    assert (
        er["joint_gap"].n == 3
        and er["joint_gap"].text.endswith("(n 3)")
        and er["recovered"].text.endswith("(n 3)")
    )


def test_one_seed_has_no_interval(fabricated):
    cell = cells(comparison([fabricated.make("er", fabricated.two_tasks((0.6, 0.9)))]), "er")["acc"]
    assert (cell.text, cell.half_width, cell.sd, cell.n) == ("75.0", None, None, 1)


def test_a_missing_cell_of_the_array_is_a_dash(fabricated):
    record = fabricated.make("er", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    record.acc[0][1][1] = None
    er = cells(comparison([record]), "er")
    assert er["acc"].text != "–" and er["forgetting"].text != "–"
    record.acc[1][2][0] = None
    assert cells(comparison([record]), "er")["acc"].text == "–"


def test_rows_on_different_data_have_no_best(fabricated):
    records = [
        replace(record, data="d2") if record.strategy == "lwf" else record for record in fabricated.toy()
    ]
    table = comparison(records)
    assert not any(row.cells["acc"].marks for row in table.rows)
    said = "toy_class: made on different data than the latest row, so none is called best; run again: lwf"
    assert said in table.notes


def test_a_yardstick_on_older_data_is_named_and_keeps_nothing(fabricated):
    """Rows were added to the data, and plain training was run again."""
    both = fabricated.two_tasks((0.85, 0.9), (0.86, 0.9))
    older = fabricated.make("joint", both, provenance={"started": "2026-01-01T00:00:00"})
    newer = fabricated.make("naive", both, provenance={"started": "2026-02-01T00:00:00"}, data="d2")
    (note,) = [one for one in comparison([newer, older]).notes if "different data" in one]
    assert note == "toy_class: made on different data than the latest row; run again: joint"
    kept = [one for one in comparison([newer, older]).notes if one.startswith("keep at least")]
    assert kept and "naive" in kept[0] and "joint (" not in kept[0]
    assert not any("different data" in one for one in comparison([replace(newer, data="d1"), older]).notes)


def test_a_row_that_broke_off_before_it_had_data_takes_no_star_away(fabricated):
    error = {"reason": "ValueError: broken"}
    broken = replace(fabricated.make("mine", status="failed", error=error), data="")
    table = comparison([*fabricated.toy(), broken])
    assert any("best" in row.cells["acc"].marks for row in table.rows)
    assert not any("different data" in note for note in table.notes)


def test_every_metric_and_cost_is_in_the_cells(table):
    assert all({*METRICS, *COSTS, *DERIVED, *DEFAULT} == set(row.cells) for row in table.rows)
    assert [column.name for column in table.columns] == [
        name
        for name in DEFAULT
        if name not in ("acc_by_example", "gpu_hours", "energy_wh", "labels", "growth")
    ]


def test_hours_of_the_device_in_use(fabricated):
    gpu = {"costs": {"gpu_hours": 0.1}, "provenance": {"device": "Test GPU"}}
    own = fabricated.make("er", fabricated.two_tasks((0.6, 0.9)), **gpu)
    assert {"gpu_hours"} == {column.name for column in comparison([own]).columns} & {"gpu_hours", "cpu_hours"}
    both = comparison([own, *fabricated.toy()[:1]])
    assert {"gpu_hours", "cpu_hours"} <= {column.name for column in both.columns}
    assert any("different machines" in note for note in both.notes)
    assert any("Test GPU" in note and note.endswith(": er") for note in both.notes)


def test_the_machine_line(table):
    assert table.notes[-1] == (
        "made on cpu (Test CPU, AVX2, 1 thread), 2 seed groups at the same time: "
        "times are comparable only inside this table"
    )


def test_reasons_stand_in_the_notes(table):
    assert "ewc on toy_class: failed, ValueError: <b>no</b> & never" in table.notes
    assert "pnn on toy_class: unsupported, needs task labels" in table.notes


def test_what_is_true_of_several_rows_is_said_once(fabricated):
    both = [
        fabricated.make(
            name, benchmark=benchmark, status="unsupported", error={"reason": "needs task labels"}
        )
        for name in ("pnn", "hat")
        for benchmark in ("a", "b")
    ]
    assert "hat, pnn on a, b: unsupported, needs task labels" in by_metric(both, "acc").notes
    assert "hat, pnn on a: unsupported, needs task labels" in comparison(both[::2]).notes


def test_one_metric_over_benchmarks(fabricated):
    table = by_metric(fabricated.toy() + fabricated.many(), "acc")
    assert [column.name for column in table.columns] == ["split_toy_class", "toy_class"]
    assert [row.strategy for row in table.rows][:5] == [
        "naive",
        "joint",
        "joint_equal",
        "cumulative",
        "cumulative_equal",
    ]
    assert cells(table, "er")["toy_class"].shown == "★ 73.3 ± 19.0"
    assert (
        cells(table, "ewc")["toy_class"].shown == "failed"
        and cells(table, "pnn")["split_toy_class"].shown == "–"
    )
    assert cells(table, "mas")["split_toy_class"].shown.startswith("† ")
    assert not any("times" in note for note in table.notes)


def test_a_cost_as_metric_names_the_machine(fabricated):
    table = by_metric(fabricated.toy(), "flops")
    assert cells(table, "joint")["toy_class"].text == "8,000,000,000" and "times" in table.notes[-1]


def test_show_gives_a_table_per_profile_and_benchmark(fabricated):
    quick = [replace(record, profile="quick") for record in fabricated.toy()]
    records = quick + fabricated.toy() + fabricated.many()
    assert [(table.profile, table.benchmark) for table in show(records)] == [
        ("smoke", "split_toy_class"),
        ("smoke", "toy_class"),
        ("quick", "toy_class"),
    ]
    assert [(table.profile, table.metric) for table in show(records, "aia")] == [
        ("smoke", "aia"),
        ("quick", "aia"),
    ]
    assert show([]) == []


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.00123, "0.00123"), (12.34, "12.3"), (123456.7, "123,457")]
)
def test_numbers_of_costs(value, text):
    assert number(value) == text


def test_pairs_have_averages_of_streams_both_directions_and_the_yardsticks(fabricated):
    table = comparison(fabricated.of_pairs())
    assert [column.name for column in table.columns[:3]] == ["stream_next", "stream_backward", "acc"]
    assert [column.title for column in table.columns[:3]] == ["next slice", "all past", "all (ACC)"]
    assert cells(table, "er")["stream_backward"].marks == ("best",) and table.title.endswith("by all past")
    found = {
        name: cells(table, "er")[name].value
        for name in (
            "stream_backward",
            "stream_id",
            "stream_forward",
            "old_kept",
            "new_share",
            "backward_left_right",
            "backward_right_left",
            "backward_five",
        )
    }
    assert found == pytest.approx(
        {
            "stream_backward": 0.7,
            "stream_id": 0.75,
            "stream_forward": 0.0,
            "old_kept": 0.875,
            "new_share": (0.75 + 1) / 2,
            "backward_left_right": 0.8,
            "backward_right_left": 0.6,
            "backward_five": 0.8,
        }
    )
    assert table.notes[-3].endswith(
        "what was learnt (and on the last slice reach this share of joint): joint, er (88%)"
    )
    assert cells(table, "naive")["old_kept"].value < 0.8
