"""Tables of the rows that filters leave, ranked and sorted."""

import pytest
from msgspec.structs import replace

from clbench.errors import InputError
from clbench.report.arrange import KEYS, Wanted, arranged, sorted_by
from clbench.report.formats import to_csv
from clbench.report.tables import groups, table_of


def shown(records, **wanted):
    (table,) = arranged(records, records, Wanted(**wanted))
    return table


def strategies(table):
    return [row.strategy for row in table.rows]


def texts(table, column):
    return {row.strategy: row.cells[column].text for row in table.rows}


@pytest.fixture
def toy(fabricated):
    return fabricated.toy()


@pytest.fixture
def several(fabricated):
    """Three benchmarks of one profile."""
    return [*fabricated.toy(), *fabricated.many(), *fabricated.of_pairs()]


# ---- what a row costs beside naive


def test_compute_is_a_multiple_of_naive_and_no_column(toy, several):
    table = shown(toy)
    assert texts(table, "compute") == {"naive": "1", "joint": "4", "er": "2"} | {
        name: "1" for name in ("joint_equal", "lwf", "avalanche_replay", "si")
    } | dict.fromkeys(("ewc", "pnn"), "–")
    assert "compute" not in [column.name for column in table.columns]
    without = shown([one for one in toy if one.strategy != "naive"])
    assert set(texts(without, "compute").values()) == {"–"}
    assert texts(shown(several, metric="compute"), "toy_class")["joint"] == "4"


# ---- filters


def test_filters_take_rows_away_and_nothing_from_the_others(toy):
    whole, left = shown(toy), shown(toy, where=["memory_items > 0"])
    (er,) = (row for row in whole.rows if row.strategy == "er")
    assert left.rows == [er]  # its gaps, what it recovered and its compute too
    both = shown(toy, families=["replay", "own"], where=["status == 'ok'"])
    assert strategies(both) == ["er", "avalanche_replay"]


def test_a_strategy_stays_on_the_benchmarks_on_which_its_row_passes(several):
    table = shown(several, metric="acc", where=["acc < 0.5", "kind == 'reference'"])
    on = {row.strategy: set(row.origins) for row in table.rows}
    assert on == {"naive": {"split_toy_class", "toy_class", "toy_pairs"}}
    naive = shown(several, metric="acc", where=["acc > 0.4"], sort="strategy", reverse=True).rows[0]
    assert naive.strategy == "naive" and set(naive.origins) == {"toy_class", "toy_pairs"}


CONDITIONS = {
    "acc > 0.7 and not kind == 'reference'": "er avalanche_replay",
    "0.45 < acc <= 0.8": "joint_equal er lwf avalanche_replay",
    "bwt < -0.5 or (status == 'failed')": "naive lwf ewc",
    "memory_items == 200": "er",
    "compute <= 1.1 and compute >= 1": "naive joint_equal lwf si avalanche_replay",
    "seeds in (1, 2)": "si",
    "acc not in [0.8, -1]": "naive joint lwf er avalanche_replay",
    "acc != 0.8": "naive joint lwf er avalanche_replay",
    "gpu_hours != 3": None,  # nobody has any
    "gpu_hours == gpu_hours": None,
    "status != 'ok'": "ewc si pnn",
    "family in ('replay', 'own')": "er avalanche_replay pnn",
    "stores": "joint joint_equal er",
    "stores == false and seeds >= 3": "naive lwf avalanche_replay",
    "not (needs_task_label or stale) and acc > new": "joint",
    "new < old": "joint",
}


@pytest.mark.parametrize(("condition", "left"), CONDITIONS.items())
def test_conditions(condition, left, toy):
    if left is None:
        with pytest.raises(InputError, match="none of 9 rows passes"):
            shown(toy, where=[condition])
    else:
        assert sorted(strategies(shown(toy, where=[condition]))) == sorted(left.split())


def test_what_a_record_kept_counts_as_stored_whatever_its_class_says(fabricated, toy):
    keeps = fabricated.make("avalanche_naive", fabricated.two_tasks((0.1, 0.9)), costs={"memory_items": 50})
    assert "avalanche_naive" in strategies(shown([*toy, keeps], where=["stores"]))


# ---- order


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("acc", "joint joint_equal er avalanche_replay lwf naive | ewc si pnn"),
        ("forgetting", "joint joint_equal er avalanche_replay lwf naive | ewc si pnn"),
        ("compute", "naive joint_equal lwf si avalanche_replay er joint | ewc pnn"),
        ("retraining_saved", "naive joint_equal lwf si avalanche_replay er joint | ewc pnn"),
        ("recovered", "joint_equal er avalanche_replay lwf | naive joint ewc si pnn"),
    ],
)
def test_the_best_rows_come_first_and_those_without_a_value_last(key, order, toy):
    valued, rest = (part.split() for part in order.split("|"))
    table = shown(toy, sort=key)
    assert strategies(table) == valued + rest
    assert key in [column.name for column in table.columns]
    back = strategies(shown(toy, sort=key, reverse=True))
    assert back[len(valued) :] == rest and back[0] == valued[-1] and set(back) == set(valued + rest)


