"""What only a CUDA device can show: captured steps, its arithmetic, its memory, its energy."""

import dataclasses

import pytest
import torch
from helpers import SUPPORTED, parts_of

from clbench import registry
from clbench.engine import capture
from clbench.engine.clock import Clock
from clbench.engine.energy import EnergyMeter
from clbench.engine.run import Run
from clbench.engine.run import run as run_group
from clbench.testing.runs import until_a_step

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda", 0)
every = pytest.mark.parametrize(("name", "scenario"), SUPPORTED)


def make(name: str, scenario: str, seeds=(0, 1), device=CUDA, **budget) -> Run:
    _, chosen, _ = registry.benchmark(f"blobs_{scenario}", "smoke")
    settings = {"optimiser": "sgd", "lr": 0.01, "momentum": 0.9} | budget
    return Run(
        chosen.stream(list(seeds), device),
        chosen.network(),
        parts_of(name),
        dataclasses.replace(chosen.budget("smoke"), **settings),
    )


@every
def test_captured_steps_do_what_eager_ones_do(name, scenario, monkeypatch):
    captured = make(name, scenario)
    acc = captured.train()
    assert not captured.notes
    monkeypatch.setattr(capture, "WARM_UP", 10**9)
    eager = make(name, scenario)
    assert (acc - eager.train()).abs().max() < 0.06
    assert captured.updates == eager.updates and captured.samples_seen == eager.samples_seen


@every
def test_a_step_never_waits_for_the_device(name, scenario):
    run = make(name, scenario)
    plan = next_plan(run)
    run.step(plan.at(0))
    torch.cuda.set_sync_debug_mode("error")
    try:
        run.step(plan.at(1))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def next_plan(run: Run):
    """The plan of the second task, or of the first where the second has no steps."""
    return until_a_step(run, 1)


@every
def test_twice_the_same_bits(name, scenario):
    first, second = make(name, scenario), make(name, scenario)
    first.train(), second.train()
    assert torch.equal(first.learner.theta, second.learner.theta)


@pytest.mark.parametrize("name", ["naive", "head_only", "adapter", "ewc", "lwf", "mir", "agem"])
def test_pairs_are_learnt_in_captured_steps(name):
    _, chosen, _ = registry.benchmark("driftcaps", "smoke")
    run = Run(
        chosen.stream([0, 1], CUDA),
        chosen.network(),
        registry.strategy_on(name, chosen, "smoke").build(),
        chosen.budget("smoke"),
    )
    acc = run.train()
    assert not run.notes and (acc[:, -1] > acc[:, 0]).all()


@pytest.mark.parametrize("name", ["naive", "er", "ewc", "lwf"])
def test_a_few_steps_end_where_the_cpu_ends(name):
    runs = [make(name, "class", device=device, steps=6) for device in (CUDA, torch.device("cpu"))]
    for run in runs:
        run.train()
    a, b = (run.learner.theta.detach().cpu() for run in runs)
    assert (a - b).norm() / b.norm() < 1e-3


def test_the_cost_sheet_has_gpu_hours_memory_and_energy():
    _, chosen, _ = registry.benchmark("blobs_class", "smoke")
    costs = run_group(
        chosen.stream([0, 1], CUDA), chosen.network(), parts_of("naive"), chosen.budget("smoke"), Clock(CUDA)
    ).costs
    assert costs["gpu_hours"] > 0 and costs["peak_mb"] > 0
    assert (costs["energy_wh"] is not None) == (EnergyMeter(CUDA).counter is not None)
