"""Whole runs against Avalanche and against groups of seeds, the command line, memory. `make speed`; not part
of the tests."""

import os
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from speed import avalanche_as_documented
from speed.ratios import keep, ratio, seconds

from clbench import registry
from clbench.avalanche.run import run as run_avalanche
from clbench.engine.clock import Clock
from clbench.engine.run import run as run_native
from clbench.errors import Unavailable

CPU = torch.device("cpu")
EPOCH = 94  # steps: 60,000 images / 5 tasks / 128


def benchmark_of(name: str):
    """A benchmark under `quick`, whose data are here."""
    _, chosen, _ = registry.benchmark(name, "quick")
    try:
        chosen.stream([0], CPU)
    except Unavailable as missing:
        pytest.skip(str(missing))
    return chosen


@pytest.fixture(scope="module")
def mnist():
    return benchmark_of("split_mnist_class")


@pytest.fixture(scope="module")
def documented(mnist, tmp_path_factory):
    return avalanche_as_documented.split_mnist(tmp_path_factory.mktemp("mnist"))


def runner(chosen, spec: str, seeds=(0,), steps: int = EPOCH, device=CPU):
    """() -> a run's outcome."""
    strategy = registry.strategy(spec)
    run = run_native if strategy.backend == "native" else run_avalanche
    budget = replace(chosen.budget("quick"), steps=steps)
    return lambda: run(
        chosen.stream(list(seeds), device), chosen.network(), strategy.build(), budget, Clock(device)
    )


@pytest.mark.parametrize(
    ("name", "spec", "target"),
    [
        ("naive", "naive", 4),
        ("ewc", "ewc", 4),
        ("er", "er", 3),
        ("lwf", "lwf", 3),
        ("agem", "agem", 3),
        ("mir", "mir(candidates=250, rows=128)", 2.2),
    ],
)  # Avalanche walks 500 stored examples 256 at a time: 256, 244, 256, …
def test_a_run_against_avalanche_as_documented(name, spec, target, mnist, documented, benchmark):
    """Split MNIST, one seed: one epoch of each task, all test data before the first and after each."""
    avalanche = avalanche_as_documented.runner(documented, mnist.network(), name)
    found = ratio(avalanche, runner(mnist, spec), rounds=3 if name == "naive" else 2)
    keep(benchmark, f"a run of Avalanche's {name} as documented, against ours", found, least=target)


def test_a_run_against_avalanche_on_resident_tensors(mnist, benchmark):
    """Both on the same tensors, batches and steps; Avalanche with task labels and its stock loader."""
    task = benchmark_of("split_mnist_task")
    found = ratio(runner(task, "avalanche_naive"), runner(task, "naive"), rounds=5)
    keep(benchmark, "a run of avalanche_naive, against naive", found, least=1.4)


@pytest.mark.parametrize("spec", ["naive", "er"])
@pytest.mark.parametrize("S", [5, 10])
@pytest.mark.parametrize("name", ["split_digits_class", "split_mnist_class"])
def test_a_seed_in_a_group(name, spec, S, benchmark):
    """What `GROUP_SIZE` in execution/plan.py rests on. On the larger network a group is there for its memory
    test only."""
    chosen = benchmark_of(name)
    found = ratio(runner(chosen, spec, range(S), steps=40), runner(chosen, spec, steps=40), rounds=3) / S
    keep(
        benchmark,
        f"a seed of {spec} on {name} in a group of {S}, against one alone",
        found,
        most=0.7 if name == "split_digits_class" else None,
    )


@pytest.mark.parametrize("command", ["--help", "list"])
def test_the_command_line_answers_at_once(command, benchmark):
    def answer():
        subprocess.run([sys.executable, "-m", "clbench", command], check=True, capture_output=True)

    keep(
        benchmark,
        f"`clbench {command}`",
        statistics.median(seconds(answer) for _ in range(5)),
        most=0.5,
        unit="s",
    )


def test_peak_memory_of_split_mnist(mnist, benchmark):
    """5 seeds in one group, the worst case; in a process of its own, since the figure is the largest of a
    process."""
    code = (
        "from speed.test_speed import benchmark_of, runner\n"
        "print(runner(benchmark_of('split_mnist_class'), 'naive', range(5))().costs['peak_mb'])"
    )
    folders = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folders},
    )
    peak = float(done.stdout) * 1e6 / 2**30
    keep(benchmark, "peak memory of split_mnist_class, 5 seeds in one group", peak, most=2, unit="GiB")
