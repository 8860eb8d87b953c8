"""The decision rule, by its worked example and in each of its special cases."""

import math

import msgspec
import numpy as np
import pytest
from scipy.stats import t, ttest_ind_from_stats

from clbench.published.decide import decide, half_width, is_undecidable, sample_sd
from clbench.published.figures import Figure, figures

REHEARSAL = next(one for one in figures() if one.id == "hsu2018-smnist-class-rehearsal1100")


def figure(**fields) -> Figure:
    return msgspec.structs.replace(REHEARSAL, **fields)


def runs(mean: float, sd: float, n: int = 10) -> np.ndarray:
    """Values with exactly this mean and sample SD."""
    x = np.linspace(-1, 1, n)
    return mean + sd * x / x.std(ddof=1)


def test_the_worked_example():
    assert sample_sd(REHEARSAL) == pytest.approx(0.008960, abs=5e-7)
    ours = runs(0.9012, 0.0090)
    found = decide(REHEARSAL, ours)
    assert (found.word, round(found.difference, 4), round(found.h, 5)) == ("reproduced", -0.0066, 0.00844)
    assert round(half_width(figure(spread=None), ours), 5) == 0.00911
    one = decide(figure(spread=None, seeds=1), ours)
    assert (round(one.h, 5), one.word) == (0.02135, "undecided") and "spread assumed" in one.reason


def test_h_is_that_of_welch():
    """Against scipy's test of the same summaries: |d| = h where p = 0.05."""
    ours = runs(0.9, 0.004, 6)
    h = half_width(REHEARSAL, ours)
    p = ttest_ind_from_stats(0.9, 0.004, 6, 0.9 + h, sample_sd(REHEARSAL), 10, equal_var=False).pvalue
    assert p == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(
    "fields, sd",
    [
        ({"spread_kind": "sd", "spread_ddof": 0}, 0.0085 * math.sqrt(10 / 9)),
        ({"spread_kind": "sd", "spread_ddof": 1}, 0.0085),
        ({"spread_kind": "sd", "spread_ddof": None}, 0.0085),
        ({"spread_kind": "sem", "seeds": 20}, 0.0085 * math.sqrt(20)),
        ({"spread_kind": "ci95"}, 0.0085 * math.sqrt(10) / 1.96),
        ({"spread": None}, None),
        ({"seeds": 1}, None),
        ({"seeds": None}, None),
    ],
)
def test_each_kind_of_spread(fields, sd):
    assert sample_sd(figure(**fields)) == (sd and pytest.approx(sd))


@pytest.mark.parametrize(
    "mean, sd, word, said",
    [
        (0.9078, 0.0, "reproduced", ""),
        (0.9078 + 0.0163, 0.0, "reproduced", ""),  # h is 0.0064 of theirs alone, tau 0.01005
        (0.9078 + 0.0165, 0.0, "not reproduced", "too high"),
        (0.9078 - 0.0165, 0.0, "not reproduced", "too low"),
        (0.9078, 0.05, "undecided", "some 29 seeds would tell"),
    ],
)
def test_each_word(mean, sd, word, said):
    found = decide(REHEARSAL, runs(mean, sd))
    assert found.word == word and said in found.reason


def test_the_seeds_that_would_tell_do_and_one_fewer_does_not():
    assert (
        half_width(REHEARSAL, runs(0.9078, 0.05, 29)) <= 0.02 < half_width(REHEARSAL, runs(0.9078, 0.05, 28))
    )
    nearly = figure(spread=0.0265)  # of theirs alone h is 0.01998
    assert "not even 1000 seeds tell" in decide(nearly, runs(0.9078, 0.05)).reason


def test_no_spread_at_all_leaves_the_tolerance():
    assert decide(figure(spread=0.0), [0.9] * 5).h == 0
    assert decide(figure(spread=0.0), [0.91] * 5).word == "reproduced"
    assert decide(figure(spread=0.0), [0.9179] * 5).word == "not reproduced"  # by 0.0101


def test_an_unknown_spread_is_ours():
    ours = runs(0.9, 0.01)
    found = decide(figure(spread=None), ours)
    assert found.h == pytest.approx(t.ppf(0.975, 9) * 0.01 * math.sqrt(1 / 10 + 1 / 10))
    assert found.reason == "spread assumed"
    single = half_width(figure(seeds=None), ours)
    assert single == pytest.approx(t.ppf(0.975, 9) * 0.01 * math.sqrt(1 + 1 / 10))


@pytest.mark.parametrize("doubt", ["spread_confirmed", "spread_kind_confirmed"])
def test_a_doubtful_spread_is_tried_both_ways(doubt):
    ours = runs(0.9078 + 0.0155, 0.001)  # within their spread, and beyond ours
    assert decide(REHEARSAL, ours).word == "reproduced"
    found = decide(figure(**{doubt: False}), ours)
    assert found.word == "undecided" and "reproduced with it, not reproduced with ours" in found.reason
    agreed = decide(figure(**{doubt: False}), runs(0.9078, 0.001))
    assert agreed.word == "reproduced" and "not confirmed" in agreed.reason


def test_a_spread_too_wide_is_told_beforehand():
    wide = figure(spread=0.03)
    assert is_undecidable(wide) and not is_undecidable(REHEARSAL)
    found = decide(wide, runs(0.9078, 0.0001))
    assert found.word == "undecided" and "published spread alone" in found.reason


def test_four_seeds_are_never_judged():
    with pytest.raises(ValueError):
        decide(REHEARSAL, [0.9] * 4)
