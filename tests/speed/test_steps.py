"""Steps: naive's against a plain loop and its arithmetic, every method's against its passes, late tasks
against early ones."""

import statistics
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from speed.ratios import keep, ratio, seconds
from speed.test_speed import CPU, benchmark_of

from clbench import registry
from clbench.core.batch import Batch
from clbench.core.part import refusal
from clbench.engine.learner import Learner
from clbench.engine.run import Run

B = 128
NATIVE = [name for name, entry in registry.strategies().items() if entry.backend == "native"]


def run_of(
    spec: str, t: int, tasks: str = "split_mnist_task", steps: int = 40, seeds=(0,), device=CPU
) -> tuple[Run, Batch]:
    """A run at the start of task t, after three steps in each task before, and its plan."""
    chosen = benchmark_of(tasks)
    run = Run(
        chosen.stream(list(seeds), device),
        chosen.network(),
        registry.strategy(spec).build(),
        chosen.budget("quick"),
    )
    for run.t in range(t + 1):
        run.steps = 3 if run.t < t else steps
        plan = run.plan(run.stream.tasks[run.t])
        if run.t < t:
            run.fit(plan)
            for _, part in run.turns():
                part.after_task(run.t)
    return run, plan


def steps_of(run: Run, plan: Batch):
    """() -> the next step of the plan, round and round."""
    numbers = iter(range(10**9))
    return lambda: run.step(plan.at(next(numbers) % len(plan.samples)))


def test_a_step_of_naive_against_a_plain_loop(benchmark):
    """The hand-written loop: nn.Sequential, fused Adam, gather included. 200 steps each, in turn."""
    run, plan = run_of("naive", 0, "split_mnist_class", steps=200)
    images, net = run.stream.images, run.learner.net.module(run.learner.initial[0])
    optimiser = torch.optim.Adam(net.parameters(), 1e-3, fused=True)

    def plain():
        for samples in plan.samples:
            index = samples[0, :, 1]
            x, y = images.x[index].float().div_(255), images.y[index]
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimiser.step()

    def ours():
        for step in range(len(plan.samples)):
            run.step(plan.at(step))

    keep(benchmark, "a step of naive, against a plain loop's", ratio(ours, plain, rounds=9), most=1.15)


def test_a_step_of_naive_against_its_arithmetic(benchmark):
    """The floor: the step's matrix products, into buffers that are there, and the fused optimiser."""
    run, plan = run_of("naive", 0, "split_mnist_class")
    sizes, theta = run.learner.net.sizes, torch.nn.Parameter(run.learner.initial.clone())
    theta.grad = torch.randn_like(theta)
    optimiser = torch.optim.Adam([theta], 1e-3, fused=True)
    layers = [
        (torch.randn(B, i), torch.randn(o, i), torch.randn(B, o))
        for i, o in zip(sizes, sizes[1:], strict=False)
    ]
    buffers = [
        (torch.empty(B, o), torch.empty(B, i), torch.empty(o, i))
        for i, o in zip(sizes, sizes[1:], strict=False)
    ]

    def floor():
        for number, ((x, weight, d), (out, back, of_weight)) in enumerate(zip(layers, buffers, strict=True)):
            torch.mm(x, weight.T, out=out)
            torch.mm(d.T, x, out=of_weight)
            if number:  # nobody asks for the gradient at the images
                torch.mm(d, weight, out=back)
        optimiser.step()

    keep(
        benchmark,
        "a step of naive, against its arithmetic",
        ratio(steps_of(run, plan), floor, rounds=101),
        most=1.5,
    )


