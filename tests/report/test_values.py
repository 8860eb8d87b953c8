import pytest

from clbench.report.values import (
    across_benchmarks,
    compute_matched,
    family_of,
    kind_of,
    order_of,
    trains_on_all_data,
)


def test_the_mean_over_benchmarks_says_how_many_entered(fabricated):
    two = fabricated.two_tasks
    other = [
        fabricated.make(name, two(*ends), benchmark="other")
        for name, ends in {
            "naive": ((0.2, 0.4), (0.2, 0.6), (0.2, 0.5)),
            "joint": ((0.8, 0.9), (0.9, 0.9), (0.9, 0.9)),
            "er": ((0.8, 0.9), (0.9, 0.9), (0.9, 0.9)),
        }.items()
    ]
    found = across_benchmarks([*fabricated.toy(), *other])
    # toy: ACC of er .75 .80 .65, naive .45 .50 .40, joint .90 .90 .95, so .85 / 1.40; other: all of it
    assert found["er"].value == pytest.approx((0.85 / 1.40 + 1) / 2) and found["er"].n == 2
    assert found["er"].low <= found["er"].value <= found["er"].high
    assert found["joint_equal"].n == found["avalanche_replay"].n == 1
    assert not {"naive", "joint", "ewc", "si", "pnn"} & set(found)


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


def test_both_stand_on_the_page(folder):
    page, text = ((folder / "reports" / f"smoke.{kind}").read_text() for kind in ("html", "md"))
    for heading in ("Share of the damage recovered, mean over benchmarks", "ACC at naive's cost"):
        assert heading in text and heading.replace("'", "&#39;") in page.replace("'", "&#39;")
