"""A step of every method against the passes that it cannot do without, and against naive's."""
import statistics
import time

import pytest
import torch
from helpers import CPU

from clbench import registry
from clbench.engine.run import Run
from clbench.errors import Unavailable
from clbench.stream import Batch

B, MEMORY = 128, 500
# What the third of five tasks takes at the least in each step: rows forward and back, and rows forward only.
PASSES = {
    "naive": ([B], []), "head_only": ([B], []), "ewc": ([B], []), "lwf": ([B], [B]), "er": ([2 * B], []), "agem": ([B, B], []),
    "gem": ([B, 100, 100], []), "mir": ([B, 2 * B], [2 * B, 2 * B]), "derpp": ([3 * B], []), "icarl": ([B], [B]),
    "packnet": ([B], []), "joint": ([B], []), "joint_equal": ([B], []), "cumulative": ([B], []),
}


def run_of(spec: str, t: int, tasks: str = "split_mnist_task", steps: int = 40, seeds=(0,)) -> tuple[Run, Batch]:
    """A run at the start of task t, after a step in each task before, and its plan."""
    torch.set_num_threads(1)
    _, benchmark, _ = registry.benchmark(tasks, "quick")
    try:
        stream = benchmark.stream(list(seeds), CPU)
    except Unavailable as missing:
        pytest.skip(str(missing))
    run = Run(stream, benchmark.network(), registry.strategy(spec).build(), benchmark.budget("quick"))
    for run.t in range(t + 1):
        plan = Batch(samples=run.shuffled(stream.tasks[run.t].train, steps=3 if run.t < t else steps))
        for part in run.parts:
            plan = part.before_task(run.t, plan)
        if run.t < t:
            run.fit(plan)
            for part in run.parts:
                part.after_task(run.t)
    return run, plan


def seconds(f, *arguments) -> float:
    start = time.perf_counter()
    f(*arguments)
    return time.perf_counter() - start


def step_ratio(run: Run, plan: Batch, other, rounds: int = 31) -> float:
    """Median over rounds of seconds(a step) / seconds(other()), in turn."""
    steps = len(plan.samples)
    for i in range(3):
        run.step(plan.at(i)), other()
    return statistics.median(seconds(run.step, plan.at(i % steps)) / seconds(other) for i in range(rounds))


def passes(run: Run, trained: list[int], seen: list[int]):
    """() -> what the step cannot do without: these passes over rows that are there, and the optimiser."""
    samples = run.stream.tasks[run.t].train[:3 * B].unsqueeze(0)
    batches = {rows: run.stream.gather(samples[:, :rows]) for rows in {*trained, *seen}}
    learner = run.learner

    def data_term(out, batch):
        return (batch.weight * run.data_losses(out, batch)).sum()

    def bare():
        for rows in trained:
            gradient = learner.gradient(data_term, batches[rows])
        for rows in seen:
            with torch.no_grad():
                learner.outputs(batches[rows].x)
        learner.step(gradient)
    return bare


@pytest.mark.parametrize("name", PASSES)
def test_a_step_costs_little_more_than_its_passes(name, benchmark):
    run, plan = run_of(name, 2)
    found = step_ratio(run, plan, passes(run, *PASSES[name]))
    benchmark.extra_info |= {"ratio": round(found, 3), "target": 1.3}
    benchmark.pedantic(run.step, (plan.at(0),), rounds=5)
    print(f"\n{name}: {found:.2f} times its passes")
    assert found <= 1.3


def test_progressive_costs_little_more_than_its_columns(benchmark):
    run, plan = run_of("progressive", 2)
    found = step_ratio(run, plan, passes(run, [B], []))
    benchmark.extra_info |= {"ratio": round(found, 3), "target": 1.3}
    benchmark.pedantic(run.step, (plan.at(0),), rounds=5)
    assert found <= 1.3


@pytest.mark.parametrize(("tasks", "t"), [(5, 1), (5, 4), (50, 49)])
def test_ewc_costs_the_same_after_any_number_of_tasks(tasks, t, benchmark):
    name = "split_mnist_task" if tasks == 5 else f"permuted_mnist_domain(tasks={tasks})"
    (ewc, plan), (naive, other) = (run_of(spec, t, name) for spec in ("ewc", "naive"))
    found = step_ratio(ewc, plan, lambda: naive.step(other.at(0)))
    benchmark.extra_info |= {"ratio": round(found, 3), "target": 1.2}
    benchmark.pedantic(ewc.step, (plan.at(0),), rounds=5)
    print(f"\newc, task {t + 1} of {tasks}: {found:.2f} times naive")
    assert found <= 1.2


@pytest.mark.parametrize("spec", ["er", "agem", "packnet"])
def test_the_fiftieth_task_costs_what_the_fifth_did(spec, benchmark):
    """A whole task each, what comes before and after its steps included; median of five, in turn."""
    scenario = "task" if spec == "packnet" else "domain"
    fifth, fiftieth = (run_of(spec, t, f"permuted_mnist_{scenario}(tasks=50)")[0] for t in (4, 49))

    def whole_task(run):
        run.steps = 40
        return seconds(run.learn, run.stream.tasks[run.t])
    whole_task(fifth), whole_task(fiftieth)
    found = statistics.median(whole_task(fiftieth) / whole_task(fifth) for _ in range(5))
    benchmark.extra_info |= {"ratio": round(found, 3), "target": 1.2}
    benchmark.pedantic(whole_task, (fifth,), rounds=1)
    print(f"\n{spec}: the fiftieth task takes {found:.2f} times the fifth")
    assert 0.8 <= found <= 1.2