def test_a_step_of_naive_on_split_cifar10_against_its_arithmetic(benchmark):
    """The floor: the convolutions forward and back, channels innermost, and the fused optimiser."""
    run, plan = run_of("naive", 0, "split_cifar10_class")
    net, theta = run.learner.net, torch.nn.Parameter(run.learner.initial.clone())
    theta.grad = torch.randn_like(theta)
    optimiser, rows, side = torch.optim.Adam([theta], 1e-3, fused=True), run.rows, net.shape[0]
    layers = []
    for i, o in zip((net.inputs, *net.widths), net.widths, strict=False):
        x, weight = (
            torch.randn(shape).to(memory_format=torch.channels_last)
            for shape in ((rows, i, side, side), (o, i, 3, 3))
        )
        side = side // 2
        d = torch.randn(rows, o, side, side).to(memory_format=torch.channels_last)
        layers.append(
            (x, weight, d, [len(layers) > 0, True, False])
        )  # nobody asks for the gradient at the images

    def floor():
        for x, weight, d, asked in layers:
            F.conv2d(x, weight, stride=2, padding=1)
            torch.ops.aten.convolution_backward(
                d, x, weight, None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1, asked
            )
        optimiser.step()

    keep(
        benchmark,
        "a step of naive on split CIFAR-10, against its arithmetic",
        ratio(steps_of(run, plan), floor, rounds=51),
    )


def passes(run: Run, step: Callable[[], None], monkeypatch) -> Callable[[], None]:
    """() -> what the step cannot do without: its passes through networks, over rows that are there, with the
    plain data term where the network is the one that answers, and its optimisers."""
    calls = []

    def note(name: str) -> None:
        method = getattr(Learner, name)

        def noted(self, *arguments):
            calls.append((method, self, arguments, torch.is_grad_enabled()))
            return method(self, *arguments)

        patch.setattr(Learner, name, noted)

    def data_term(out, batch):
        losses = run.data_losses(out, batch)
        return (batch.weight[: len(losses)] * losses).sum()

    with monkeypatch.context() as patch:
        for name in ("gradient", "outputs", "features", "step"):
            note(name)
        step()
    replaces = any(part.data_losses for part in run.parts)
    for number, (method, learner, arguments, grad) in enumerate(calls):
        if method is Learner.gradient and learner is run.learner and not replaces:
            calls[number] = (method, learner, (data_term, *arguments[1:]), grad)

    def bare():
        for method, learner, arguments, grad in calls:
            with torch.set_grad_enabled(grad):
                method(learner, *arguments)

    return bare


@pytest.mark.parametrize("name", NATIVE)
def test_a_step_costs_little_more_than_its_passes(name, benchmark, monkeypatch):
    for tasks in ("split_mnist_task", "split_mnist_class"):
        if reason := refused(name, tasks):
            continue
        run, plan = run_of(name, 2, tasks)
        if not len(plan.samples):
            pytest.skip(f"{name} takes no step after the first task")
        step = steps_of(run, plan)
        found = ratio(step, passes(run, step, monkeypatch), rounds=101)
        keep(benchmark, f"a step of {name}, against the passes that it cannot do without", found, most=1.3)
        return
    pytest.skip(reason)


def refused(name: str, tasks: str) -> str | None:
    """Why the strategy cannot learn the benchmark, or None."""
    chosen = benchmark_of(tasks)
    (part,) = registry.strategy(name).build()
    return refusal(part, chosen.stream([0], CPU), chosen.network(), chosen.budget("quick"))


@pytest.mark.parametrize(("tasks", "t"), [(5, 1), (5, 4), (50, 49)])
def test_ewc_costs_the_same_after_any_number_of_tasks(tasks, t, benchmark):
    name = "split_mnist_task" if tasks == 5 else f"permuted_mnist_domain(tasks={tasks})"
    ewc, naive = (steps_of(*run_of(spec, t, name)) for spec in ("ewc", "naive"))
    keep(
        benchmark,
        f"a step of ewc in task {t + 1} of {tasks}, against naive's",
        ratio(ewc, naive, rounds=101),
        most=1.2,
    )


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
    keep(benchmark, f"the fiftieth task of {spec}, against the fifth", found, most=1.2)
    assert found >= 0.8
