"""Diagonal of the Fisher information of the data term."""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, Literal

import torch
from torch import Tensor
from torch.func import grad, vmap

from clbench.core.batch import Batch
from clbench.core.keyed import draw
from clbench.core.part import Network, Run
from clbench.models.network import GradientPowers
from clbench.strategies.parts.held import held_weights

# Whose gradients an estimate takes powers of: those of single examples, of a sample of the task; or those of
# whole batches, of all of the task, as other libraries do.
Estimate = Literal["examples", "batches"]
# Of single examples, whose gradients are squared: those of a label drawn from the network's softmax, of its
# likeliest one, of all labels weighted by the softmax (the expectation), of the true one.
Labels = Literal["sampled", "predicted", "expected", "true"]

ROWS = 4096  # examples whose gradients are taken at once


def cost_of_estimate(run: Run, t: int, samples: int, estimate: Estimate) -> float:
    """`Part.extra_cost` of an estimate on so many examples when task t ends: its passes forward and back,
    spread over the steps that are left for it."""
    rows, n = run.rows, len(run.stream.tasks[t].train)
    some = min(samples, n)
    passes = ceil(n / rows) if estimate == "batches" else some // rows or some / rows
    return passes / max(1, run.budget.steps - passes)


def fisher(run: Run, t: int, samples: int, estimate: Estimate, labels: Labels = "sampled") -> Tensor:
    """[S, P]: the diagonal of the Fisher information on so many examples of task t; or an estimate by all of
    its batches, which is smaller and takes the true labels (on pairs: the true partners)."""
    if estimate == "batches":
        return powers_of_batches(run, t, run.data_losses, power=2)
    some = run.subset(run.stream.tasks[t].train, samples, "fisher")
    if run.stream.scenario == "pairs":
        return fisher_of_batches(run, some)
    return fisher_diagonal(run, some) if labels == "sampled" else fisher_of_labels(run, some, labels)


def powers_of_batches(run: Run, t: int, losses: Callable[[Any, Batch], Tensor], power: int) -> Tensor:
    """[S, P]: mean over the batches of task t, in the order of its data, of |gradient of the mean of
    losses(outputs [n, C], rows) -> [n]|^power; the last batch may be short and counts as the others do."""

    def mean_loss(out: Any, batch: Batch) -> Tensor:
        return (batch.weight * losses(out, batch)).sum()

    batches, total = run.stream.tasks[t].train.split(run.rows), torch.zeros_like(run.learner.theta)
    for samples in batches:
        batch = run.stream.gather(samples.expand(run.S, *samples.shape))
        total += run.learner.gradient(mean_loss, batch).g.abs() ** power
    return total / len(batches) * held_weights(run)


