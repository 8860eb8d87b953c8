"""Small runs for tests: `make` a native run on blobs, `until` a task."""
import dataclasses

import pytest
import torch

from clbench import registry
from clbench.core.batch import Batch
from clbench.engine.run import Run
from clbench.errors import InputError

CPU = torch.device("cpu")
NATIVE = [name for name, entry in registry.strategies().items() if entry.backend == "native"]
SCENARIOS = ("class", "task", "domain")
PAIRS = ("driftcaps", "glyphs", "icons")                                 # pairs of which nothing has to be fetched
LABELLED = [name for name in registry.benchmarks() if name.endswith(tuple(f"_{scenario}" for scenario in SCENARIOS))]
SPECS = {"er": "er(memory=100)", "ewc": "ewc(lam=100, samples=64)", "agem": "agem(memory=100)", "gem": "gem(memory=100)",
         "mir": "mir(memory=100)", "derpp": "derpp(memory=100)",
         "icarl": "icarl(memory=100, herded=40)"}                        # sizes that suit 120 examples a task


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


def make(spec: str, scenario: str = "class", seeds=(0,), extra=(), benchmark: str = "blobs_{}", **budget) -> Run:
    """A run of the spec on blobs; `extra` parts come last, `budget` replaces fields."""
    _, chosen, _ = registry.benchmark(benchmark.format(scenario), "smoke")
    return Run(chosen.stream(list(seeds), CPU), chosen.network(), parts_of(spec) + list(extra),
               dataclasses.replace(chosen.budget("smoke"), **budget))


def until(run: Run, t: int) -> Batch:
    """Trains the tasks before t and returns the plan of task t, ready for its first step."""
    for earlier in range(t):
        run.t = earlier
        run.learn(run.stream.tasks[earlier])
    run.t = t
    return run.plan(run.stream.tasks[t])


SUPPORTED = [(name, scenario) for name in NATIVE for scenario in SCENARIOS if not reason(name, scenario)]