def test_by_name_and_by_family(toy):
    assert strategies(shown(toy, sort="strategy")) == sorted(strategies(shown(toy)))
    assert strategies(shown(toy, sort="strategy", reverse=True))[0] == "si"
    assert strategies(shown(toy, sort="family")) == strategies(shown(toy))
    by_rank = strategies(shown(toy, sort="family", ranks=True))
    assert by_rank[:3] == ["naive", "joint", "joint_equal"] and by_rank.index(
        "avalanche_replay"
    ) < by_rank.index("er")


def test_every_key_sorts(several):
    (judged,) = groups(several, several, together=True)
    table = table_of(judged, "acc")
    for key in KEYS:
        assert len(sorted_by(table, key, judged).rows) == len(table.rows)


def test_over_benchmarks_by_the_mean_and_rows_on_most_of_them_first(several):
    table = shown(several, metric="acc", sort="acc")
    assert strategies(table)[:4] == ["joint", "er", "naive", "joint_equal"]  # three benchmarks, then two
    assert strategies(table)[-2:] == ["avalanche_naive", "pnn"]  # 24.9 on one, nothing
    assert table.notes[-1] == (
        "sorted by the mean ACC over the benchmarks that a row has it on, rows on fewer of them behind; "
        "rows on other benchmarks are not comparable"
    )
    assert strategies(shown(several, metric="acc", sort="compute"))[:3] == ["naive", "er", "joint"]


# ---- ranks


def test_ranks_on_one_benchmark_say_who_ties(toy):
    table = shown(toy, ranks=True)
    assert [column.name for column in table.columns[:3]] == ["rank", "ties", "acc"]
    assert strategies(table)[:4] == ["avalanche_replay", "er", "lwf", "naive"]
    assert strategies(table)[-2:] == ["joint", "joint_equal"]
    first = table.rows[0].cells
    assert (first["rank"].value, first["rank"].n, first["ties"].text) == (1, 3, "a")
    assert set(texts(table, "rank").values()) >= {"", "1 [1, 2]"}
    assert any(note.startswith("ranks stand on 3 common seeds") for note in table.notes)


def test_ranks_are_of_the_rows_that_filters_leave(toy):
    table = shown(toy, ranks=True, where=["memory_items == 0"], sort="rank")
    assert "er" not in strategies(table)
    ranks = {row.strategy: row.cells["rank"].value for row in table.rows}
    assert ranks == {"avalanche_replay": 1, "lwf": 2, "naive": 3} | dict.fromkeys(
        ("joint", "joint_equal", "si")
    )
    assert (
        strategies(shown(toy, ranks=True, where=["memory_items == 0"], sort="rank", reverse=True))[0]
        == "naive"
    )


def test_a_row_on_fewer_benchmarks_says_on_how_many(fabricated):
    more = [fabricated.make(name, fabricated.two_tasks(*[(0.4, 0.8)] * 3)) for name in ("mir", "gem")]
    first = [*fabricated.toy(), *more]
    second = [replace(one, benchmark="second") for one in first if one.strategy != "avalanche_replay"]
    table = shown([*first, *second], ranks=True)
    assert [column.name for column in table.columns] == ["rank", "recovered", "second", "toy_class"]
    assert texts(table, "rank")["er"] == "1.0 [1.0, 3.0]" and texts(table, "recovered")["er"].startswith(
        "60.7 ["
    )
    assert texts(table, "rank")["avalanche_replay"] == "on 1 of 2"
    assert (
        strategies(table)[5] == "avalanche_replay" and "benchmarks compared: second, toy_class" in table.notes
    )
    lines = [line for line in to_csv([table]).splitlines() if ",rank," in line]
    assert lines[0].startswith("smoke,,er,replay,native,,,,rank,1.0,,1.0,3.0,,3,")
    filtered = shown([*first, *second], ranks=True, where=["kind == 'native'"])
    assert texts(filtered, "recovered")["er"] == texts(table, "recovered")["er"]


# ---- what cannot be


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"metric": "forgeting"}, 'unknown metric "forgeting": did you mean "forgetting"'),
        ({"sort": "acx"}, 'unknown key to sort by "acx": did you mean "acc"?; there are acc, '),
        ({"sort": "-acc"}, 'did you mean "acc"'),
        ({"sort": "rank"}, "--sort rank needs --ranks"),
        ({"holm": True}, "--holm needs --ranks"),
        ({"reverse": True}, "--reverse needs --sort"),
        ({"ranks": True, "metric": "compute"}, "compute is a cost"),
    ],
)
def test_what_cannot_be_shown_is_said(wanted, said):
    with pytest.raises(InputError) as refused:
        Wanted(**wanted)
    assert said in str(refused.value)
