"""What a network finds beside its outputs reaches the loss terms of training, row by row, and nobody else."""

import pytest
import torch
from helpers import make

from clbench.core.part import Part
from clbench.models.mlp import MLP


class Chatty(MLP):
    """Says the mean square of each row's features."""

    def with_aside(self, theta, x):
        features = self.features(theta, x)
        return self.head(theta, features), features.square().mean(-1)


class Shrinks(Part):
    def network(self, stream, net):
        return Chatty(*net.sizes)

    def losses(self, out, batch):
        return 0.3 * batch.aside


@pytest.mark.parametrize("seeds", [[0], [0, 3]])
def test_the_loss_of_a_part_reads_it(seeds):
    run = make("naive", extra=[Shrinks()], seeds=seeds)
    batch = run.batch(run.plan(run.stream.tasks[0]).at(0))
    gradient = run.learner.gradient(run.loss, batch)
    plain = MLP(*run.learner.net.sizes)
    for s in range(len(seeds)):
        theta = run.learner.theta[s].clone().requires_grad_()
        features = plain.features(theta, batch.x[s])
        loss = torch.nn.functional.cross_entropy(plain(theta, batch.x[s]), batch.y[s])
        loss = loss + 0.3 * features.square().mean()
        (g,) = torch.autograd.grad(loss, theta)
        assert torch.allclose(gradient.g[s], g, atol=1e-6) and g.abs().max() > 1e-2
        assert torch.allclose(gradient.loss[s], loss, atol=1e-5)
    assert "aside" not in batch and gradient.out.shape == (len(seeds), 16, 10)
