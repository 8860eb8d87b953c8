"""Adapters: what they compute, when they learn, and that the body stays."""

import pytest
import torch
import torch.nn.functional as F
from helpers import make, until

SCENARIOS = ("class", "task", "domain")


@pytest.mark.parametrize("layers", [1, 3])
def test_the_network_is_the_plain_one_with_residual_layers(layers):
    run = make(f"adapter(width=4, layers={layers})")
    until(run, 2)
    views = run.learner.net.layout.views(run.learner.theta.detach()[0])
    x = run.stream.test(0, slice(0, 9))
    h = x[0]
    for i in range(run.learner.net.net.hidden):
        h = F.relu(h @ views[f"hidden{i}.weight"].T + views[f"hidden{i}.bias"])
    for layer in range(layers):
        down, bias, up = (views[f"head.adapter0.{layer}.{name}"] for name in ("down", "bias", "up"))
        assert up.abs().max() > 1e-3  # it has learnt
        h = h + F.relu(h @ down.T + bias) @ up.T
    wanted = h @ views["head.weight"].T + views["head.bias"]
    assert torch.allclose(run.learner.outputs(x)[0], wanted, atol=1e-5)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_the_first_task_it_is_naive_and_then_the_body_stays(scenario):
    adapter, naive = make("adapter", scenario), make("naive", scenario)
    until(adapter, 1), until(naive, 1)
    x = naive.stream.test(0, slice(0, 50))
    assert torch.equal(adapter.learner.outputs(x), naive.learner.outputs(x))
    layout, before = adapter.learner.net.layout, adapter.learner.theta.detach().clone()
    adapter.learn(adapter.stream.tasks[1])
    moved = layout.views((adapter.learner.theta.detach() != before)[0])
    assert {name for name, one in moved.items() if one.any()} == {
        name for name in layout.shapes if name.startswith("head")
    }


def test_its_layers_show_what_they_read():
    run = make("adapter(width=4)")
    until(run, 2)
    net, theta, x = run.learner.net, run.learner.theta.detach()[0], run.stream.test(0, slice(0, 9))[0]
    read = net.inputs_of(theta, x)
    assert list(read) == ["hidden0", "hidden1", "head"]
    assert torch.equal(read["hidden0"], x) and torch.equal(net.head(theta, read["head"]), net(theta, x))
