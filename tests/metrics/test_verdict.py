"""The regression rule, one test per rule and per precedence."""

import numpy as np
import pytest

from clbench.metrics.accuracy import per_seed
from clbench.metrics.verdict import Verdict, agreement, compare, exit_status

NOISE = np.array([-0.001, 0.0, 0.001])
ARRAY = np.array([[0.1, 0.1], [0.9, 0.1], [0.6, 0.8]]) + NOISE[:, None, None]  # [S=3, T+1=3, E=2], ACC 0.7


def side(acc=ARRAY, seeds=(0, 1, 2), **changes) -> dict:
    record = {
        "status": "ok",
        "settings": {"batch": 10, "optimiser": {"name": "sgd", "lr": 0.1}},
        "seeds": list(seeds),
        "acc": np.asarray(acc).tolist(),
        "platform": {"cpu": "x", "torch": "2.9"},
        "costs": {"steps": 100, "samples_seen": 1000, "flops": 5e9, "memory_items": 0},
    }
    return record | changes


def shifted(amount, cells=(slice(None), -1), scatter=NOISE):
    """ARRAY with the cells of each seed moved by amount + that seed's scatter; the last row unless told
    otherwise."""
    array = ARRAY.copy()
    for seed, extra in enumerate(scatter):
        array[(seed, *cells[1:])] += amount + extra
    return array


def costs(**changes) -> dict:
    return side()["costs"] | changes


def test_identical_whatever_the_order_of_seeds_and_the_platform():
    reordered = side(ARRAY[[2, 0, 1]], seeds=(2, 0, 1), platform={"cpu": "y"})
    assert compare(side(), reordered) == Verdict("identical", "bit-equal, seeds [0, 1, 2]")


def test_missing_cells_on_both_sides_are_equal():
    array = ARRAY.copy()
    array[:, 1, 1] = np.nan
    holes = side(array)
    holes["acc"] = [[[None if v != v else v for v in row] for row in seed] for seed in holes["acc"]]
    assert compare(side(array), holes).status == "identical"
    assert compare(side(), holes).status == "changed set-up"


def test_missing_and_failed():
    assert compare(None, side()) == Verdict("missing", "no baseline record")
    assert compare(side(), None) == Verdict("missing", "no current record")
    failed = {"status": "failed", "error": "IndexError: 3"}
    assert compare(side(), failed) == Verdict("failed", "current failed: IndexError: 3")
    assert compare({"status": "diverged"}, side()) == Verdict("failed", "baseline diverged")


def test_unsupported_on_both_sides_for_the_same_reason_is_identical():
    labels, memory = ({"status": "unsupported", "error": e} for e in ("needs task labels", "needs a memory"))
    assert compare(labels, labels).status == "identical"
    assert compare(labels, memory).status == "changed set-up"
    verdict = compare(side(), labels)
    assert verdict == Verdict("changed set-up", "status ok -> unsupported: needs task labels")


@pytest.mark.parametrize(
    ("current", "detail"),
    [
        (side(settings={"batch": 10, "optimiser": {"name": "sgd", "lr": 0.2}}), "optimiser.lr 0.1 -> 0.2"),
        (
            side(settings={"batch": 10, "optimiser": {"name": "sgd", "lr": 0.1}, "tf32": True}),
            "tf32 absent -> True",
        ),
        (side(ARRAY[:2], seeds=(0, 1)), "seeds [0, 1, 2] -> [0, 1]"),
        (side(ARRAY[:, :2]), "shape of acc [3, 3, 2] -> [3, 2, 2]"),
    ],
)
def test_changed_set_up_names_the_field_and_comes_before_everything_else(current, detail):
    verdict = compare(side(), current | {"costs": costs(steps=7)})
    assert verdict.status == "changed set-up" and verdict.detail.startswith(f"{detail}; ACC 70.0 -> ")


@pytest.mark.parametrize("name", ["steps", "samples_seen", "flops", "memory_items"])
def test_exact_costs_have_no_tolerance(name):
    verdict = compare(side(), side(costs=costs(**{name: costs()[name] + 1})))
    assert verdict.status == "cost changed" and verdict.bad and not verdict.changed
    assert verdict.detail == f"{name} {costs()[name]} -> {costs()[name] + 1}; accuracies bit-equal"


def test_a_changed_cost_or_set_up_says_what_it_does_to_accuracy():
    dearer = compare(side(), side(shifted(0.01), costs=costs(steps=200)))
    assert dearer.status == "cost changed"
    assert "steps 100 -> 200; ACC 70.0 -> 71.0, difference 1.0 [0.8, 1.2]" in dearer.detail
    other = side(shifted(-0.1), settings={"batch": 20, "optimiser": {"name": "sgd", "lr": 0.1}})
    assert "batch 10 -> 20; ACC 70.0 -> 60.0, difference -10.0" in compare(side(), other).detail
    no_common_seed = compare(side(), side(shifted(-0.1), seeds=(3, 4, 5))).detail
    assert no_common_seed.endswith("ACC 70.0 -> 60.0; forgetting 30.0 -> 40.0")


