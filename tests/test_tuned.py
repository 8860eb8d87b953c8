"""Tuned values: each belongs to a benchmark, a scenario, a profile and an argument, and says how it was
found."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from helpers import refused

from clbench import registry
from clbench.benchmarks.split_digits import SplitDigits
from clbench.core import tuned
from clbench.profiles import OWN_PROFILES, PROFILES

PACKAGE = registry.PACKAGE
FILES = sorted(tuned.FOLDER.glob("*.toml"))
every = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def tables(path: Path):
    """(scenario, profile, strategy, table) of a file."""
    for scenario, profiles in tuned.read(path.stem).items():
        if scenario != "evidence":
            for profile, strategies in profiles.items():
                yield from ((scenario, profile, strategy, table) for strategy, table in strategies.items())


@every
def test_tables_name_what_there_is(path):
    scenarios = {
        registry.benchmark(name, "quick")[1].scenario
        for name, entry in registry.benchmarks().items()
        if entry.module == f"clbench.benchmarks.{path.stem}"
    }
    for scenario, profile, strategy, table in tables(path):
        assert scenario in scenarios and profile in PROFILES
        fields = registry.load(registry.strategies()[strategy]).__dataclass_fields__
        assert set(table) - set(tuned.ABOUT) <= set(fields) - {"memory"}


@every
def test_every_value_has_its_evidence(path):
    for *_, table in tables(path):
        evidence = table["evidence"]
        if trials := tuned.trials_of(table):
            tried = {key: trials[0][key] for key in trials[0] if key not in ("score", "lost")}
            chosen = tried | {key: value for key, value in tuned.arguments(table).items() if key in tried}
            scores = [one["score"] for one in trials if one == one | chosen and "score" in one]
            assert scores == [max(one.get("score", -1) for one in trials)]
            assert min(evidence["seeds"]) >= 1000 and evidence["tasks"] >= 2 and evidence["cpu_s"] > 0
            continue
        assert isinstance(evidence, str) or evidence and table["seeds"] >= 1
        for argument, accuracies in evidence.items() if isinstance(evidence, dict) else ():
            known = {
                float(candidate): accuracy
                for candidate, accuracy in accuracies.items()
                if isinstance(accuracy, float)
            }
            if argument in table:
                assert known[table[argument]] == max(known.values())


def test_a_value_holds_for_its_profile(monkeypatch):
    monkeypatch.setattr(
        tuned,
        "read",
        lambda stem: {"class": {"smoke": {"ewc": {"lam": 7.0, "evidence": "none", "seeds": 1}}}},
    )
    found = {
        profile: registry.strategy_on("ewc", *chosen(profile)).arguments["ewc"]["lam"]
        for profile in OWN_PROFILES
    }
    assert found == {"smoke": 7.0, "quick": 1000.0, "full": 1000.0}
    assert registry.strategy_on("ewc(lam=7)", *chosen("smoke")).name == "ewc"
    assert registry.strategy_on("ewc(lam=8)", *chosen("smoke")).name == "ewc(lam=8.0)"


@pytest.mark.parametrize(
    "spec, name, lam",
    [
        ("ewc", "ewc", 7.0),
        ("ewc(values='paper')", "ewc(values='paper')", 1000.0),
        ("ewc(lam=1000)", "ewc(values='paper')", 1000.0),  # one run has one name
        ("ewc(values='paper', lam=7)", "ewc", 7.0),
        ("ewc(values='paper', samples=8)", "ewc(lam=1000.0, samples=8)", 1000.0),
        ("er+ewc", "er+ewc", 1000.0),  # 7 was chosen for it alone
        ("ewc(values='tuned')", "ewc", 7.0),
    ],
)
def test_the_papers_values_have_a_name_where_others_are_tuned(monkeypatch, spec, name, lam):
    monkeypatch.setattr(tuned, "read", lambda stem: {"class": {"smoke": {"ewc": {"lam": 7.0}}}})
    found = registry.strategy_on(spec, *chosen("smoke"))
    assert (found.name, found.arguments["ewc"]["lam"]) == (name, lam)
    assert registry.strategy(found.trained, {}, 100).arguments == found.arguments  # whatever is tuned


@every
def test_values_hold_for_the_plain_benchmark(path):
    """Whatever network its profile has."""
    own = [
        name
        for name, entry in registry.benchmarks().items()
        if entry.module == f"clbench.benchmarks.{path.stem}"
    ]
    for profile in OWN_PROFILES:
        plain = {one.scenario: one for one in (registry.benchmark(name, profile)[1] for name in own)}
        for scenario, of, strategy, table in tables(path):
            if of == profile:
                arguments = registry.strategy_on(strategy, plain[scenario], profile).arguments[strategy]
                assert tuned.arguments(table).items() <= arguments.items(), (scenario, strategy)


def test_values_hold_for_the_network_that_they_were_tuned_for(monkeypatch):
    monkeypatch.setattr(tuned, "read", lambda stem: {"class": {"smoke": {"ewc": {"lam": 7.0}}}})
    for spec, lam in (("blobs_class(width=8)", 7.0), ("blobs_class(net='tiny_vit')", 1000.0)):
        name, benchmark, _ = registry.benchmark(spec, "smoke")
        assert registry.strategy_on("ewc", benchmark, "smoke").arguments["ewc"]["lam"] == lam
        assert bool(registry.tuned_tables(name, "class", "smoke")) == (lam == 7)


def test_without_tuned_values_the_papers_are_the_bare_row():
    plain = registry.benchmark("blobs_class", "smoke")[1]
    assert registry.strategy_on("si(values='paper')", plain, "smoke").name == "si"
    assert refused(registry.strategy_on, "si(values=3)", *chosen("smoke")) == (
        "si: values takes 'paper' or 'tuned', not 3"
    )


def chosen(profile: str, scenario: str = "class"):
    return registry.benchmark(f"split_digits_{scenario}", profile)[1], profile


def test_a_benchmark_of_ones_own_has_the_values_of_its_class_over_those_of_the_file_that_it_builds_on():
    class Mine(SplitDigits):
        tuned = {"task": {"ewc": {"lam": 3.0}}}

    mine = Mine()
    mine.scenario = "task"
    assert tuned.values(mine, "smoke")["ewc"] == {"lam": 3.0} and tuned.values(mine, "smoke")["lwf"] == {
        "lam": 0.1
    }


def test_a_tuned_memory_is_the_benchmarks(monkeypatch):
    monkeypatch.setattr(SplitDigits, "tuned", {"class": {"er": {"memory": 5}}})
    assert (
        refused(registry.strategy_on, "naive", *chosen("smoke"))
        == "SplitDigits: tuned holds a memory for er; "
        "set the benchmark's field memory, the default of all strategies"
    )


FILES_OF_BENCHMARKS = [
    *(PACKAGE / "benchmarks").glob("*.py"),
    PACKAGE / "streams/pairs.py",
    PACKAGE / "core/tuned.py",
]


@pytest.mark.parametrize("path", FILES_OF_BENCHMARKS, ids=lambda path: path.stem)
def test_no_benchmark_names_a_strategy(path):
    words = set(re.findall(r"\w+", path.read_text()))
    assert not words & set(registry.strategies())


def test_what_is_no_code_is_in_the_wheel_too():
    data = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]
    patterns = [f"{package.replace('.', '/')}/{pattern}" for package, own in data.items() for pattern in own]
    files = [
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert len(files) > len(FILES)
    assert [file for file in files if not any(fnmatch(file, pattern) for pattern in patterns)] == []
