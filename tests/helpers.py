"""Small runs for tests: `make` a native run on blobs, `until` a task."""

import pytest

from clbench import registry
from clbench.engine.run import Run
from clbench.errors import InputError
from clbench.testing import strategy_checks
from clbench.testing.runs import CPU, small_run, until  # noqa: F401

NATIVE = [name for name, entry in registry.strategies().items() if entry.backend == "native"]
SCENARIOS = ("class", "task", "domain")
PAIRS = ("driftcaps", "glyphs", "icons")  # pairs of which nothing has to be fetched
LABELLED = [
    name for name in registry.benchmarks() if name.endswith(tuple(f"_{scenario}" for scenario in SCENARIOS))
]
SPECS = {
    "er": "er(memory=100)",
    "ewc": "ewc(lam=100, samples=64)",
    "agem": "agem(memory=100)",
    "gem": "gem(memory=100)",
    "mir": "mir(memory=100)",
    "derpp": "derpp(memory=100)",
    "icarl": "icarl(memory=100, herded=40)",
}  # sizes that suit 120 examples a task


def refused(function, *arguments) -> str:
    """What the InputError says."""
    with pytest.raises(InputError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def reason(name: str, scenario: str) -> str | None:
    """Why the strategy cannot learn blobs in this scenario, or None."""
    run = make("naive", scenario)
    return next(filter(None, (part.supports(run.stream, run.learner.net) for part in parts_of(name))), None)


def parts_of(spec: str) -> list:
    return registry.strategy("+".join(SPECS.get(name, name) for name in spec.split("+"))).build()


def make(
    spec: str, scenario: str = "class", seeds=(0,), extra=(), benchmark: str = "blobs_{}", **budget
) -> Run:
    """A run of the spec on blobs; `extra` parts come last, `budget` replaces fields."""
    return small_run(parts_of(spec) + list(extra), benchmark.format(scenario), seeds, **budget)


SUPPORTED = [(name, scenario) for name in NATIVE for scenario in SCENARIOS if not reason(name, scenario)]


def contract(*scenarios: str):
    """A test for each check of each native strategy on the streams of these scenarios."""
    found = [
        pytest.param(check, id=f"{name}: {check}")
        for name in NATIVE
        for check in strategy_checks(SPECS.get(name, name))
        if check.name.endswith(scenarios)
    ]
    return pytest.mark.parametrize("check", found)
