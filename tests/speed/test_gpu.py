"""The targets for one GPU: ten seeds together, steps as CUDA graphs. Part of `make gpu-report`."""

import statistics

import pytest
import torch
from speed import avalanche_as_documented
from speed.ratios import keep, ratio, seconds
from speed.test_speed import benchmark_of, documented, mnist, runner  # noqa: F401 (fixtures)
from speed.test_steps import run_of

from clbench.engine.capture import CapturedStep

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CUDA = torch.device("cuda", 0)
SEEDS = range(10)


def kept(benchmark, what: str, found: float, **target) -> None:
    keep(benchmark, what, found, machine=torch.cuda.get_device_name(), **target)


def captured(spec: str, t: int = 0, tasks: str = "split_mnist_task", steps: int = 500):
    """() -> so many replays of the step of ten seeds in task t."""
    run, plan = run_of(spec, t, tasks, steps, SEEDS, CUDA)
    take = CapturedStep(run.step, run.notes)

    def replays():
        for step in range(steps):
            take(plan.at(step))
        torch.cuda.synchronize()

    replays()  # the first ones are eager, and one is recorded
    assert not run.notes
    return replays


def test_a_captured_step_of_ten_seeds(benchmark):
    replays = captured("naive", 0, "split_mnist_class")
    found = statistics.median(seconds(replays) for _ in range(5)) / 500
    kept(benchmark, "a captured step of naive, ten seeds", found * 1e6, most=200, unit="µs")


@pytest.mark.parametrize(("tasks", "t"), [(5, 1), (5, 4), (50, 49)])
def test_ewc_costs_the_same_after_any_number_of_tasks(tasks, t, benchmark):
    name = "split_mnist_task" if tasks == 5 else f"permuted_mnist_domain(tasks={tasks})"
    found = ratio(captured("ewc", t, name), captured("naive", t, name), rounds=5)
    kept(benchmark, f"a captured step of ewc in task {t + 1} of {tasks}, against naive's", found, most=1.15)


@pytest.mark.parametrize("spec", ["er", "agem", "packnet"])
def test_the_fiftieth_task_costs_what_the_fifth_did(spec, benchmark):
    """A whole task each, what comes before and after its steps included; median of five, in turn."""
    scenario = "task" if spec == "packnet" else "domain"
    fifth, fiftieth = (
        run_of(spec, t, f"permuted_mnist_{scenario}(tasks=50)", seeds=SEEDS, device=CUDA)[0] for t in (4, 49)
    )

    def whole_task(run):
        run.steps = 400
        run.learn(run.stream.tasks[run.t])
        torch.cuda.synchronize()

    found = ratio(lambda: whole_task(fiftieth), lambda: whole_task(fifth), rounds=5)
    kept(benchmark, f"the fiftieth task of {spec}, against the fifth", found, most=1.2)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("naive", "naive"),
        ("ewc", "ewc"),
        ("er", "er"),
        ("lwf", "lwf"),
        ("agem", "agem"),
        ("mir", "mir(candidates=250, rows=128)"),
    ],
)
def test_a_seed_of_ten_against_avalanche_as_documented(name, spec, mnist, documented, benchmark):  # noqa: F811
    """Split MNIST: one epoch of each task, all test data before the first and after each."""
    avalanche = avalanche_as_documented.runner(documented, mnist.network(), name, "cuda")
    ours = runner(mnist, spec, SEEDS, device=CUDA)
    ours()
    found = len(SEEDS) * seconds(avalanche) / statistics.median(seconds(ours) for _ in range(3))
    kept(
        benchmark,
        f"a run of Avalanche's {name} as documented, against a seed of ten of ours",
        found,
        least=100,
    )


def test_a_seed_of_ten_against_avalanche_on_resident_tensors(benchmark):
    """On the same tensors, batches and steps; Avalanche with task labels and its stock loader."""
    task = benchmark_of("split_mnist_task")
    avalanche, ours = runner(task, "avalanche_naive", device=CUDA), runner(task, "naive", SEEDS, device=CUDA)
    found = len(SEEDS) * ratio(avalanche, ours, rounds=3)
    kept(benchmark, "a run of avalanche_naive, against a seed of ten of naive", found, least=30)
