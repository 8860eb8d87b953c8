"""Who takes a rank, and on which benchmarks rows are compared."""

import numpy as np
import pytest
from msgspec.structs import replace

from clbench.report.ranking import ENOUGH, able_rows, rank
from clbench.report.tables import by_benchmark
from clbench.report.values import entries


def ranked(records, **how):
    return rank({name: entries(own) for name, own in by_benchmark(records).items()}, **how)


def names(ranking):
    return [one.strategy for one in ranking.rows]


def renamed(records, benchmark, without=()):
    return [replace(record, benchmark=benchmark) for record in records if record.strategy not in without]


@pytest.fixture
def two(fabricated):
    """Two benchmarks with ENOUGH rows on both, and avalanche_replay on one of them."""
    more = [fabricated.make(name, fabricated.two_tasks(*[(0.4, 0.8)] * 3)) for name in ("mir", "gem")]
    first = [*fabricated.toy(), *more]
    return [*first, *renamed(first, "second", ["avalanche_replay"])]


def test_rows_that_are_not_ok_or_train_on_all_data_take_no_rank(fabricated):
    one = ranked(fabricated.toy())
    assert names(one) == ["avalanche_replay", "er", "lwf", "naive"] and one.seeds == (0, 1, 2)
    assert one.yardsticks == ("joint", "joint_equal") and not one.fewer


@pytest.mark.parametrize("spoilt", ["stale", "few", "data", "missing"])
def test_a_row_that_is_stale_or_lacks_seeds_or_has_other_data_counts_nowhere(two, fabricated, spoilt):
    place = next(i for i, one in enumerate(two) if (one.benchmark, one.strategy) == ("second", "er"))
    old = two[place]
    two[place] = {
        "stale": replace(old, source="old"),
        "few": fabricated.make("er", old.acc[:2], benchmark="second"),
        "data": replace(old, data="other"),
        "missing": replace(old, acc=[[*matrix[:-1], [None, 0.9]] for matrix in old.acc]),
    }[spoilt]
    second = entries([one for one in two if one.benchmark == "second"])
    assert list(able_rows(second, "acc")) == ["naive", "lwf", "mir", "gem"]
    if spoilt == "stale":
        assert "er" in able_rows(second, "acc", stale=True)


def test_benchmarks_are_compared_on_which_all_ranked_rows_ran(two):
    both = ranked(two)
    assert both.benchmarks == ("second", "toy_class") and both.metrics == ("acc", "acc")
    assert names(both) == ["er", "gem", "mir", "lwf", "naive"] and both.fewer == {"avalanche_replay": 1}
    assert [one.rank.of_each for one in both.rows] == [(1, 1), (2, 2), (2, 2), (4, 4), (5, 5)]
    assert not any(one.ties for one in both.rows)


def test_enough_rows_on_fewer_benchmarks_come_before_more_benchmarks(fabricated):
    def row(i, benchmark):
        return fabricated.make(
            f"method_{i}", fabricated.two_tasks(*[(0.1 * i, 0.9)] * 3), benchmark=benchmark
        )

    records = [row(i, "a") for i in range(ENOUGH)] + [row(i, "b") for i in range(ENOUGH - 1)]
    assert ranked(records).benchmarks == ("a",)
    assert ranked(records, kept={f"method_{i}" for i in range(ENOUGH - 1)}).benchmarks == ("a", "b")
    assert ranked([*records, row(ENOUGH - 1, "b")]).benchmarks == ("a", "b")


def test_recovered_is_pooled_over_the_benchmarks_and_needs_their_references(two):
    both = {one.strategy: one.recovered for one in ranked(two).rows}
    assert both["er"].value == pytest.approx(0.85 / 1.40) and both["naive"] is None  # the same on both
    without = [one for one in two if (one.benchmark, one.strategy) != ("second", "joint")]
    assert {one.recovered for one in ranked(without).rows} == {None}  # not of fewer than it is said of


def test_rows_that_each_lack_another_benchmark_are_compared_on_what_enough_of_them_share(fabricated):
    """What two rows share is not enough: here five share one benchmark, any two of them four."""
    records = [
        fabricated.make(f"method_{i}", fabricated.two_tasks(*[(0.1 * i, 0.9)] * 3), benchmark=f"b{j}")
        for i in range(6)
        for j in range(6)
        if i != j
    ]
    ranking = ranked(records)
    assert len(ranking.rows) == ENOUGH and len(ranking.benchmarks) == 1


def test_one_row_with_more_seeds_does_not_take_the_ranks_of_the_others(fabricated):
    records = [
        fabricated.make(name, fabricated.two_tasks(*[(level, 0.9)] * seeds))
        for name, level, seeds in (("er", 0.8, 2), ("lwf", 0.6, 2), ("mas", 0.5, 3))
    ]
    ranking = ranked(records)
    assert [one.strategy for one in ranking.rows] == ["er", "lwf", "mas"] and ranking.seeds == (0, 1)


def test_ranks_are_among_the_kept_rows_and_the_others_stay_references(two):
    fewer = ranked(two, kept={"er", "naive"})
    assert names(fewer) == ["er", "naive"] and fewer.rows[1].rank.mean == 2 and not fewer.yardsticks
    assert fewer.rows[0].recovered.value == pytest.approx(0.85 / 1.40)
    of_each = ranked(two, kept={"second": {"er"}, "toy_class": {"er", "lwf", "naive"}})
    assert of_each.benchmarks == ("toy_class",) and names(of_each) == ["er", "lwf", "naive"]
    assert names(ranked(two, kept={"toy_class": {"lwf"}})) == ["lwf"]
    assert not ranked(two, kept={"joint"}).rows


def test_each_benchmark_ranks_by_its_own_metric_on_the_seeds_that_all_have(fabricated):
    toy = [one for one in fabricated.toy() if one.strategy in ("naive", "joint", "er")]
    both = ranked([*toy, *fabricated.of_pairs()])
    assert dict(zip(both.benchmarks, both.metrics, strict=True)) == {
        "toy_class": "acc",
        "toy_pairs": "stream_backward",
    }
    assert both.seeds == (0, 1)
    assert set(ranked([*toy, *fabricated.of_pairs()], metric="old").metrics) == {"old"}


def test_the_lowest_value_is_best_where_that_is_better(fabricated):
    assert names(ranked(fabricated.toy(), metric="forgetting")) == ["avalanche_replay", "er", "lwf", "naive"]
    assert names(ranked(fabricated.toy(), metric="bwt")) == ["avalanche_replay", "er", "lwf", "naive"]


def test_rows_that_cannot_be_told_apart_share_a_letter_and_more_of_them_after_holm(fabricated):
    def row(name, *ends):
        return fabricated.make(name, fabricated.two_tasks(*((end, end) for end in ends)))

    records = [row("a", 0.80, 0.81, 0.80), row("b", 0.70, 0.73, 0.71), row("c", 0.1, 0.5, 0.3)]
    assert [one.ties for one in ranked(records).rows] == ["a", "b", "b"]
    assert [one.ties for one in ranked(records, correct=True).rows] == ["a", "b", "ab"]


def test_no_ranks_without_two_common_seeds(fabricated):
    rows = [
        fabricated.make("er", np.full((2, 3, 2), 0.5), seeds=[0, 1]),
        fabricated.make("ewc", np.full((2, 3, 2), 0.4), seeds=[1, 2]),
    ]
    assert not ranked(rows).rows and ranked(rows).seeds == (1,)
    assert not ranked(rows[:0]).rows