# ---- what is compared before accuracies


SLICES = [[100, 50]] * 3


def test_an_untrained_network_that_scores_otherwise_means_other_data_or_evaluation():
    moved = shifted(0.3, (slice(None), 0))
    for platform in ({"cpu": "x", "torch": "2.9"}, {"cpu": "y"}):
        verdict = compare(side(), side(moved, platform=platform))
        assert verdict.status == "data or evaluation changed" and verdict.bad
        assert "the untrained network scores 10.0 -> 40.0, up to 30.1 apart on one slice" in verdict.detail


def test_on_another_platform_rounding_may_turn_two_answers_of_an_untrained_network():
    def verdict(answers, platform):
        array = ARRAY.copy()
        array[1, 0, 1] += answers / 50
        return compare(side(slices=SLICES), side(array, slices=SLICES, platform=platform))

    assert verdict(2, {"cpu": "y"}).status == "pass"
    assert verdict(3, {"cpu": "y"}).status == "data or evaluation changed"
    assert verdict(1, side()["platform"]).status == "data or evaluation changed"


def test_other_sizes_of_slices_are_another_evaluation():
    verdict = compare(side(slices=SLICES), side(slices=[[130, 50]] * 3, platform={"cpu": "y"}))
    assert verdict.status == "data or evaluation changed"
    assert "examples in the slices [100, 50] -> [130, 50]" in verdict.detail
    assert compare(side(), side(slices=SLICES)).status == "identical"  # an older baseline knows no sizes


def test_metrics_of_equal_accuracies_that_differ_mean_another_metric():
    then = {"acc": [0.7, 0.7, 0.7], "forgetting": [0.1, 0.1, 0.1], "gone": [0.0] * 3, "fwt": [0.0, None, 0.0]}
    before = side(ARRAY - NOISE[:, None, None])
    for platform in (before["platform"], {"cpu": "y"}):
        verdict = compare(before | {"metrics": then}, before | {"platform": platform})
        assert verdict.status == "metric changed" and verdict.bad
        assert "forgetting 10.0 -> 30.0 of the same accuracies" in verdict.detail
        assert "ACC" not in verdict.detail
    same = {name: values.tolist() for name, values in per_seed(np.array(before["acc"])).items()}
    assert compare(before | {"metrics": same}, before).status == "identical"


def test_two_implementations_agree_or_do_not():
    there = side(shifted(0.001), costs=costs(flops=7e9), settings={"row": "of a library"})
    assert agreement(side(), there).status == "pass"
    assert agreement(side(), side(shifted(-0.05))).status == "disagrees"
    assert agreement(side(), side(shifted(0.05))).status == "disagrees"
    assert agreement(side(), side(shifted(0.0, scatter=[-0.02, 0.0, 0.02]))).status == "disagrees"
    other_weights = agreement(side(), side(shifted(0.3, (slice(None), 0)), platform={"cpu": "y"}))
    assert other_weights.status == "disagrees" and "untrained" in other_weights.detail


def test_pass_within_the_margin_is_a_change_only_on_the_same_platform():
    verdict = compare(side(), side(shifted(0.002)))
    assert (verdict.status, verdict.changed, verdict.bad) == ("pass", True, False)
    elsewhere = compare(side(), side(shifted(0.002), platform={"cpu": "y"}))
    assert (elsewhere.status, elsewhere.changed) == ("pass", False)
    assert not compare(side(platform={}), side(shifted(0.002), platform={})).changed
    assert compare(side(platform={}), side(shifted(0.002), platform={}), same_platform=True).changed


def test_undecided_is_bad_only_where_nothing_but_the_code_can_differ():
    wild = shifted(0.0, scatter=[-0.02, 0.0, 0.02])
    here, elsewhere = compare(side(), side(wild)), compare(side(), side(wild, platform={"cpu": "y"}))
    assert (here.status, exit_status([here])) == ("undecided", 1)
    assert (elsewhere.status, exit_status([elsewhere])) == ("undecided", 3)


