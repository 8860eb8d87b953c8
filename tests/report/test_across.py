"""Rows across benchmarks: only where all of them ran."""

import pytest
from msgspec.structs import replace

from clbench.report.across import across
from clbench.report.tables import by_benchmark
from clbench.report.values import entries


def group_of(records):
    return across({name: entries(own) for name, own in by_benchmark(records).items()})


def renamed(records, benchmark, without=()):
    return [replace(record, benchmark=benchmark) for record in records if record.strategy not in without]


@pytest.fixture
def several(fabricated):
    """Three benchmarks; lwf has results on two of them, avalanche_replay on one."""
    toy = fabricated.toy()
    return [
        *toy,
        *renamed(toy, "second", ["avalanche_replay"]),
        *renamed(toy, "third", ["avalanche_replay", "lwf"]),
    ]


def test_every_table_holds_rows_that_ran_on_all_of_its_benchmarks(several):
    all_three, two = group_of(several)
    assert all_three.benchmarks == ("second", "third", "toy_class") and two.benchmarks == (
        "second",
        "toy_class",
    )
    assert [row.strategy for row in all_three.rows] == ["er", "naive", "joint", "joint_equal"]
    assert [row.strategy for row in two.rows] == ["er", "lwf", "naive", "joint", "joint_equal"]
    assert all_three.fewer == {"lwf": 2, "avalanche_replay": 1} and two.fewer == {"avalanche_replay": 1}
    assert all_three.seeds == 3


def test_ranks_are_among_the_rows_that_compete_and_recovered_is_pooled(several):
    rows = {row.strategy: row for row in group_of(several)[1].rows}
    assert rows["er"].rank.of_each == (1, 1) and rows["lwf"].rank.mean > rows["er"].rank.mean
    assert rows["joint"].rank is None and rows["joint_equal"].rank is None
    assert rows["er"].recovered.value == pytest.approx(0.85 / 1.40)  # the same on both benchmarks
    assert rows["naive"].recovered is rows["joint"].recovered is None
    assert len(rows["er"].of_each) == 2


@pytest.mark.parametrize("spoilt", ["stale", "few", "data", "missing"])
def test_a_row_that_is_stale_or_lacks_seeds_or_has_other_data_did_not_run(several, fabricated, spoilt):
    place = next(i for i, one in enumerate(several) if (one.benchmark, one.strategy) == ("second", "er"))
    old = several[place]
    several[place] = {
        "stale": replace(old, source="old"),
        "few": fabricated.make("er", old.acc[:2], benchmark="second"),
        "data": replace(old, data="other"),
        "missing": replace(old, acc=[[[None, None], *matrix[1:-1], [None, 0.9]] for matrix in old.acc]),
    }[spoilt]
    found = {one.benchmarks: [row.strategy for row in one.rows] for one in group_of(several)}
    assert "er" not in found["second", "third", "toy_class"] and "er" in found["third", "toy_class"]


def test_a_benchmark_without_its_references_does_not_count(several):
    without = [one for one in several if (one.benchmark, one.strategy) != ("third", "joint")]
    assert [one.benchmarks for one in group_of(without)] == [("second", "toy_class")]


def test_each_benchmark_ranks_by_its_own_metric(fabricated):
    toy, pairs = fabricated.toy(), fabricated.of_pairs()
    both = [*[one for one in toy if one.strategy in ("naive", "joint", "er")], *pairs]
    (group,) = group_of(both)
    assert dict(zip(group.benchmarks, group.ranked_by, strict=True)) == {
        "toy_class": "acc",
        "toy_pairs": "stream_backward",
    }
    assert group.seeds == 2  # those that all have


def test_one_benchmark_is_no_comparison_across(fabricated):
    assert group_of(fabricated.toy()) == []
