"""DER against a plain twin, and what it is for."""

import pytest
import torch
import torch.nn.functional as F
from helpers import make, reason, until
from strategies.test_derpp import SIZE, B, DERppTwin
from strategies.test_equations import SGD, same_weights

ALPHA = 0.7


class DERTwin(DERppTwin):
    """Buzzega et al. 2020, equation 5."""

    draws = 1

    def penalty(self, x, t):
        if self.replayed is None:
            return 0.0
        batch = self.stream.gather(torch.stack([sample for sample, _ in self.replayed]).unsqueeze(0))
        return ALPHA * F.mse_loss(self.net(batch.x[0]), torch.stack([z for _, z in self.replayed]))


@pytest.mark.parametrize("scenario", ("class", "task"))
def test_der(scenario):
    run = make(f"der(memory={SIZE}, alpha={ALPHA})", scenario, **SGD)
    same_weights(run, DERTwin(run))


def test_the_outputs_of_stored_rows_stay_where_they_were():
    """The distance from z after a second task, of rows that were stored in the first."""
    der, naive = (make(spec, seeds=[0, 1], steps=60) for spec in ("der(memory=100, alpha=2)", "naive"))
    for run in (der, naive):
        until(run, 1)
    assert torch.equal(der.learner.theta, naive.learner.theta)  # the first task replays nothing
    x, z = der.stream.gather(der.parts[0].stored.clone()).x, der.parts[0].z[:, :-1].clone()
    distances = []
    for run in (der, naive):
        run.learn(run.stream.tasks[1])
        distances.append((run.learner.outputs(x).detach() - z).square().mean())
    assert distances[0] < 0.2 * distances[1]  # measured: 0.09


def test_no_label_is_replayed_and_every_output_taught():
    run = make("der", seeds=[0, 1])
    batch = run.batch(until(run, 1).at(0))
    assert batch.y.shape[1] == 2 * B and (batch.y[:, B:] == -100).all()
    never_seen = run.stream.tasks[-1].classes
    head = run.learner.net.layout.views(
        run.learner.gradient(run.loss, batch | {"mask": batch.mask & ~never_seen}).g
    )["head.weight"]
    assert (head[:, never_seen].abs().sum(-1) > 0).all()


def test_refuses_a_memory_that_the_stream_does_not_fill():
    run = make("der(memory=601)")
    assert "larger than the 600 training examples" in run.parts[0].supports(run.stream, run.learner.net)
    assert all(reason("der", scenario) is None for scenario in ("class", "task", "domain"))