def test_regressed_and_improved():
    worse = compare(side(), side(shifted(-0.05)))
    assert (worse.status, worse.changed, worse.bad) == ("regressed", True, True)
    # SD 0.001: half-width 4.303 * 0.001 / sqrt(3) = 0.0025; only column 1 counts for forgetting, and it moves
    # alike
    assert worse.detail == (
        "ACC 70.0 -> 65.0, difference -5.0 [-5.2, -4.8]; forgetting 30.0 -> 35.0, difference 5.0 [4.8, 5.2]"
    )
    better = compare(side(), side(shifted(0.05)))
    assert (better.status, better.bad) == ("improved", False)
    assert compare(side(), side(shifted(-0.05)), margin=0.06).status == "pass"


def test_forgetting_alone_can_regress():
    array = shifted(0.05, (slice(None), 1, 0))  # R[1,1] only: the same ACC, 5 points more forgotten
    verdict = compare(side(), side(array))
    assert verdict.status == "regressed" and verdict.detail.startswith("forgetting 30.0 -> 35.0")


def test_undecided_says_how_many_seeds_would_probably_decide():
    verdict = compare(side(), side(shifted(0.0, scatter=[-0.02, 0.0, 0.02])))  # SD of a margin: effect size 1
    assert verdict.status == "undecided" and "about 10 seeds would probably decide, now 3" in verdict.detail
    near = compare(side(), side(shifted(0.02)))
    assert near.status == "undecided" and "close to the margin of 2.0" in near.detail


def test_one_seed_is_identical_or_undecided():
    one, other = side(ARRAY[:1], seeds=[0]), side(shifted(1e-9)[:1], seeds=[0])
    assert compare(one, one).status == "identical"
    verdict = compare(one, other)
    assert verdict.status == "undecided" and "one seed decides nothing" in verdict.detail


def test_plasticity_gap_counts_where_both_sides_have_joint():
    def with_joint(array, learnt):
        joint = np.array([[0.1, 0.1], [learnt, 0.1], [0.9, 0.9]]) + np.zeros((3, 1, 1))
        return side(array, retrained={"seeds": [0, 1, 2], "acc": joint.tolist()})

    moved = shifted(1e-6)
    verdict = compare(with_joint(ARRAY, 0.9), with_joint(moved, 0.99))
    assert verdict.status == "regressed" and verdict.detail.startswith("plasticity gap 5.0 -> 9.5")
    assert compare(with_joint(ARRAY, 0.9), side(moved)).status == "pass"
    assert compare(with_joint(ARRAY, 0.9), with_joint(moved, np.nan)).status == "pass"


def test_joint_is_matched_by_seed():
    joint = {"seeds": [2, 1, 0, 5], "acc": np.concatenate([ARRAY[::-1], ARRAY[:1] - 0.5]).tolist()}
    moved = side(shifted(1e-6, scatter=[0, 0, 0]), retrained=joint)
    assert "plasticity gap 0.0 -> 0.0" in compare(side(retrained=joint), moved).detail


def test_precedence():
    more_steps = costs(steps=200)
    regressed = compare(side(), side(shifted(-0.05), costs=more_steps))
    assert regressed.status == "regressed" and regressed.detail.endswith("steps 100 -> 200")
    wild = [-0.02, 0.0, 0.02]
    assert compare(side(), side(shifted(0.0, scatter=wild), costs=more_steps)).status == "cost changed"
    scattered = shifted(
        0.0, (slice(None), 2, 1), scatter=[-0.1, 0.0, 0.1]
    )  # R[T,T], which forgetting does not see
    scattered[:, 2, 0] += 0.05
    verdict = compare(side(), side(scattered))  # forgetting improves, ACC is open
    assert verdict.status == "undecided" and "forgetting" not in verdict.detail
    kept = shifted(0.05, (slice(None), 2, 0))
    kept[:, 2, 1] -= 0.05  # R[T,T] pays for R[T,1]
    verdict = compare(side(), side(kept))  # forgetting improves, ACC passes
    assert verdict.status == "improved" and "ACC" not in verdict.detail


def test_exit_status():
    ok, improved, undecided, bad = (Verdict(s, "") for s in ("pass", "improved", "undecided", "cost changed"))
    assert exit_status([]) == 1
    assert exit_status([ok, improved, Verdict("identical", "")]) == 0
    assert exit_status([ok, improved], strict=True) == 1
    assert exit_status([ok, undecided]) == exit_status([ok, undecided], strict=True) == 3
    assert exit_status([undecided, bad, ok]) == 1
    accepted = [Verdict(s, "", accepted=True) for s in ("improved", "undecided", "regressed")]
    assert exit_status([ok, *accepted], strict=True) == 0
    assert [Verdict(s, "").bad for s in ("missing", "failed", "changed set-up", "regressed")] == [True] * 4


def test_a_record_whose_array_does_not_fit_its_seeds_is_refused():
    with pytest.raises(ValueError, match="3 seeds but the list of seeds has 2"):
        compare(side(seeds=(0, 1)), side(seeds=(0, 1)))
