import pytest

from clbench.report.values import across_benchmarks, compute_matched, trains_on_all_data


def test_the_mean_over_benchmarks_says_how_many_entered(fabricated):
    two = fabricated.two_tasks
    other = [fabricated.make(name, two(*ends), benchmark="other") for name, ends in {
        "naive": ((0.2, 0.4), (0.2, 0.6), (0.2, 0.5)), "joint": ((0.8, 0.9), (0.9, 0.9), (0.9, 0.9)),
        "er": ((0.8, 0.9), (0.9, 0.9), (0.9, 0.9))}.items()]
    found = across_benchmarks([*fabricated.toy(), *other])
    # toy: ACC of er .75 .80 .65, naive .45 .50 .40, joint .90 .90 .95, so .85 / 1.40; other: all of it
    assert found["er"].value == pytest.approx((0.85 / 1.40 + 1) / 2) and found["er"].n == 2
    assert found["er"].low <= found["er"].value <= found["er"].high
    assert found["joint_equal"].n == found["avalanche_er"].n == 1
    assert not {"naive", "joint", "ewc", "si", "pnn"} & set(found)


def test_compute_matched_rows_cost_what_naive_costs(fabricated):
    names = [record.strategy for record in compute_matched(fabricated.toy())]
    assert names == ["naive", "joint_equal", "lwf", "avalanche_er", "si"]
    assert compute_matched([record for record in fabricated.toy() if record.strategy != "naive"]) == []


def test_a_composition_with_joint_trains_on_all_data(fabricated):
    record = fabricated.make("er+joint", fabricated.two_tasks((0.5, 0.5)))
    record.settings = record.settings | {"strategy": {"er": {}, "joint": {}}}
    assert trains_on_all_data(record) and not trains_on_all_data(fabricated.make("er"))


def test_both_stand_on_the_page(folder):
    page, text = ((folder / "reports" / f"smoke.{kind}").read_text() for kind in ("html", "md"))
    for heading in ("Share of the damage recovered, mean over benchmarks", "ACC at naive's cost"):
        assert heading in text and heading.replace("'", "&#39;") in page.replace("'", "&#39;")
