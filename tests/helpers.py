"""Small runs for tests: `make` a native run on blobs, `until` a task."""

import pytest

from clbench import registry
from clbench.engine.run import Run
from clbench.errors import InputError
from clbench.testing import strategy_checks
from clbench.testing.runs import CPU, small_run, suited, until  # noqa: F401

NATIVE = [name for name, entry in registry.strategies().items() if entry.backend == "native"]
SCENARIOS = ("class", "task", "domain")
PAIRS = ("driftcaps", "glyphs", "icons")  # pairs of which nothing has to be fetched
LABELLED = [
    name
    for name, entry in registry.benchmarks().items()
    if name.endswith(tuple(f"_{scenario}" for scenario in SCENARIOS)) and not entry.by_name_only
]


def small(spec: str, **other: object) -> str:
    """The spec with arguments that suit blobs, as the classes say them, for names that have none; `other`
    values for those of them that it has."""
    return "+".join(_small(name, other) for name in spec.split("+"))


def _small(name: str, other: dict[str, object]) -> str:
    arguments = registry.facts(name).small if name in registry.strategies() else {}
    arguments = {key: other.get(key, value) for key, value in arguments.items()}
    return (
        f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})" if arguments else name
    )


def refused(function, *arguments) -> str:
    """What the InputError says."""
    with pytest.raises(InputError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def reason(name: str, scenario: str) -> str | None:
    """Why the strategy cannot learn blobs in this scenario, or None."""
    parts = parts_of(name)
    run = small_run([], suited(f"blobs_{scenario}", parts))
    return next(filter(None, (part.supports(run.stream, run.learner.net) for part in parts)), None)


def parts_of(spec: str) -> list:
    return registry.strategy(small(spec)).build()


def make(
    spec: str, scenario: str = "class", seeds=(0,), extra=(), benchmark: str = "blobs_{}", **budget
) -> Run:
    """A run of the spec on blobs; `extra` parts come last, `budget` replaces fields."""
    return small_run(parts_of(spec) + list(extra), benchmark.format(scenario), seeds, **budget)


SUPPORTED = [(name, scenario) for name in NATIVE for scenario in SCENARIOS if not reason(name, scenario)]


# Checks on every kind of stream; the others on the first that a strategy can learn, and on pairs those of the
# step and of what it has an effect on.
EVERYWHERE = (
    "an impossible stream gets a reason",
    "twice the same bits and sensible",
    "reads no old data that it has not stored",
)
ON_PAIRS = (
    *EVERYWHERE,
    "differs from plain training unless it has no hooks",
    "steps and samples are as planned",
    "a step is static and never waits for the device",
)


def contract(*scenarios: str):
    """A test for each check of each native strategy on the streams of these scenarios."""
    found = []
    for name in NATIVE:
        checks = [check for check in strategy_checks(small(name)) if check.name.endswith(scenarios)]
        fully = next((check.name for check in checks if not check.name.startswith(EVERYWHERE[0])), "")
        first = fully.rpartition(", ")[2]
        found += [
            pytest.param(check, id=f"{name}: {check}")
            for check in checks
            if check.name.startswith(ON_PAIRS if first == "pairs" else EVERYWHERE)
            or check.name.endswith(first) != (first == "pairs")
        ]
    return pytest.mark.parametrize("check", found)
