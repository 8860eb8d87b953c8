import pytest

from clbench.report.values import (
    compute_matched,
    family_of,
    kind_of,
    order_of,
    trains_on_all_data,
)


def test_compute_matched_rows_cost_what_naive_costs(fabricated):
    names = [record.strategy for record in compute_matched(fabricated.toy())]
    assert names == ["naive", "joint_equal", "lwf", "avalanche_replay", "si"]
    assert compute_matched([record for record in fabricated.toy() if record.strategy != "naive"]) == []


@pytest.mark.parametrize(
    ("strategy", "all_data", "family", "kind"),
    [
        ("er", False, "replay", "native"),
        ("naive", False, "reference", "reference"),
        ("cumulative(budget='seen')", True, "reference", "reference"),
        ("er+joint", True, "replay", "native"),
        ("naive+ewc(lam=3.0)", False, "regularisation", "native"),
        ("avalanche_joint", True, "reference", "avalanche"),
        ("no_more", False, "own", "native"),
        ("what was imported (2024", False, "own", "native"),
    ],
)
def test_what_a_row_is_follows_from_its_parts(fabricated, strategy, all_data, family, kind):
    record = fabricated.make(strategy, backend="avalanche" if strategy.startswith("avalanche") else "native")
    assert (trains_on_all_data(record), family_of(record), kind_of(record)) == (all_data, family, kind)


def test_a_file_of_ones_own_says_where_it_belongs(fabricated, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from clbench.strategies.reference.joint import Joint\nclass Mine(Joint):\n    family = 'sampling'\n"
    )
    record = fabricated.make(f"{path}:Mine")
    assert trains_on_all_data(record) and family_of(record) == "sampling"
    names = sorted([record, *fabricated.toy()], key=order_of)
    assert [one.strategy for one in names[6:9]] == ["avalanche_replay", record.strategy, "pnn"]
