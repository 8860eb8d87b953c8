"""The body of the run's network, all its parameters but the head, learnt by another learner: of a network
whose parameters begin with those of the run's network."""

from typing import TYPE_CHECKING

import torch

from clbench.core.part import Network, Run

if TYPE_CHECKING:
    from clbench.engine.learner import Learner


def learner_of_body(run: Run, net: Network, purpose: str) -> "Learner":
    """Starts from the weights of the run's network; its steps have no warm-up."""
    learner, parameters = run.new_learner(net, purpose, warm_up=None), run.learner.net.layout.parameters
    learner.theta[:, :parameters] = run.learner.theta[:, :parameters]
    return learner


@torch.no_grad()
def start_from_body(run: Run, learner: "Learner") -> None:
    """The learner's body becomes that of the run's network, and of the weights that a method starts again
    from."""
    layout, theta = run.learner.net.layout, learner.theta
    body = layout.flat({name: name not in layout.head for name in layout.shapes}).to(theta.device)
    for one in (run.learner.theta, run.learner.initial):
        one[:, body] = theta[:, : layout.P][:, body]
