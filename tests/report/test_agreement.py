"""Two implementations of a method: what is compared, and what is said of it."""

import numpy as np
import pytest
from scipy import stats

from clbench import registry
from clbench.report.agreement import agreements, how_it_differs
from clbench.report.values import entries


def row(fabricated, strategy, accs, backend="native", **more):
    """A record with these ACCs, one per seed: two tasks, the same in both."""
    acc = [[[0.1, 0.1], [a, 0.1], [a, a]] for a in accs]
    return fabricated.make(strategy, acc, backend=backend, benchmark="split_toy_class", **more)


def compared(fabricated, *records):
    with fabricated.known():
        return {(one.native, one.avalanche): one for one in agreements(entries(list(records)))}


def test_a_row_is_compared_with_the_native_one_of_its_name_and_with_those_it_names(fabricated):
    native = [row(fabricated, name, [0.5, 0.6]) for name in ("ewc", "er", "lwf", "gem")]
    theirs = [
        row(fabricated, f"avalanche_{name}", [0.5, 0.6], "avalanche") for name in ("ewc", "lwf", "replay")
    ]
    theirs[1].settings["strategy"] = {"avalanche_lwf": {"alpha": 4.0, "temperature": 4.0}}
    for spec, arguments in (
        ("lwf(lam=0.25)", {"lam": 0.25, "temperature": 4.0}),
        ("lwf(lam=0.5)", {"lam": 0.5, "temperature": 4.0}),
    ):
        native.append(row(fabricated, spec, [0.5, 0.6]))
        native[-1].settings["strategy"] = {"lwf": arguments}
    native.append(row(fabricated, "ewc(values='paper')", [0.5, 0.6]))
    theirs.append(row(fabricated, "avalanche_ewc(values='paper')", [0.5, 0.6], "avalanche"))
    found = compared(fabricated, *native, *theirs)
    assert set(found) == {
        ("ewc", "avalanche_ewc"),
        ("ewc(values='paper')", "avalanche_ewc(values='paper')"),
        ("er", "avalanche_replay"),
        ("lwf", "avalanche_lwf"),
        ("lwf(lam=0.25)", "avalanche_lwf"),
    }


COPIED = [
    name
    for name, entry in registry.strategies().items()
    if entry.backend == "avalanche" and registry.load(entry)().copied()
]


@pytest.mark.parametrize("name", COPIED)
def test_the_arguments_of_a_copy_are_those_of_the_native_strategy(name):
    copied = registry.load(registry.strategies()[name])().copied()
    method = registry.facts(name).native or name.removeprefix("avalanche_")
    arguments = ", ".join(f"{argument}={value!r}" for argument, value in copied.items())
    assert copied.items() <= registry.strategy(f"{method}({arguments})").arguments[method].items()


def test_six_rows_have_a_copy():
    assert len(COPIED) == 6


def test_the_difference_is_paired_on_common_seeds_and_the_verdict_is_of_two_points(fabricated):
    ours, draws = np.array([0.5, 0.62, 0.55, 0.71, 0.6]), np.random.default_rng(0)
    for shift, spread, verdict in (
        (0.0, 0.01, "equivalent"),
        (0.1, 0.01, "different"),
        (0.0, 0.1, "undecided"),
    ):
        d = shift + spread * draws.normal(size=5)
        own = row(fabricated, "ewc", [*ours, 0.9])
        (one,) = compared(fabricated, own, row(fabricated, "avalanche_ewc", ours + d, "avalanche")).values()
        half = stats.t.ppf(0.975, 4) * d.std(ddof=1) / 5**0.5
        assert one.difference.n == 5 and one.verdict == verdict
        assert (one.difference.mean, one.difference.high - one.difference.mean) == pytest.approx(
            (d.mean(), half)
        )
        narrow = stats.t.ppf(0.95, 4) * d.std(ddof=1) / 5**0.5
        assert one.smallest == pytest.approx(abs(d.mean()) + narrow)
        assert one.ours == pytest.approx(ours.mean()) and one.theirs == pytest.approx((ours + d).mean())
        assert one.overhead == pytest.approx(1.0)


def test_what_is_stale_failed_or_of_other_seeds_or_data_is_left_out(fabricated):
    own = row(fabricated, "ewc", [0.5, 0.6])
    for theirs in (
        row(fabricated, "avalanche_ewc", [0.5, 0.6], "avalanche", stale=True),
        row(fabricated, "avalanche_ewc", [0.5, 0.6], "avalanche", seeds=[5, 6]),
        row(fabricated, "avalanche_gone", [0.5, 0.6], "avalanche"),
        row(fabricated, "avalanche_ewc", [0.5, 0.6], "avalanche", data="d2"),
    ):
        assert not compared(fabricated, own, theirs)


def test_every_row_says_how_it_differs_or_has_no_native_one():
    for name, entry in registry.strategies().items():
        if entry.backend == "avalanche" and name.removeprefix("avalanche_") in registry.strategies():
            assert how_it_differs(name), name
    assert how_it_differs("avalanche_naive") == "the same up to rounding"
    assert how_it_differs("avalanche_lwf").startswith("no factor T^2")
