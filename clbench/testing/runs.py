"""Small runs, of seconds: a few parts on a stream that needs no files."""

from collections.abc import Sequence

import torch

from clbench import registry, spec
from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.engine.run import Run

CPU = torch.device("cpu")
SCENARIOS = ("class", "task", "domain", "pairs")
STREAMS = {
    **{scenario: f"blobs_{scenario}(steps=8, tasks=3)" for scenario in SCENARIOS[:3]},
    "pairs": "driftcaps(slices=3, n=48, n_test=16, size=8, rows=16, steps=6)",
}
LONG_STREAMS = {
    **{scenario: f"blobs_{scenario}(tasks=10)" for scenario in SCENARIOS[:3]},
    "pairs": "driftcaps(slices=8, n=32, n_test=8, size=8, rows=16)",
}


def small_run(parts: Sequence[Part], stream: str, seeds: Sequence[int] = (0,), **budget) -> Run:
    """A run of the parts on the stream of a benchmark's spec, with what they need of it, under profile smoke.

    `budget` replaces fields of its budget."""
    _, benchmark, _ = registry.benchmark(suited(stream, parts), "smoke")
    chosen = benchmark.budget("smoke").with_fields(**budget)
    return Run(benchmark.stream(list(seeds), CPU), benchmark.network(), list(parts), chosen)


def suited(stream: str, parts: Sequence[Part]) -> str:
    """The spec of a benchmark with the arguments that the parts need: see `Part.tested_on`."""
    (term,) = spec.parse(stream)
    arguments = dict(term.arguments)
    for part in parts:
        for benchmark, needed in part.tested_on.items():
            if term.name.startswith(benchmark):
                arguments |= needed
    return spec.canonical(term.name, arguments, dict.fromkeys(arguments))


def until(run: Run, t: int) -> Batch:
    """Trains the tasks before t and returns the plan of task t, ready for its first step."""
    for earlier in range(t):
        run.t = earlier
        run.learn(run.stream.tasks[earlier])
    run.t = t
    return run.plan(run.stream.tasks[t])


def until_a_step(run: Run, t: int) -> Batch:
    """As `until`; where a part learns the first task only, the plan of that one: others have no step."""
    return until(run, 0 if _learns_first_task_only(run.parts) else t)


def steps_in(run: Run, t: int, steps: int) -> int:
    """So many, or none where a part learns the first task only and t is another one."""
    return 0 if t and _learns_first_task_only(run.parts) else steps


def _learns_first_task_only(parts: Sequence[Part]) -> bool:
    return any(part.learns_first_task_only for part in parts)