def fisher_of_batches(run: Run, samples: Tensor) -> Tensor:
    """[S, P]: mean over batches of B pairs of B (d loss / d theta)^2, each side's partners sampled from its
    softmax.

    A pair has no gradient of its own: its loss depends on the pairs beside it. Squared gradients of a batch's
    mean shrink with 1 / B, hence the factor. 0 for the temperature, which is left free.
    """
    B, total = min(run.rows, samples.shape[1]), torch.zeros_like(run.learner.theta)
    for i in range(0, samples.shape[1] - B + 1, B):
        batch = run.stream.gather(samples[:, i : i + B])
        purpose = run.purpose(f"fisher partners {i}")
        u = draw(run.seeds, purpose, run.t, lambda draws: torch.rand(2, B, 1, generator=draws))
        batch.u = u.to(run.stream.device)
        total = total + B * run.learner.gradient(_sampled_partners, batch).g.square()
    return total / (samples.shape[1] // B) * held_weights(run)


def _sampled_partners(out: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
    def direction(one: Tensor, other: Tensor, u: Tensor) -> Tensor:
        log_p = (one @ other.mT).log_softmax(-1)
        partner = (log_p.detach().exp().cumsum(-1) < u).sum(-1, keepdim=True).clamp(max=len(log_p) - 1)
        return -log_p.gather(-1, partner).mean()

    left, right = out
    return (direction(left, right, batch.u[0]) + direction(right, left, batch.u[1])) / 2


def fisher_diagonal(run: Run, samples: Tensor) -> Tensor:
    """[S, P]: mean over samples [S, n, 2] of E_y[(d log p(y|x) / d theta)^2], one y per sample drawn from the
    network.

    Kunstner et al. 2019 call the variant with true labels "empirical Fisher"; this is the true one, by
    sampling.
    """
    batch, learner = run.stream.gather(samples), run.learner
    with torch.no_grad():
        p = learner.outputs(batch.x).masked_fill(~batch.mask, -1e9).softmax(-1)
    purpose = run.purpose("fisher labels")
    u = draw(run.seeds, purpose, run.t, lambda generator: torch.rand(p.shape[1], 1, generator=generator))
    batch.y = (p.cumsum(-1) < u.to(p.device)).sum(-1).clamp(max=p.shape[-1] - 1)
    return mean_powers(run, batch, run.data_losses, 2)


def fisher_of_labels(run: Run, samples: Tensor, labels: Labels) -> Tensor:
    """[S, P]: mean over samples [S, n, 2] of (d log p(y|x) / d theta)^2, of one label or of all of them."""
    total = torch.zeros_like(run.learner.theta)
    for some in samples.split(ROWS, 1):
        batch = run.stream.gather(some)
        with torch.no_grad():
            p = run.learner.outputs(batch.x).masked_fill(~batch.mask, -1e9).softmax(-1)  # [S, n, C]
        if labels == "predicted":
            batch.y = p.argmax(-1)
        if labels != "expected":
            total += some.shape[1] * mean_powers(run, batch, run.data_losses, 2)
            continue
        for label in batch.mask.flatten(0, 1).any(0).nonzero().flatten().tolist():
            batch.y = torch.full_like(batch.y, label)
            batch.share = (p[..., label] * batch.mask[..., label]).sqrt()
            total += some.shape[1] * mean_powers(run, batch, _shared(run.data_losses), 2)
    return total / samples.shape[1]


def _shared(losses: Callable[[Any, Batch], Tensor]) -> Callable[[Any, Batch], Tensor]:
    """The losses times `share`: what is weighted before squaring counts with the square."""
    return lambda out, rows: rows.share * losses(out, rows)


def mean_powers(run: Run, batch: Batch, losses: Callable[[Any, Batch], Tensor], power: int) -> Tensor:
    """[S, P]: mean over the rows of |gradient|^power of each row's own losses(outputs [n, C], rows) -> [n],
    a function of one seed."""
    net = run.learner.net
    powers = net.gradient_powers if isinstance(net, GradientPowers) else partial(per_sample, net)
    sums = [
        powers(theta, Batch({name: tensor[s] for name, tensor in batch.items()}), losses, power)
        for s, theta in enumerate(run.learner.theta.detach().unbind(0))
    ]
    return torch.stack(sums) / batch.y.shape[1]


def per_sample(
    net: Network,
    theta: Tensor,
    rows: Batch,
    losses: Callable[[Any, Batch], Tensor],
    power: int,
    chunk: int = 32,
) -> Tensor:
    """[P]: sum over rows of |gradient|^power of each row's own loss, for a network that knows no quicker
    way."""

    def loss(theta: Tensor, row: dict[Any, Tensor]) -> Tensor:
        one = Batch({name: tensor.unsqueeze(0) for name, tensor in row.items()})
        return losses(net(theta, one.x), one).sum()

    gradients = vmap(grad(loss), (None, 0))
    total = torch.zeros_like(theta)
    for i in range(0, len(rows.y), chunk):
        some = {name: tensor[i : i + chunk] for name, tensor in rows.items()}
        total += (gradients(theta, some).abs() ** power).sum(0)
    return total
