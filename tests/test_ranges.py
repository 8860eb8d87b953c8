"""Ranges of fields: what is taken, what is said, and where they are checked."""

import dataclasses
from typing import Annotated, Literal

import pytest
from helpers import refused
from msgspec import Meta

import clbench
from clbench import Part, registry
from clbench.benchmarks.blobs import Blobs
from clbench.core import memory, ranges, tuned
from clbench.core.benchmark import Benchmark
from clbench.core.budget import Budget
from clbench.core.ranges import (
    AnyFloat,
    Count,
    NotNegative,
    Positive,
    Share,
    SmallerShare,
    Text,
    describe,
    fits,
)
from clbench.execution import plan
from clbench.profiles import PROFILES

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("kind", "taken", "not_taken"),
    [
        (Count, [1, 10**9], [0, -1, 10**9 + 1, 1.0, True, "1", None]),
        (Share, [0, 1, 0.5, -0.0], [-1e-9, 1.1, INF, NAN, True]),
        (SmallerShare, [0.999], [1, 1.0]),
        (Positive, [1e-300, 1e18], [0, 0.0, 1.1e18, 10**400, NAN]),
        (float, [-1e308, 3], [INF, -INF, NAN, 10**400]),
        (AnyFloat, [INF, NAN, 1.0], ["inf", True]),
        (Count | None, [None, 1], [0]),
        (Positive | Literal["constant"] | None, ["constant", 1, None], ["other", 0]),
        (Literal[5, 10], [5], [5.0, 7]),  # 5.0 == 5, and a range of it is none
        (Text, ["", "x" * 4096], ["x" * 4097, 1]),
        (list | None, [[1]], [(1,), 1]),
        (list[int], [[1]], [1]),
        (bool, [True], [1]),
        (int, [10**30, -1], [True, 1.0]),
    ],
)
def test_a_range_takes_what_is_in_it(kind, taken, not_taken):
    assert [value for value in taken if not fits(value, kind)] == []
    assert [value for value in not_taken if fits(value, kind)] == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Count, "a whole number from 1 to 1,000,000,000"),
        (SmallerShare, "a number from 0 to below 1"),
        (Positive | None, "a number above 0, up to 1e18, or None"),
        (Annotated[float, Meta(gt=0, lt=1)], "a number between 0 and 1"),
        (Annotated[int, Meta(ge=2)], "a whole number of at least 2"),
        (Annotated[int, Meta(lt=2)], "a whole number below 2"),
        (Text, "a text of at most 4,096 characters"),
        (int | None, "a whole number or None"),
    ],
)
def test_a_range_is_said_in_words(kind, words):
    assert describe(kind) == words


def test_long_values_are_cut_and_huge_numbers_counted():
    assert ranges.shown("x" * 1000) == "'" + "x" * 199 + "…"
    assert ranges.shown(2**20_000) == "a number of 20,001 bits"  # Python writes at most 4,300 digits


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("er(memory=-1)", "er: memory takes a whole number from 1 to 1,000,000,000, or 'all', not -1"),
        ("derpp(alpha=1e999)", "derpp: alpha takes a number from 0 to 1e18, not inf"),
        ("mir(candidates=99999999999)", "mir: candidates takes a whole number from 1 to 1,000,000, or None"),
        (
            "avalanche_lwf(temperature=0)",
            "avalanche_lwf: temperature takes a number above 0, up to 1e18, not 0",
        ),
        (f"ewc(lam={'9' * 400})", "ewc: lam takes a number from 0 to 1e18, not 9999"),
    ],
)
def test_a_strategys_argument_out_of_range_is_refused(spec, said):
    assert refused(registry.strategy, spec).startswith(said)


@pytest.mark.parametrize(
    "spec",
    ["driftcaps(size=0)", "glyphs(most=-5)", "stream(buckets=0)", "blobs_class(tasks=21)", "icons(lr=1e999)"],
)
def test_a_benchmarks_argument_out_of_range_is_refused(spec):
    field = spec.partition("(")[2].partition("=")[0]
    assert f"{field} takes a" in refused(registry.benchmark, spec, "smoke")


