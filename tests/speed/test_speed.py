"""Speed as ratios measured in one run, interleaved; not part of the gating tests. `make speed`."""
import statistics
import time
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from clbench import registry
from clbench.engine.clock import Clock
from clbench.engine.run import Run
from clbench.engine.run import run as run_group
from clbench.errors import Unavailable

CPU = torch.device("cpu")
STEPS = 94                                   # one epoch of a task: 60,000 images / 5 tasks / 128


@pytest.fixture(scope="module")
def mnist():
    torch.set_num_threads(1)
    _, benchmark, _ = registry.benchmark("split_mnist_class", "quick")
    try:
        benchmark.stream([0], CPU)
    except Unavailable as missing:
        pytest.skip(str(missing))
    return benchmark


def ratio(slow, quick, benchmark, target: float, rounds: int = 5) -> float:
    """Median over the rounds of seconds(slow) / seconds(quick), run in turn; noted in the benchmark's table."""
    def seconds(f):
        start = time.perf_counter()
        f()
        return time.perf_counter() - start
    slow(), quick()
    pairs = [(seconds(slow), seconds(quick)) for _ in range(rounds)]
    found = statistics.median(a / b for a, b in pairs)
    benchmark.extra_info |= {"ratio": round(found, 3), "target": target, "slow_s": [round(a, 3) for a, _ in pairs],
                             "quick_s": [round(b, 3) for _, b in pairs]}
    benchmark.pedantic(quick, rounds=1)
    print(f"\nratio {found:.2f}, target {target}")
    return found


def native(benchmark, spec: str, steps: int = STEPS):
    parts = registry.strategy(spec).build()
    return run_group(benchmark.stream([0], CPU), benchmark.network(), parts, replace(benchmark.budget("quick"), steps=steps),
                     Clock(CPU))


def test_naive_against_avalanche_as_its_docs_feed_it(mnist, benchmark, tmp_path_factory):
    """PIL items through ToTensor and Normalize, one epoch, five tasks, all test data after each."""
    avalanche = docs_style_avalanche(mnist, tmp_path_factory.mktemp("mnist"))
    assert ratio(avalanche, lambda: native(mnist, "naive"), benchmark, target=4.0, rounds=3) >= 4.0


def docs_style_avalanche(mnist, folder):
    import logging
    import shutil
    import warnings

    from clbench.data import files, sources
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in sources.MNIST.files:
        shutil.copy(files.find(sources.MNIST, file), raw)
    warnings.simplefilter("ignore")
    from avalanche.benchmarks.classic import SplitMNIST
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import Naive
    logging.disable(logging.CRITICAL)
    stream = SplitMNIST(n_experiences=5, fixed_class_order=list(range(10)), dataset_root=folder)

    def run():
        model = torch.nn.Sequential(torch.nn.Flatten(), mnist.network().module(
            mnist.network().init(torch.Generator().manual_seed(0))))
        strategy = Naive(model=model, optimizer=torch.optim.Adam(model.parameters(), 1e-3), criterion=F.cross_entropy,
                         train_mb_size=128, train_epochs=1, eval_mb_size=512,
                         evaluator=EvaluationPlugin(accuracy_metrics(experience=True), loggers=[]))
        for experience in stream.train_stream:
            strategy.train(experience)
            strategy.eval(stream.test_stream)
    return run


def test_the_step_of_naive_against_a_plain_loop(mnist, benchmark):
    """The hand-written loop: nn.Sequential, fused Adam, gather included. 200 steps each, in turn."""
    run = Run(mnist.stream([0], CPU), mnist.network(), registry.strategy("naive").build(), mnist.budget("quick"))
    plan = run.shuffled(run.stream.tasks[0].train, steps=200)
    images, net = run.stream.images, run.learner.net.module(run.learner.initial[0])
    optimiser = torch.optim.Adam(net.parameters(), 1e-3, fused=True)

    def plain():
        for samples in plan:
            index = samples[0, :, 1]
            x, y = images.x[index].float().div_(255), images.y[index]
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimiser.step()

    def ours():
        from clbench.stream import Batch
        steps = Batch(samples=plan)
        for step in range(len(plan)):
            run.step(steps.at(step))
    assert ratio(ours, plain, benchmark, target=1.15, rounds=9) <= 1.15


def test_the_command_line_answers_at_once(benchmark):
    import subprocess
    import sys

    def seconds(*arguments):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "clbench", *arguments], check=True, capture_output=True)
        return time.perf_counter() - start
    for arguments in (["--help"], ["list"]):
        found = statistics.median(seconds(*arguments) for _ in range(5))
        benchmark.extra_info[" ".join(arguments)] = round(found, 3)
        assert found < 0.5
    benchmark.pedantic(lambda: seconds("--help"), rounds=1)


def test_peak_memory_of_split_mnist(mnist, benchmark):
    """5 seeds in one group, the worst case: under 2 GiB."""
    def peak():
        parts = registry.strategy("naive").build()
        stream = mnist.stream([0, 1, 2, 3, 4], CPU)
        return run_group(stream, mnist.network(), parts, mnist.budget("quick"), Clock(CPU)).costs["peak_mb"]
    benchmark.extra_info["peak_mb"] = found = benchmark.pedantic(peak, rounds=1)
    assert found < 2 * 1024 ** 3 / 1e6
