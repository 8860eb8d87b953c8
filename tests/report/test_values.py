import pytest

from clbench.report.values import (
    family_of,
    kind_of,
    order_of,
    trains_on_all_data,
)


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
    names = [one.strategy for one in sorted([record, *fabricated.toy()], key=order_of)]
    place = names.index(record.strategy)
    assert names[place - 1 : place + 2] == ["avalanche_replay", record.strategy, "pnn"]


def test_unequal_tasks_are_counted_by_example_too(fabricated):
    from clbench.report.tables import comparison

    def table(sizes):
        records = fabricated.toy()
        for record in records:
            for group in record.groups:
                group.slice_sizes = sizes
        return comparison(records)

    equal, unequal = table([50, 60]), table([10, 60])
    assert "acc_by_example" not in [column.name for column in equal.columns]
    assert [column.name for column in unequal.columns][:2] == ["acc", "acc_by_example"]
    (row,) = (row for row in unequal.rows if row.strategy == "er")
    (record,) = (one for one in fabricated.toy() if one.strategy == "er")
    last = record.array[:, -1]
    expected = (last * [10, 60]).sum(1).mean() / 70
    assert row.cells["acc_by_example"].value == pytest.approx(expected)


def test_what_a_probe_finds_stands_beside_the_costs(fabricated):
    """Two tasks of four steps; joint ends at 0.9 of both."""
    from clbench.report.values import entries
    from clbench.results.record import Probe

    def probed(last, recovery):
        joint = fabricated.make("joint", fabricated.two_tasks((0.9, 0.9), (0.9, 0.9)))
        er = fabricated.make("er", fabricated.two_tasks((0.8, 0.9), (0.8, 0.9)), costs={"steps": 8})
        for group, recovered, seen in zip(er.groups, recovery, last, strict=True):
            group.probe = Probe(50, [1, 1, 2, 2, 2], [1, 4, 5, 6, 8], [[0.5, 0.9, *seen]])
            group.tally = {"min_acc": [0.3], "recovery_steps": [recovered]}
        found = entries([joint, er])
        return next(one for one in found if one.record.strategy == "er")

    reached = probed([[0.4, 0.86, 0.87], [0.4, 0.5, 0.86]], [1.0, 3.0])
    assert reached.metrics["min_acc"] == {0: 0.3, 1: 0.3} and "recovery_steps" not in reached.metrics
    assert reached.costs["recovery_steps"] == 2
    assert reached.costs["steps_to_target"] == 7  # 6 and 8: 0.855 of all tasks
    share = 7 / 8 * reached.record.cost("flops") / 1e9
    assert reached.costs["gflops_to_target"] == pytest.approx(share)
    never = probed([[0.4, 0.86, 0.87], [0.4, 0.5, 0.85]], [1.0, None])
    assert never.costs["steps_to_target"] is None and never.costs["recovery_steps"] is None
