"""Which old examples the cumulative variants train on."""

import pytest
import torch
from helpers import make


def trained_on(run, t: int) -> dict[int, set]:
    """task -> the indices that occur in the plan of task t, once tasks before have been planned."""
    run.steps = 40
    for run.t in range(t + 1):
        plan = run.plan(run.stream.tasks[run.t])
    samples = plan.samples.flatten(0, 2)
    return {task: set(samples[samples[:, 0] == task, 1].tolist()) for task in samples[:, 0].unique().tolist()}


@pytest.mark.parametrize(
    ("spec", "shares"),
    [("cumulative", [120, 120, 120]), ("cumulative_equal", [40, 40, 40]), ("cumulative_exp", [15, 30, 60])],
)
def test_shares_of_120_old_examples(spec, shares):
    found = trained_on(make(spec), 3)
    assert [len(found[k]) for k in range(4)] == [*shares, 120]


@pytest.mark.parametrize("spec", ["cumulative_equal", "cumulative_exp"])
def test_a_dropped_example_never_comes_back(spec):
    run = make(spec)
    earlier, later = trained_on(make(spec), 2), trained_on(run, 4)
    assert all(later[k] <= earlier[k] for k in range(2))
    assert not torch.equal(run.parts[0].orders[0][0, :, 1], run.parts[0].orders[0][0, :, 1].sort().values)


def test_cumulative_equal_forgets_less_than_naive():
    kept, naive = (make(spec, steps=40).train()[0, -1, :-1].mean() for spec in ("cumulative_equal", "naive"))
    assert kept > naive + 0.2