@dataclasses.dataclass
class Mine(Part):
    strength: NotNegative = 1.0
    free: int = 1
    rate: float = 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"strategy": Mine(strength=-1)}, "Mine: strength takes a number from 0 to 1e18, not -1"),
        ({"strategy": Mine(rate=INF)}, "Mine: rate takes a number, not inf"),
        (
            {"strategy": Mine(), "benchmark": Blobs(tasks=0), "scenario": "class"},
            "Blobs: tasks takes a whole",
        ),
    ],
)
def test_objects_made_in_python_are_checked_too(given, said):
    asked = {"benchmark": "blobs_class", "profile": "smoke", "seeds": 1} | given
    assert refused(lambda: clbench.run(**asked)).startswith(said)


def test_a_class_of_ones_own_may_have_plain_numbers():
    ranges.check(Mine(free=-(10**30), rate=-1e300))


def test_a_benchmarks_budget_fields_have_the_ranges_of_the_budget():
    ours, own = ranges.kinds_of(Benchmark), ranges.kinds_of(Budget)
    for name, kind in own.items():
        assert ours[name] in (kind, kind | None, kind | Literal["constant"]), name


def test_tuned_values_lie_in_the_ranges():
    for name, entry in registry.benchmarks().items():
        cls = registry.load(entry)
        for profile in cls.budgets:
            arguments = cls.arguments.get(profile, {}) | dict(entry.better)
            ranges.check_values(name, cls, arguments)
            if profile not in PROFILES or entry.by_name_only and not entry.better:
                continue
            made = registry.benchmark(name, profile)[1]
            for strategy, values in tuned.values(made, profile).items():
                ranges.check_values(strategy, registry.load(registry.strategies()[strategy]), values)


# ---- what would not fit


@pytest.fixture
def small_machine(monkeypatch):
    for module in (memory, plan):
        monkeypatch.setattr(module, "machine_bytes", lambda: 2**24)


@pytest.mark.parametrize(
    ("spec", "strategy", "said"),
    [
        ("driftcaps(n=1000000)", "naive", "drawing slices=3 of n=1000000 pairs at size=8"),
        ("blobs_class(width=1000)", "naive", "naive on blobs_class(width=1000): mlp 16-1000-1000-10"),
        ("blobs_class(steps=100000)", "naive", "naive on blobs_class(steps=100000): "),
        ("split_cifar10_class(width=300)", "naive", "small_conv of width=300"),
        ("blobs_class", "mir(candidates=100000)", "mir(candidates=100000) on blobs_class: "),
        ("blobs_class", "agem(rows=100000)", "agem(rows=100000) on blobs_class: "),
    ],
)
def test_what_does_not_fit_in_memory_is_refused_when_it_is_planned(spec, strategy, said, small_machine):
    if "cifar" in spec:
        network = registry.benchmark(spec, "smoke")[1].network
        message = refused(network)
    else:
        message = refused(plan.make_plan, [spec], [strategy], "smoke", [0], None)
    assert message.startswith(said) and "of memory; this machine has 0.0 GiB" in message


def test_seeds_together_take_no_more_than_there_is(monkeypatch):
    made = plan.make_plan(["blobs_class"], ["naive"], "smoke", list(range(8)), None)
    monkeypatch.setattr(plan, "machine_bytes", lambda: 3 * made.pairs[0].seed_bytes)
    monkeypatch.setattr(memory, "machine_bytes", lambda: 3 * made.pairs[0].seed_bytes)
    assert [len(job.seeds) for job in plan.jobs(made, "cpu")] == [3, 3, 2]
    assert "4 seeds of naive on blobs_class together (--group-size)" in refused(plan.jobs, made, "cpu", 4)


def test_more_seeds_than_anybody_waits_for_are_refused():
    assert refused(plan.checked_seeds, 10**9) == (
        "seeds=1000000000: at most 10,000 seeds, or it would have no end"
    )
    assert "none above" in refused(plan.checked_seeds, [2**63])
    assert plan.checked_seeds([2**63 - 1]) == [2**63 - 1]


def test_a_method_that_leaves_no_step_of_a_fixed_budget_says_so():
    with pytest.raises(RuntimeError, match="computes besides its steps takes all 3 steps of the budget"):
        clbench.run("driftcaps(steps=3, n=400)", "ewc(samples=256)", profile="smoke", seeds=1)
